"""When a SACK rides on data: with every packet, or once what it acknowledges is old enough."""

from __future__ import annotations

from roomscale.netcode.webrtc.sctp import SctpConfig, chunks
from roomscale.netcode.webrtc.sctp.chunks import DATA, SACK
from tests.netcode.webrtc.sctp.harness import Pair

TICK = 0.05
EARLY = 0.008
"""Seconds before the tick at which a visitor's pose comes."""
PATIENT = SctpConfig(sack_delay=0.15, sack_age=0.03)


class World:
    """A server that answers the poses of one visitor once a tick, each way over no distance at all."""

    def __init__(self, config: SctpConfig) -> None:
        pair = Pair(config=config).open()
        pair.run(0.5)  # what the handshake left to acknowledge
        self.client, self.server, self.now = pair.client.association, pair.server.association, pair.now
        self.tick()  # the first data after a silence asks for a SACK at once

    def tick(self, *, hears: bool = True, says: bool = True) -> list[int]:
        """The types of the chunks that the server sends in the next tick."""
        self.now += TICK - EARLY
        self.client.send(1, 53, b"here", self.now, reliable=False, ordered=False)
        for packet in self.client.outgoing(self.now):
            if hears:
                self.server.receive(packet, self.now)
        self.now += EARLY
        self.server.on_timer(self.now)
        if says:
            self.server.send(1, 53, b"sight", self.now, reliable=False, ordered=False)
        types = []
        for packet in self.server.outgoing(self.now):
            types += [chunk.kind for chunk in chunks.split(packet, 12)]
            self.client.receive(packet, self.now)
        return types


def test_without_an_age_each_packet_carries_one() -> None:
    world = World(SctpConfig())
    assert [world.tick() for _ in range(4)] == [[SACK, DATA]] * 4


def test_with_an_age_every_second_packet_carries_one() -> None:
    world = World(PATIENT)
    assert [world.tick() for _ in range(6)] == [[DATA], [SACK, DATA]] * 3


def test_a_gap_is_reported_in_each_packet() -> None:
    world = World(PATIENT)
    world.tick()
    world.tick(hears=False)
    assert SACK in world.tick()
    assert SACK in world.tick()


def test_without_data_to_ride_on_it_goes_by_itself_when_it_must() -> None:
    world = World(PATIENT)
    assert [world.tick(hears=n == 0, says=False) for n in range(4)] == [[], [], [], [SACK]]
