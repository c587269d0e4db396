"""What is sent when: the window is shared, a queue is bounded, a closed window is probed."""

from __future__ import annotations

from roomscale.netcode.webrtc.sctp import chunks
from roomscale.netcode.webrtc.sctp.chunks import IMMEDIATE, UNORDERED
from roomscale.netcode.webrtc.sctp.config import MAX_FLIGHT, SctpConfig
from roomscale.netcode.webrtc.sctp.outbound import BURST, SPARSE, Outbound

CONFIG = SctpConfig(send_queue=20_000)
MTU = CONFIG.mtu
FULL = MTU - 28


class Sender:
    """An `Outbound` towards a peer with room."""

    def __init__(self, window: int = 1_000_000, first: int = 1000) -> None:
        self.out = Outbound(CONFIG, first)
        self.out.window = window
        self.first = first
        self.now = 10.0

    def pose(self, size: int = 600) -> bool:
        return self.out.stage(1, 53, bytes(size), False, self.now)

    def event(self, size: int = FULL, *, ordered: bool = True) -> bool:
        return self.out.enqueue(0, 53, bytes(size), ordered)

    def go(self) -> list[tuple[int, int, int, int]]:
        """(flags, TSN as an offset, stream, stream sequence number) of each DATA that goes now."""
        sent = []
        for chunk in chunks.split(b"".join(self.out.due(self.now))):
            tsn, stream, ssn, _, _ = chunks.read_data(chunk.body)
            sent.append((chunk.flags & ~IMMEDIATE, (tsn - self.first) & 0xFFFF_FFFF, stream, ssn))
        return sent

    def sack(self, offset: int) -> None:
        self.now += 0.05
        self.out.flight.acknowledge((self.first + offset) & 0xFFFF_FFFF, (), self.now)


def test_events_are_numbered_and_poses_are_not_and_tsns_follow_what_is_sent() -> None:
    sender = Sender(first=2**32 - 1)
    sender.event(10)
    sender.pose()
    sender.event(10)
    sender.event(10, ordered=False)
    whole = chunks.WHOLE
    assert sender.go() == [
        (whole | UNORDERED, 0, 1, 0),
        (whole, 1, 0, 0),
        (whole, 2, 0, 1),
        (whole | UNORDERED, 3, 0, 0),
    ]
    assert sender.out.next_tsn == 3


def test_stream_sequence_numbers_wrap() -> None:
    sender = Sender()
    sender.out._ssn[0] = 0xFFFF
    sender.event(10)
    sender.event(10)
    assert [ssn for *_, ssn in sender.go()] == [0xFFFF, 0]


def test_a_pose_without_room_is_skipped_and_counted_and_an_event_waits() -> None:
    sender = Sender()
    sent = 0
    while sender.pose():
        sent += 1
    assert (sent - 1) * 616 < sender.out.congestion.cwnd <= sent * 616
    assert sender.out.skipped == 1
    assert sender.event()
    assert len(sender.go()) == sent
    sender.sack(sent - 1)
    assert [stream for _, _, stream, _ in sender.go()] == [0]


def test_the_queue_of_events_is_bounded_by_what_the_peer_has_not_acknowledged() -> None:
    sender = Sender()
    count = 0
    while sender.event():
        count += 1
    assert count == CONFIG.send_queue // (FULL + 16)
    sent = len(sender.go())
    assert not sender.event()
    sender.sack(sent - 1)
    assert sender.event()


def test_poses_find_room_though_events_wait_and_events_do_though_poses_come() -> None:
    sender = Sender()
    out = sender.out
    while sender.event():
        pass
    poses = events = base = 0
    for _ in range(200):
        poses += sender.pose()
        events += sum(stream == 0 for _, _, stream, _ in sender.go())
        while sender.event():
            pass
        sender.now += 0.05
        flight = len(out.flight.sent)
        if flight > 2:  # a line that carries two packets a tick
            base += 2
            out.flight.acknowledge(1000 + base - 1, (), sender.now)
    assert poses > 100
    assert events > 100


def test_with_no_poses_about_events_have_the_whole_window() -> None:
    sender = Sender()
    out = sender.out
    out.congestion.cwnd = 4 * MTU
    sender.pose()
    sender.go()
    sender.sack(0)
    sender.now += 10
    while sender.event():
        pass
    sender.go()
    assert out.flight.size > 4 * MTU - (FULL + 16)


def test_a_burst_is_short_whatever_the_window() -> None:
    sender = Sender()
    sender.out.congestion.cwnd = 200_000
    while sender.event():
        pass
    assert len(sender.go()) <= BURST + 1
    assert len(sender.go()) <= BURST + 1


def test_a_closed_window_is_probed_by_one_event_and_by_no_pose() -> None:
    sender = Sender(window=0)
    assert not sender.pose()
    sender.event()
    sender.event()
    assert len(sender.go()) == 1
    assert sender.go() == []
    sender.out.flight.timed_out(sender.out.flight.t3_at)
    assert len(sender.go()) == 1
    sender.sack(0)
    sender.out.window = 10_000
    assert len(sender.go()) == 1


def test_what_is_lost_goes_before_what_is_new() -> None:
    sender = Sender()
    for _ in range(3):
        sender.event()
    sender.go()
    sender.event()
    sender.out.flight.timed_out(sender.now)
    assert [offset for _, offset, _, _ in sender.go()] == [0, 1, 2]


def test_the_first_loss_is_sent_again_though_the_window_has_just_become_small_and_only_the_first() -> None:
    sender = Sender()
    out = sender.out
    out.congestion.cwnd = 20 * MTU
    for _ in range(17):
        sender.event()
    for _ in range(5):
        sender.go()
    out.congestion.cwnd = 6 * MTU
    for last in (3, 4, 5):
        out.flight.acknowledge(999, ((3, last),), sender.now)
    assert out.flight.size > out.congestion.cwnd
    assert [offset for _, offset, _, _ in sender.go()] == [0]
    assert sender.go() == []


def test_a_waiting_event_keeps_a_quarter_of_the_window_free_of_poses() -> None:
    sender = Sender()
    sender.out.congestion.cwnd = 4 * 616
    assert [sender.pose() for _ in range(3)] == [True] * 3
    sender.event()
    assert not sender.pose()
    assert [stream for _, _, stream, _ in sender.go()] == [1, 1, 1, 0]


def test_the_number_of_chunks_under_way_is_bounded_however_small_they_are() -> None:
    sender = Sender()
    sender.out.congestion.cwnd = 10**9
    sent = 0
    while sender.pose(1):
        sent += 1
    assert sent == MAX_FLIGHT
    sender.event(1)
    assert len(sender.out.due(sender.now)) == MAX_FLIGHT


def test_after_a_pause_the_peer_is_asked_to_acknowledge_at_once() -> None:
    sender = Sender()
    flags = []
    for pause in (0.0, 0.05, 0.1, SPARSE + 0.01, 0.05):
        sender.now += pause
        sender.pose(10)
        flags.append(chunks.split(sender.out.staged.pop())[0].flags & IMMEDIATE)
    assert flags == [IMMEDIATE, 0, 0, IMMEDIATE, 0]
