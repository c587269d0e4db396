"""Two endpoints over a bad network: a stop-and-wait ARQ, the smallest protocol that has to cope with one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import pytest

from roomscale.netcode.testing.link import BAD, NARROW, OUTAGE, PERFECT, PRESETS, LinkConfig
from roomscale.netcode.testing.pair import Livelock, Pair

TIMEOUT = 0.4


@dataclass
class Sender:
    """Sends one message after the other, each until it is acknowledged. Frame: alternating bit, then the text."""

    messages: list[bytes]
    bit: int = 0
    timer: float | None = None
    sent: int = 0
    due: bool = True

    def receive(self, datagram: bytes, now: float) -> None:
        if self.messages and datagram == bytes([self.bit]):
            del self.messages[0]
            self.bit ^= 1
            self.due, self.timer = True, None

    def outgoing(self, now: float) -> Iterable[bytes]:
        if not (self.due and self.messages):
            return []
        self.due, self.timer = False, now + TIMEOUT
        self.sent += 1
        return [bytes([self.bit]) + self.messages[0]]

    def next_timer(self) -> float | None:
        return self.timer

    def on_timer(self, now: float) -> None:
        self.due, self.timer = True, None


@dataclass
class Receiver:
    """Acknowledges what comes by its bit, and takes each message once."""

    got: list[tuple[float, bytes]] = field(default_factory=list)
    bit: int = 0
    acks: list[bytes] = field(default_factory=list)

    def receive(self, datagram: bytes, now: float) -> None:
        self.acks.append(datagram[:1])
        if datagram[0] == self.bit:
            self.got.append((now, datagram[1:]))
            self.bit ^= 1

    def outgoing(self, now: float) -> Iterable[bytes]:
        acks, self.acks = self.acks, []
        return acks

    def next_timer(self) -> float | None:
        return None

    def on_timer(self, now: float) -> None:
        raise AssertionError("it has no timer")


MESSAGES = [f"message {i}".encode() for i in range(200)]


def talk(config: LinkConfig, seed: int = 1, back: LinkConfig | None = None) -> Pair[Sender, Receiver]:
    return Pair(Sender(list(MESSAGES)), Receiver(), config, back, seed=seed)


@pytest.mark.parametrize("name", [name for name in PRESETS if name != "outage"])
@pytest.mark.parametrize("seed", [1, 2])
def test_everything_arrives_once_and_in_order_over_every_network(name: str, seed: int) -> None:
    # A held-back double of an old frame may look new to one alternating bit: this toy needs the order kept.
    config = LinkConfig(
        **{f: getattr(PRESETS[name], f) for f in ("delay", "jitter", "loss", "burst_loss", "rate", "mtu")}
    )
    pair = talk(config, seed)
    assert pair.run(until=lambda: not pair.a.messages, seconds=600)
    assert [message for _, message in pair.b.got] == MESSAGES


def test_the_same_seed_tells_the_same_story_and_another_one_does_not() -> None:
    def story(seed: int) -> list[tuple[float, bytes]]:
        pair = talk(BAD, seed)
        pair.run(seconds=100)
        return pair.b.got

    assert story(4) == story(4)
    assert story(4) != story(5)


def test_time_is_the_networks_and_the_timers_and_nothing_is_waited_for() -> None:
    pair = talk(LinkConfig(delay=0.05), back=LinkConfig(delay=0.15))
    assert pair.run(until=lambda: not pair.a.messages)
    assert pair.now == pytest.approx(200 * 0.2)
    assert pair.a.sent == 200
    assert [at for at, _ in pair.b.got[:2]] == pytest.approx([0.05, 0.25])


def test_it_says_so_when_what_is_waited_for_does_not_come_in_time() -> None:
    pair = talk(OUTAGE)
    assert not pair.run(until=lambda: pair.b.got, seconds=9.9)
    assert pair.now == 9.9
    assert pair.a.sent == 25  # at once, and after each 0.4 s
    pair.there.config = pair.back.config = PERFECT
    assert pair.run(until=lambda: not pair.a.messages, seconds=TIMEOUT)


def test_without_a_condition_it_runs_for_as_long_as_told() -> None:
    pair = talk(PERFECT)
    assert pair.run(seconds=3)
    assert pair.now == 3
    assert pair.run(seconds=0.5)
    assert pair.now == 3.5


def test_a_test_may_take_single_datagrams_from_the_wire() -> None:
    pair = talk(LinkConfig(delay=0.01))
    seen: list[bytes] = []

    def lose_the_third(datagram: bytes) -> list[bytes]:
        seen.append(datagram)
        return [] if len(seen) == 3 else [datagram]

    pair.wire_there = lose_the_third
    pair.wire_back = lambda datagram: [datagram, datagram]
    assert pair.run(until=lambda: not pair.a.messages, seconds=60)
    assert seen[2] == seen[3] == b"\x00message 2"
    assert [message for _, message in pair.b.got] == MESSAGES
    assert pair.back.stats.sent == 2 * 200


def test_each_direction_has_a_story_of_its_own() -> None:
    pair = talk(LinkConfig(loss=0.3))
    pair.run(until=lambda: not pair.a.messages, seconds=600)
    assert pair.there.stats.lost > 0
    assert pair.back.stats.lost > 0
    assert pair.there.stats.lost != pair.back.stats.lost
    assert pair.b.got[-1][1] == MESSAGES[-1]


def test_endpoints_that_talk_without_end_in_no_time_are_found_out() -> None:
    class Echo(Receiver):
        def receive(self, datagram: bytes, now: float) -> None:
            self.acks.append(datagram)

    pair = Pair(Echo(acks=[b"ping"]), Echo())
    with pytest.raises(Livelock, match="still busy"):
        pair.run(seconds=1)


def test_a_narrow_network_shows_in_the_time_it_takes() -> None:
    pair = talk(NARROW)
    assert pair.run(until=lambda: not pair.a.messages)
    assert pair.now > 200 * 2 * NARROW.delay
