"""What is under way: loss noticed, retransmitted or given up; and SACKs that no honest peer sends."""

from __future__ import annotations

import pytest

from roomscale.netcode.errors import BadSctp
from roomscale.netcode.webrtc.sctp import chunks
from roomscale.netcode.webrtc.sctp.config import INFINITY, SctpConfig
from roomscale.netcode.webrtc.sctp.congestion import Congestion
from roomscale.netcode.webrtc.sctp.flight import FORWARD_DELAY, Flight


class Sender:
    """A `Flight` whose TSNs are told as offsets from the first."""

    def __init__(self, first: int = 1000) -> None:
        self.first = first
        self.congestion = Congestion(SctpConfig())
        self.flight = Flight(first, self.congestion)
        self.now = 10.0

    def send(self, *kinds: str) -> None:
        """`r`: reliable, `u`: unreliable, `o`: unreliable and ordered, on stream 5. Each named by its place."""
        for kind in kinds:
            number = self.flight._order
            chunk = b"%08d" % number if kind == "r" else None
            if chunk:
                self.flight.queued += 8
            self.flight.launch(8, chunk, (5, number) if kind == "o" else None, self.now)

    def sack(self, offset: int, *blocks: tuple[int, int], after: float = 0.05) -> bool:
        """Acknowledge up to the offset, -1 for nothing, and in blocks relative to it."""
        self.now += after
        return self.flight.acknowledge((self.first + offset) & 0xFFFF_FFFF, blocks, self.now)

    def again(self) -> list[bytes]:
        """What is sent again now."""
        sent = []
        while self.flight.lost:
            sent.append(self.flight.relaunch(self.now))
        return sent

    def forward(self) -> tuple[int, list[tuple[int, int]]]:
        """FORWARD TSN, as an offset and what it skips."""
        body = chunks.split(self.flight.forward(self.now))[0].body
        cumulative, skipped = chunks.read_forward_tsn(body)
        return (cumulative - self.first) & 0xFFFF_FFFF, skipped


@pytest.fixture(params=[1000, 2**32 - 3], ids=["some", "wraps"])
def sender(request: pytest.FixtureRequest) -> Sender:
    return Sender(request.param)


def test_what_is_acknowledged_is_forgotten(sender: Sender) -> None:
    sender.send("r", "u", "r", "u")
    assert (sender.flight.size, sender.flight.reliable, sender.flight.queued) == (32, 16, 16)
    assert sender.flight.t3_at == sender.now + sender.congestion.rto
    sender.sack(1)
    assert (sender.flight.size, sender.flight.reliable, sender.flight.queued) == (16, 8, 8)
    sender.sack(3)
    assert (sender.flight.size, sender.flight.reliable, sender.flight.queued) == (0, 0, 0)
    assert sender.flight.t3_at == INFINITY
    assert sender.congestion.srtt == pytest.approx(0.05, rel=0.2)


def test_three_reports_of_something_later_make_a_loss_and_two_do_not(sender: Sender) -> None:
    sender.send("r", "u", "u", "u", "u")
    sender.sack(-1, (2, 2))
    sender.sack(-1, (2, 3))
    assert sender.again() == []
    sender.sack(-1, (2, 4))
    assert sender.again() == [b"00000000"]
    assert sender.flight.size == 16  # it, and the one nobody has heard of
    sender.sack(4)
    assert sender.flight.size == sender.flight.queued == 0


def test_a_report_that_brings_nothing_new_is_no_strike(sender: Sender) -> None:
    sender.send("r", "u")
    for _ in range(10):
        sender.sack(-1, (2, 2))
    assert sender.again() == []


def test_a_second_transmission_that_is_lost_is_noticed_by_what_was_sent_after_it_alone(sender: Sender) -> None:
    sender.send(*"ruuuuuu")
    for last in (2, 3, 4):
        sender.sack(-1, (2, last))
    assert sender.again() == [b"00000000"]
    for last in (5, 6, 7):
        sender.sack(-1, (2, last))
    assert sender.again() == []  # those were sent before it was sent again
    sender.send(*"uuu")
    for last in (8, 9, 10):
        sender.sack(-1, (2, last))
    assert sender.again() == [b"00000000"]


def test_a_loss_halves_the_window_once_per_flight(sender: Sender) -> None:
    sender.congestion.cwnd = 40_000
    sender.send(*"rrruuuuuu")
    for last in (4, 5, 6):
        sender.sack(-1, (4, last), after=0.001)
    assert sender.congestion.cwnd == 20_000
    assert len(sender.again()) == 3
    for last in (7, 8, 9):
        sender.sack(-1, (4, last), after=0.001)
    assert sender.congestion.cwnd == 20_000


def test_while_a_loss_is_recovered_from_the_window_does_not_grow(sender: Sender) -> None:
    sender.congestion.cwnd = 40_000
    sender.send(*"uuuuuu")
    for last in (2, 3, 4):
        sender.sack(-1, (2, last), after=0.001)
    sender.congestion.cwnd = 10_000  # below the threshold: a byte more for each that arrives
    sender.flight.limited = True
    sender.sack(4, after=0.001)
    assert sender.congestion.cwnd == 10_000
    sender.send("u", "u")
    sender.flight.limited = True
    sender.sack(6, after=0.001)
    assert sender.congestion.cwnd > 10_000


def test_a_lost_pose_is_given_up_and_the_peer_is_told_with_the_next_packet_or_soon(sender: Sender) -> None:
    sender.send(*"uuuuu")
    for last in (2, 3, 4):
        sender.sack(-1, (2, last))
    assert sender.again() == []
    assert sender.flight.size == 8
    assert sender.flight.forward_at == sender.now + FORWARD_DELAY
    assert sender.forward() == (0, [])
    assert sender.flight.forward_at == INFINITY
    sender.sack(4)
    assert sender.flight.t3_at == INFINITY


def test_an_ordered_one_is_named_until_the_peer_knows(sender: Sender) -> None:
    sender.send(*"oouuuu")
    for last in (3, 4, 5):
        sender.sack(-1, (3, last))
    assert sender.forward() == (1, [(5, 1)])
    sender.sack(5)
    sender.send(*"uuuu")
    for last in (2, 3, 4):
        sender.sack(5, (2, last))
    assert sender.forward() == (6, [])


def test_forward_tsn_is_sent_again_when_the_peer_does_not_know_it_once_per_round_trip(sender: Sender) -> None:
    sender.send(*"uuuuuuuu")
    for last in (2, 3, 4):
        sender.sack(-1, (2, last))
    sender.forward()
    sender.sack(-1, (2, 5), after=0.001)
    assert sender.flight.forward_at == INFINITY
    sender.sack(-1, (2, 6), after=0.2)
    assert sender.flight.forward_at == sender.now + FORWARD_DELAY


def test_forward_tsn_that_is_lost_is_sent_again_by_the_timer(sender: Sender) -> None:
    sender.send("u")
    sender.now = sender.flight.t3_at
    sender.flight.timed_out(sender.now)
    assert sender.flight.forward_at <= sender.now
    assert sender.forward() == (0, [])
    assert sender.flight.t3_at == sender.now + sender.congestion.rto
    sender.flight.timed_out(sender.flight.t3_at)
    assert sender.forward() == (0, [])
    sender.sack(0)
    assert sender.flight.t3_at == INFINITY


def test_a_pose_behind_which_events_wait_is_not_skipped_past_them(sender: Sender) -> None:
    sender.send(*"ru")
    sender.flight.timed_out(sender.now)
    assert sender.flight.forward_at == INFINITY
    assert sender.again() == [b"00000000"]
    sender.sack(0)
    assert sender.forward() == (1, [])


def test_a_timeout_sends_everything_again_that_must_arrive_also_what_a_peer_may_have_dropped(sender: Sender) -> None:
    sender.send(*"rrur")
    sender.sack(-1, (2, 2))
    sender.flight.timed_out(sender.flight.t3_at)
    assert sender.flight.size == 0
    assert sender.flight.errors == 1
    assert sender.again() == [b"00000000", b"00000001", b"00000003"]
    sender.sack(3)
    assert (sender.flight.errors, sender.flight.queued) == (0, 0)


def test_what_was_only_late_is_not_sent_again(sender: Sender) -> None:
    sender.send(*"rr")
    sender.flight.timed_out(sender.flight.t3_at)
    sender.sack(0)
    assert sender.again() == [b"00000001"]
    sender.sack(1)
    assert sender.flight.size == sender.flight.reliable == sender.flight.queued == 0


def test_the_round_trip_of_what_was_sent_twice_counts_for_nothing(sender: Sender) -> None:
    sender.send("r")
    sender.flight.timed_out(sender.flight.t3_at)
    sender.again()
    sender.sack(0, after=7.0)
    assert sender.congestion.srtt == 0.0


def test_the_timer_measures_silence(sender: Sender) -> None:
    sender.send(*"ruuu")
    before = sender.flight.t3_at
    sender.sack(-1, (3, 3), after=0.1)
    assert sender.flight.t3_at > before - 0.2
    assert sender.flight.t3_at == sender.now + sender.congestion.rto


def test_old_sacks_change_nothing(sender: Sender) -> None:
    sender.send(*"rrrr")
    sender.sack(2)
    assert sender.sack(1, (2, 3)) is False
    assert sender.flight.size == 8


@pytest.mark.parametrize("offset", [4, 100, 2**31 - 2])
def test_a_sack_of_what_was_never_sent_is_refused(sender: Sender, offset: int) -> None:
    sender.send(*"rrrr")
    with pytest.raises(BadSctp):
        sender.sack(offset)


def test_gap_blocks_beyond_what_was_sent_count_for_nothing(sender: Sender) -> None:
    sender.send(*"rr")
    sender.sack(-1, (2, 60_000), (60_002, 65_535))
    assert sender.flight.size == 8
    sender.sack(1)
    assert sender.flight.size == 0
