"""The processes that `roomscale up` starts: `_gate` and `_node`. Not for people."""

from __future__ import annotations

from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer

HouseFile = Annotated[Path, typer.Option("--house", help="The file that `roomscale up` wrote for its parts.")]


def gate(house: HouseFile) -> None:
    """Run the gate of a house."""
    from roomscale.cli.config import House, gate_config
    from roomscale.worlds.gate.service import serve

    _run(serve(gate_config(House.read(house))))


def node(house: HouseFile) -> None:
    """Run the netcode node of a house."""
    from roomscale.cli.config import House, node_config
    from roomscale.netcode import compiled

    compiled.activate()
    from roomscale.netcode.node.service import serve

    _run(serve(node_config(House.read(house))))


def _run(service: Coroutine[Any, Any, None]) -> None:
    import logging
    import sys

    from roomscale.cli.loops import run_fast

    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("aioice").setLevel(logging.WARNING)  # it logs every candidate pair
    run_fast(service)
