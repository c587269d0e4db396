"""How long joins took: said aloud by every run, and kept in docs/interop.md by `make proof`.

Rule: figures are for people; no test asserts on them.
"""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Final

from tests.benchmarks.record import record
from tests.netcode.interop.client import Joined
from tests.netcode.interop.programs import version

DOCUMENT: Final = Path(__file__).parents[3] / "docs" / "interop.md"
COMMAND: Final = "pytest -m proof tests/netcode/interop"


class Figures:
    """What was seen so far."""

    def __init__(self) -> None:
        self.rows: list[str] = []

    def tell(self, client: str, network: str, joined: list[Joined], *, record: bool) -> None:
        """Print one line; a row of the table, too, if it is to be recorded."""
        opened = [join.open for join in joined if join.open is not None]
        to_open, to_inside = _quantiles(opened), _quantiles([join.inside for join in joined])
        print(
            f"\n{client}, {network}: {len(joined)} joins, ms to open {to_open}, to WELCOME {to_inside} (p50, p90, most)"
        )
        if record:
            self.rows.append(f"| {version(client)} | {network} | {len(joined)} | {to_open} | {to_inside} |")

    def record(self) -> None:
        """Write the table."""
        head = "| client | network | joins | to open: p50, p90, most | to WELCOME |\n|---|---|---|---|---|"
        record("joins", COMMAND, "\n".join([head, *self.rows]), DOCUMENT)


def _quantiles(values: list[float]) -> str:
    if not values:
        return "–"
    tenths = statistics.quantiles(values, n=10, method="inclusive")
    return f"{statistics.median(values):.0f}, {tenths[-1]:.0f}, {max(values):.0f}"
