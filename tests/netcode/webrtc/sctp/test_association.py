"""Two associations over bad networks: what must arrive does, in order; poses stay fresh; our queue stays short."""

from __future__ import annotations

import itertools

import pytest

from roomscale.netcode.testing.link import LinkConfig
from roomscale.netcode.webrtc.sctp import Association, Message, PathProved, SctpConfig, StreamReset, chunks
from roomscale.netcode.webrtc.sctp.chunks import DATA, FORWARD_TSN, SACK, Chunk
from tests.netcode.webrtc.sctp.harness import Bottleneck, Gate, Pair, ticks

EVENTS, POSES = 0, 1


def number(n: int, size: int = 24) -> bytes:
    return n.to_bytes(4, "big") + bytes(size - 4)


def parts(packet: bytes) -> list[Chunk]:
    return chunks.split(packet, 12)


def pose(association: Association, n: int, now: float, size: int = 24) -> bool:
    return association.send(POSES, 53, number(n, size), now, reliable=False, ordered=False)


LINKS = {
    "clean": LinkConfig(delay=0.04, jitter=0.02),
    "5%": LinkConfig(delay=0.04, jitter=0.02, loss=0.05, duplicate=0.02, reorder=0.05),
    "20%": LinkConfig(delay=0.04, jitter=0.02, loss=0.2, duplicate=0.02, reorder=0.05),
    "20% in bursts": LinkConfig(delay=0.04, jitter=0.02, burst_loss=0.2, burst_length=4, duplicate=0.02, reorder=0.05),
}


@pytest.mark.parametrize("name", LINKS)
def test_events_arrive_whole_and_in_order_and_poses_stay_fresh(name: str) -> None:
    link = LINKS[name]
    lost = link.loss + link.burst_loss
    pair = Pair.over(link, seed=7).open()
    due, ends, tick, heard = ticks(pair, 20), (pair.client, pair.server), 0, {id(pair.client): 0, id(pair.server): 0}
    ages: list[int] = []
    losses: list[float] = []

    def each(now: float) -> None:
        nonlocal tick
        for _ in range(due()):
            tick += 1
            for end in ends:
                pose(end.association, tick, now, 600)
                if tick % 4 == 0:
                    assert end.association.send(EVENTS, 53, number(tick), now)
                losses.append(end.association.stats.loss)
                newest = max((int.from_bytes(d[:4], "big") for d in end.on(POSES)[-5:]), default=0)
                ages.append(tick - max(newest, heard[id(end)]))
                heard[id(end)] = max(newest, heard[id(end)])

    pair.run(20, each)
    wanted = [number(n) for n in range(4, tick + 1, 4)]
    pair.until(lambda: all(end.on(EVENTS) == wanted for end in ends), 10)
    arrived = [len(end.on(POSES)) for end in ends]
    expected = tick * (1 - lost)
    assert min(arrived) > (0.98 if not lost else 0.75) * expected
    assert sum(losses) / len(losses) == pytest.approx(lost, abs=0.05)
    ages.sort()
    assert ages[len(ages) // 2] <= 4  # 100 to 150 ms of travel at 50 ms a tick
    assert ages[int(0.95 * len(ages))] <= (6 if not lost else 14)
    for end in ends:
        assert end.closed is None
        assert end.association.stats.base_rtt == pytest.approx(0.09, abs=0.02)
        pair.until(lambda end=end: end.association.stats.queued == 0, 10)  # type: ignore[misc]
        assert end.association.stats.flight == 0


def test_a_tick_is_one_packet_each_way_and_acknowledgements_ride_on_it() -> None:
    pair = Pair(Gate(delay=0.02), Gate(delay=0.02)).open()
    due, tick = ticks(pair, 20), 0

    def each(now: float) -> None:
        nonlocal tick
        for _ in range(due()):
            tick += 1
            pose(pair.client.association, tick, now)
            pose(pair.server.association, tick, now, 1000)
            pair.client.flush(now)
            pair.server.flush(now)

    pair.run(1, each)
    before, tick = (pair.client.packets, pair.server.packets), 0
    pair.run(10, each)
    assert tick == 200
    assert pair.client.packets - before[0] == pair.server.packets - before[1] == tick
    for end in (pair.client, pair.server):
        assert isinstance(end.wire, Gate)
        shapes = [tuple(chunk.kind for chunk in parts(packet)) for packet in end.wire.sent[-150:]]
        assert set(shapes) == {(SACK, DATA)}


def test_a_pose_that_leaves_no_room_for_the_acknowledgement_goes_beside_it() -> None:
    pair = Pair().open()
    for n in range(2):  # the first one asks for a SACK at once
        pose(pair.client.association, n, pair.now)
        pair.run(0.03)
    server = pair.server.association
    assert pose(server, 1, pair.now, server.max_message)
    packets = server.outgoing(pair.now)
    assert [chunk.kind for packet in packets for chunk in parts(packet)] == [SACK, DATA]
    assert max(map(len, packets)) == SctpConfig().mtu


def test_a_lost_pose_is_not_sent_again_and_the_peer_is_told_not_to_wait() -> None:
    lost: list[bytes] = []

    def drop(packet: bytes) -> bool:
        if not lost and any(c.kind == DATA and number(3) in c.body for c in parts(packet)):
            lost.append(packet)
            return True
        return False

    up = Gate(drop)
    pair = Pair(up).open()
    due, tick = ticks(pair, 20), 0

    def each(now: float) -> None:
        nonlocal tick
        for _ in range(due()):
            tick += 1
            pose(pair.client.association, tick, now)
            pose(pair.server.association, tick, now)

    pair.run(1, each)
    pair.run(0.1)
    assert [int.from_bytes(d[:4], "big") for d in pair.server.on(POSES)][:6] == [1, 2, 4, 5, 6, 7]
    sent = [chunk for packet in up.sent for chunk in parts(packet)]
    assert sum(number(3) in chunk.body for chunk in sent) == 1
    assert sum(chunk.kind == FORWARD_TSN for chunk in sent) == 1
    server = pair.server.association
    assert server.inbound.cumulative == (pair.client.association.outbound.next_tsn - 1) & 0xFFFF_FFFF


def test_a_pose_lost_on_the_way_does_not_hold_up_the_event_behind_it() -> None:
    dropped = itertools.count()
    up = Gate(lambda packet: b"pose" in packet and next(dropped) == 0)
    pair = Pair(up).open()
    pair.client.association.send(POSES, 53, b"pose", pair.now, reliable=False, ordered=False)
    pair.client.flush(pair.now)
    pair.client.association.send(EVENTS, 53, b"event", pair.now)
    assert pair.until(lambda: pair.server.on(EVENTS) == [b"event"]) < 0.03


def test_an_event_lost_twice_arrives_without_waiting_for_a_timeout_while_poses_flow() -> None:
    losses = itertools.count()
    up = Gate(lambda packet: b"event" in packet and next(losses) < 2, delay=0.02)
    pair = Pair(up, Gate(delay=0.02)).open()
    due, tick = ticks(pair, 20), 0

    def each(now: float) -> None:
        nonlocal tick
        for _ in range(due()):
            tick += 1
            pose(pair.client.association, tick, now)
            pose(pair.server.association, tick, now)

    pair.run(1, each)
    pair.client.association.send(EVENTS, 53, b"event", pair.now)
    pair.run(0.7, each)
    assert pair.server.on(EVENTS) == [b"event"]
    assert pair.client.association.stats.rto < 0.7


@pytest.mark.parametrize("rtt", [0.05, 0.2])
def test_on_a_slow_line_with_a_deep_buffer_our_own_queue_stays_short_while_all_of_it_is_used(rtt: float) -> None:
    rate = 128_000 / 8
    up, down = Bottleneck(rate, 1.0, rtt / 2), Bottleneck(rate, 1.0, rtt / 2)
    pair = Pair(up, down).open()
    due, tick, server = ticks(pair, 20), 0, pair.server.association

    def each(now: float) -> None:
        nonlocal tick
        for _ in range(due()):
            tick += 1
            pose(pair.client.association, tick, now)
            pose(server, tick, now, 600)
            pair.client.flush(now)
        while server.stats.queued < 30_000:
            assert server.send(EVENTS, 53, bytes(1100), now)

    pair.run(20, each)
    assert down.worst(since=103) <= 0.2
    assert down.lost == 0
    assert down.carried / 20 > 0.85 * rate
    assert len(pair.client.on(POSES)) > 10 * 20  # poses flow: more than 10 a second
    assert len(pair.client.on(EVENTS)) * 1100 > 3000 * 20  # and events do
    assert server.stats.skipped > 0


def test_a_pose_stream_alone_that_is_too_much_for_the_line_is_thinned_and_stays_fresh() -> None:
    down = Bottleneck(80_000 / 8, 1.0, 0.025)
    pair = Pair(Gate(delay=0.025), down).open()
    due, tick = ticks(pair, 20), 0

    def each(now: float) -> None:
        nonlocal tick
        for _ in range(due()):
            tick += 1
            pose(pair.client.association, tick, now)
            pose(pair.server.association, tick, now, 600)

    pair.run(20, each)
    assert down.worst(since=103) <= 0.2
    assert down.carried / 20 > 0.9 * 80_000 / 8


def test_on_a_fast_line_a_megabyte_of_events_takes_seconds_and_poses_keep_coming() -> None:
    pair = Pair(Gate(delay=0.02), Gate(delay=0.02), config=SctpConfig(send_queue=2_000_000)).open()
    for n in range(1000):
        assert pair.server.association.send(EVENTS, 53, number(n, 1000), pair.now)
    due, tick = ticks(pair, 20), 0

    def each(now: float) -> None:
        nonlocal tick
        for _ in range(due()):
            tick += 1
            assert pose(pair.server.association, tick, now, 500)

    took = 0.0
    while len(pair.client.on(EVENTS)) < 1000:
        pair.run(0.1, each)
        took += 0.1
    assert took < 4
    assert [int.from_bytes(d[:4], "big") for d in pair.client.on(EVENTS)] == list(range(1000))
    assert len(pair.client.on(POSES)) >= tick - 3


def test_a_queue_that_is_full_says_so_and_takes_more_once_the_peer_reads() -> None:
    pair = Pair(config=SctpConfig(send_queue=10_000)).open()
    server = pair.server.association
    count = sum(server.send(EVENTS, 53, bytes(1000), pair.now) for _ in range(50))
    assert count == 9
    pair.run(1)
    assert server.send(EVENTS, 53, bytes(1000), pair.now)
    assert len(pair.client.on(EVENTS)) == 9


def test_what_was_sent_before_the_handshake_arrives_after_it_poses_excepted() -> None:
    pair = Pair()
    assert pair.client.association.send(EVENTS, 53, b"early", pair.now)
    assert not pair.client.association.send(POSES, 53, b"pose", pair.now, reliable=False)
    assert not pair.client.association.can_send(24)
    pair.open()
    pair.run(0.1)
    assert [message.data for message in pair.server.messages] == [b"early"]
    assert pair.client.association.can_send(24)


def test_what_can_never_be_sent_is_our_mistake() -> None:
    pair = Pair().open()
    association = pair.client.association
    for stream, data in ((0, b""), (0, bytes(association.max_message + 1)), (-1, b"x"), (SctpConfig().streams, b"x")):
        with pytest.raises(ValueError, match=r"message|stream"):
            association.send(stream, 53, data, pair.now)
    assert association.send(SctpConfig().streams - 1, 53, bytes(association.max_message), pair.now)


def test_a_peer_that_knows_no_forward_tsn_gets_poses_as_events() -> None:
    losses = itertools.count()
    up = Gate(lambda packet: b"pose" in packet and next(losses) == 0)
    pair = Pair(up).open()
    pair.client.association.peer_forward_tsn = False
    pair.client.association.send(POSES, 53, b"pose", pair.now, reliable=False, ordered=False)
    pair.until(lambda: pair.server.on(POSES) == [b"pose"], 2)


def test_a_silent_line_is_told_by_timeouts_that_back_off_and_end() -> None:
    pair = Pair().open()
    up = pair.client.wire
    assert isinstance(up, Gate)
    up.drop = lambda packet: True
    pair.client.association.send(EVENTS, 53, b"anybody?", pair.now)
    began, count = pair.now, len(up.sent)
    sent_at: list[float] = []

    def watch(now: float) -> None:
        sent_at.extend([now] * (len(up.sent) - count - len(sent_at)))

    while pair.client.closed is None:
        pair.run(0.05, watch)
        assert pair.now - began < 60
    assert pair.client.closed == "the peer does not answer"
    gaps = [b - a for a, b in itertools.pairwise(sent_at[:-1])]
    assert gaps[0] < 0.6
    assert all(gap <= SctpConfig().backoff_max + 0.1 for gap in gaps)
    assert len(gaps) >= SctpConfig().max_retransmissions - 1
    assert not pair.client.association.send(EVENTS, 53, b"x", pair.now)
    assert pair.client.association.next_timer() is None


def test_an_idle_association_asks_now_and_then_and_notices_a_peer_that_is_gone() -> None:
    config = SctpConfig(heartbeat_interval=2.0, max_retransmissions=3)
    pair = Pair(config=config).open()
    before = pair.client.packets + pair.server.packets
    pair.run(30)
    assert pair.client.closed is pair.server.closed is None
    assert 10 <= pair.client.packets + pair.server.packets - before <= 64
    assert pair.client.association.stats.srtt > 0
    assert isinstance(pair.server.wire, Gate)
    pair.server.wire.drop = lambda packet: True
    pair.run(20)
    assert pair.client.closed == "the peer does not answer"


def test_only_whoever_holds_the_session_can_prove_a_path() -> None:
    pair = Pair().open()
    server, client = pair.server.association, pair.client.association
    nonce, packet = server.probe(pair.now)
    assert packet not in server.outgoing(pair.now)
    client.receive(packet, pair.now)
    (answer,) = client.outgoing(pair.now)
    server.receive(answer, pair.now + 0.04)
    (proved,) = server.events()
    assert isinstance(proved, PathProved)
    assert proved.nonce == nonce
    assert proved.rtt == pytest.approx(0.04)
    server.receive(answer, pair.now + 0.05)
    assert server.events() == []


def test_probes_beyond_those_remembered_prove_nothing() -> None:
    pair = Pair().open()
    server, client = pair.server.association, pair.client.association
    packets = [server.probe(pair.now)[1] for _ in range(50)]
    for packet in packets:
        client.receive(packet, pair.now)
        for answer in client.outgoing(pair.now):
            server.receive(answer, pair.now)
    assert sum(isinstance(event, PathProved) for event in server.events()) == 8


def test_a_move_forgets_what_was_measured_on_the_old_path() -> None:
    pair = Pair().open()
    pair.client.association.send(EVENTS, 53, b"x", pair.now)
    pair.run(0.5)
    assert pair.client.association.stats.srtt > 0
    pair.client.association.moved(pair.now)
    assert pair.client.association.stats.srtt == 0


def test_after_a_move_nothing_waits_for_the_timeout_of_the_old_path() -> None:
    pair = Pair().open()
    server, now = pair.server.association, pair.now
    server.send(EVENTS, 53, number(7), now)
    for n in range(40):  # two seconds in which nothing arrives
        now += 0.05
        pose(server, n, now, 500)
        server.on_timer(now)
        server.outgoing(now)
    server.moved(now)
    assert pose(server, 99, now, 500)
    for packet in server.outgoing(now):
        pair.client.association.receive(packet, now)
    told = {event.data for event in pair.client.association.events() if isinstance(event, Message)}
    assert told == {number(7), number(99, 500)}


def test_a_closed_channel_is_closed_on_both_sides_after_what_was_sent_on_it() -> None:
    pair = Pair().open()
    for n in range(3):
        pair.client.association.send(7, 53, number(n), pair.now)
    pair.client.association.close_stream(7)
    assert not pair.client.association.send(7, 53, b"late", pair.now)
    pair.run(2)
    assert pair.server.on(7) == [number(n) for n in range(3)]
    assert [type(event).__name__ for event in pair.server.events] == [
        "Established", "Message", "Message", "Message", "StreamClosed", "StreamReset",
    ]  # fmt: skip
    assert StreamReset(7) in pair.client.events
    assert pair.client.association.send(7, 53, b"anew", pair.now)
    assert pair.server.association.send(7, 53, b"anew", pair.now)
    pair.run(1)
    assert pair.server.on(7)[-1] == pair.client.on(7)[-1] == b"anew"


@pytest.mark.parametrize("seed", range(3))
def test_channels_close_on_a_bad_network_too(seed: int) -> None:
    pair = Pair.over(LINKS["20%"], seed=seed).open()
    for stream in range(5):
        for n in range(10):
            pair.client.association.send(stream, 53, number(n), pair.now)
        pair.client.association.close_stream(stream)
    closed = [f"StreamClosed(stream={stream})" for stream in range(5)]
    pair.until(lambda: sorted(str(e) for e in pair.server.events if "StreamClosed" in str(e)) == closed, 20)
    assert all(pair.server.on(stream) == [number(n) for n in range(10)] for stream in range(5))
    pair.until(lambda: sum(isinstance(e, StreamReset) for e in pair.client.events) == 5, 20)


def test_a_timeout_that_became_shorter_is_told_at_once() -> None:
    pair = Pair().open()
    client, server = pair.client.association, pair.server.association
    pose(client, 1, pair.now)
    (first,) = client.outgoing(pair.now)
    pose(client, 2, pair.now)
    client.outgoing(pair.now)
    server.receive(first, pair.now)
    (sack,) = server.outgoing(pair.now)
    before = client.next_timer()
    client.receive(sack, pair.now + 0.01)
    assert (client.next_timer() or 0) <= client._flight.t3_at < (before or 0)


def test_timers_may_come_early_and_never_late() -> None:
    """The harness calls `on_timer` when `next_timer` says so; here it is checked against all deadlines there are."""
    pair = Pair.over(LINKS["20%"], seed=11).open()
    due, tick = ticks(pair, 20), 0

    def each(now: float) -> None:
        nonlocal tick
        for end in (pair.client, pair.server):
            a = end.association
            earliest = min(a.inbound.sack_at, a._flight.t3_at, a._flight.forward_at, a.resets.asked_at, a._retry_at)
            assert (a.next_timer() or 0) <= earliest
        for _ in range(due()):
            tick += 1
            pose(pair.client.association, tick, now)
            if tick % 3 == 0:
                pair.server.association.send(EVENTS, 53, number(tick), now)

    pair.run(20, each)
