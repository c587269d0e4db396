"""Every stack that a visitor may come with joins the lean node, over every network."""

from __future__ import annotations

import statistics

import pytest

from roomscale.netcode.testing.link import PERFECT, LinkConfig
from tests.netcode.interop.client import Joined
from tests.netcode.interop.conftest import Street
from tests.netcode.interop.programs import CLIENTS

NETWORKS = {
    "direct": None,
    "clean": PERFECT,
    "lossy": LinkConfig(delay=0.02, jitter=0.02, loss=0.05),
    "bad": LinkConfig(
        delay=0.02, jitter=0.02, loss=0.1, burst_loss=0.1, burst_length=3, burst_time=0.3, reorder=0.1, duplicate=0.05
    ),
}
"""No proxy at all; one that does nothing; 5% lost; 20% lost, half of it in bursts, some held back and some doubled."""
EVERY_DAY = 10
"""Joins in a row in `make test`."""
PROOF = 100
"""Joins in a row in `make proof`."""
CASES = [
    *((client, network, EVERY_DAY) for client in ("lean", "aiortc", "chromium") for network in ("clean", "bad")),
    *(
        pytest.param(client, network, PROOF, marks=[pytest.mark.proof, pytest.mark.timeout(1800)])
        for client in CLIENTS
        for network in ("clean", "lossy", "bad")
    ),
]


@pytest.mark.parametrize(("client", "network", "joins"), CASES)
async def test_every_join_in_a_row_comes_through(street: Street, client: str, network: str, joins: int) -> None:
    async with CLIENTS[client]() as program:
        joined = [await program.join(street.by(NETWORKS[network])) for _ in range(joins)]
        _report(f"{client}, {network}", joined)


def _report(what: str, joined: list[Joined]) -> None:
    """Say how long it took. Figures are for people; nothing here asserts on them."""
    inside = [join.inside for join in joined]
    opened = [join.open for join in joined if join.open is not None]
    parts = [
        f"offer to {name} {_quantiles(values)} ms" for name, values in (("open", opened), ("WELCOME", inside)) if values
    ]
    print(f"\n{what}: {len(joined)} joins, {', '.join(parts)}")


def _quantiles(values: list[float]) -> str:
    tenths = statistics.quantiles(values, n=10, method="inclusive")
    return f"p50 {statistics.median(values):.0f}, p90 {tenths[-1]:.0f}, most {max(values):.0f}"
