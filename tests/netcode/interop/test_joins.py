"""Every stack that a visitor may come with joins the lean node, over every network."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from roomscale.netcode.testing.link import PERFECT, LinkConfig
from tests.netcode.interop.client import Joined
from tests.netcode.interop.conftest import Street
from tests.netcode.interop.figures import Figures
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
PROVEN = ("clean", "lossy", "bad")
EVERY_DAY = 10
"""Joins in a row in `make test`."""
AT_ONCE = {"clean": 1}
"""Joins at once: where packets are lost nearly all of the time is waiting, and 4 wait together."""
PROOF = 100
"""Joins in a row in `make proof`."""
CASES = [
    *(
        pytest.param(client, network, EVERY_DAY, marks=pytest.mark.timeout(300))  # npm may have to install one first
        for client in CLIENTS
        for network in ("clean", "bad")
    ),
    *(
        pytest.param(client, network, PROOF, marks=[pytest.mark.proof, pytest.mark.timeout(1800)])
        for client in CLIENTS
        for network in PROVEN
    ),
]


@pytest.fixture(scope="module")
def figures() -> Iterator[Figures]:
    """What a hundred joins of each looked like; goes to docs/interop.md when all of them were made."""
    figures = Figures()
    yield figures
    if len(figures.rows) == len(CLIENTS) * len(PROVEN):
        figures.record()


@pytest.mark.parametrize(("client", "network", "joins"), CASES)
async def test_every_join_in_a_row_comes_through(
    street: Street, figures: Figures, client: str, network: str, joins: int
) -> None:
    async with CLIENTS[client]() as program:
        lanes = asyncio.Semaphore(AT_ONCE.get(network, 4))

        async def join() -> Joined:
            async with lanes:
                return await program.join(street.by(NETWORKS[network]))

        joined = await asyncio.gather(*(join() for _ in range(joins)))
        figures.tell(client, network, joined, record=joins == PROOF)
