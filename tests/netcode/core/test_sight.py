"""Whom each is told of, and how often: near ones at 20 Hz, far ones at 5, everybody once a second, nobody never."""

from __future__ import annotations

import collections
import dataclasses
import itertools

import pytest

from roomscale.netcode.core.messages import Flags, Keyframe, Pose
from roomscale.netcode.core.sight import INTERVALS
from tests.netcode.core.crowds import People, Story, Viewer, heard, told


def line(n: int, step: int = 1000) -> list[Pose]:
    """People in a line along x: the first one's neighbours by distance are 2, 3, 4…"""
    return [Pose(x=i * step) for i in range(n)]


def times(story: Story, viewer: int) -> dict[int, list[int]]:
    """The ticks at which one was told of each other one."""
    ticks: dict[int, list[int]] = collections.defaultdict(list)
    for tick, record in told(story, viewer):
        ticks[record.peer].append(tick)
    return ticks


def everybody_moves(people: People, ticks: int) -> Story:
    story: Story = []
    for _ in range(ticks):
        for peer, pose in people.poses.items():
            people.poses[peer] = dataclasses.replace(pose, z=pose.z + 70, yaw=(pose.yaw + 300) % 65536)
        story += people.step()
    return story


def test_while_they_move_the_nearest_come_at_20_hz_the_next_at_10_and_the_others_at_5() -> None:
    people = People()
    people.add(line(65))
    people.run(20)
    story = everybody_moves(people, 100)
    ticks = times(story, 1)
    assert set(ticks) == set(range(2, 66))
    often = {peer: len(at) / 5 for peer, at in ticks.items()}
    assert all(often[p] == 20 for p in range(2, 14))
    assert all(10 <= often[p] <= 11 for p in range(14, 34))  # with a greeting once a second
    assert all(5 <= often[p] <= 6 for p in range(34, 66))
    for peer in range(2, 66):
        gaps = [b - a for a, b in itertools.pairwise(ticks[peer])]
        assert max(gaps) <= (1 if peer < 14 else 2 if peer < 34 else 4)


def test_the_records_are_spread_evenly_over_the_packets() -> None:
    people = People()
    people.add(line(65))
    people.run(20)
    counts = [len(sight.records) for _, sight in heard(everybody_moves(people, 80), 1)]
    assert min(counts) >= 28
    assert max(counts) <= 30 + 14


def test_who_rests_is_told_of_once_a_second_and_each_third_time_by_a_keyframe() -> None:
    people = People()
    people.add(line(65))
    people.run(40)
    story = people.run(300)
    for viewer in (1, 30):
        for at in times(story, viewer).values():
            assert len(at) == 15
            assert {b - a for a, b in itertools.pairwise(at)} == {20}
        keyframes = [(t, r.peer) for t, r in told(story, viewer) if isinstance(r, Keyframe)]
        assert len(keyframes) == 64 * 5


def test_a_world_at_rest_costs_a_keep_alive_five_times_a_second() -> None:
    people = People()
    people.add(line(10))
    people.run(40)
    ticks = [tick for tick, _ in heard(people.run(200), 4)]
    assert {b - a for a, b in itertools.pairwise(ticks)} == {4}
    alone = People()
    alone.add([Pose()])
    alone.run(40)
    assert [sight.records for _, sight in heard(alone.run(40), 1)] == [()] * 10


def test_a_movement_is_told_at_once_and_a_moment_longer() -> None:
    people = People()
    people.add(line(3))
    people.run(40)
    people.poses[2] = Pose(x=1100)
    story = people.run(20)
    at = [tick - people.tick + 20 for tick in times(story, 1)[2]]
    assert at[:4] == [1, 2, 3, 4]
    assert len(at) <= 5  # but for one greeting


def test_who_comes_into_sight_is_told_of_by_a_keyframe_first_and_three_times_soon() -> None:
    people = People()
    people.add(line(2))
    people.run(40)
    people.add([Pose(x=500)])
    story = people.run(10)
    records = [(tick, r) for tick, r in told(story, 1) if r.peer == 3]
    assert records[0][0] == people.tick - 9
    keyframes = [tick for tick, r in records if isinstance(r, Keyframe)]
    assert len(keyframes) >= 3
    assert isinstance(records[0][1], Keyframe)


def test_in_a_crowd_whoever_walks_up_is_seen_within_half_a_second_and_whoever_is_far_is_not() -> None:
    people = People()
    people.add(line(120))
    people.run(40)
    assert 120 not in times(people.run(40), 1)
    people.poses[120] = Pose(x=-700)
    story = people.run(11)
    first = next((tick, r) for tick, r in told(story, 1) if r.peer == 120)
    assert first[0] - (people.tick - 11) <= 10
    assert isinstance(first[1], Keyframe)
    assert set(times(people.run(20), 1)) == {120} | set(range(2, 65))


@pytest.mark.parametrize("interval", INTERVALS)
def test_a_slow_path_gets_fewer_packets_and_misses_nobody(interval: int) -> None:
    people = People()
    people.add(line(65))
    people.crowd.pace(people.rows[1], interval)
    people.run(20)
    story = everybody_moves(people, 100)
    mine = heard(story, 1)
    assert {b - a for (a, _), (b, _) in itertools.pairwise(mine)} == {interval}
    assert {sight.interval for _, sight in mine} == {interval}
    ticks = times(story, 1)
    for peer in range(2, 66):
        wanted = 1 if peer < 14 else 2 if peer < 34 else 4
        assert max(b - a for a, b in itertools.pairwise(ticks[peer])) <= max(wanted, interval)
    assert len(heard(story, 2)) == 100
    people.crowd.pace(people.rows[1], 1)
    assert len(heard(everybody_moves(people, 20), 1)) == 20


def test_overload_slows_everybody_evenly_and_spreads_them_over_the_ticks() -> None:
    people = People()
    people.add(line(64))
    people.run(20)
    people.slowest = 4
    per_tick = collections.Counter(tick for tick, _, _ in everybody_moves(people, 40))
    assert set(per_tick.values()) == {16}


@pytest.mark.parametrize("interval", INTERVALS)
@pytest.mark.parametrize("flags", [Flags.SPEAKING, Flags.SEATED])
def test_who_begins_to_speak_or_to_gesture_is_told_of_in_the_very_next_packet_even_afar(
    interval: int, flags: int
) -> None:
    people = People()
    people.add(line(65))
    people.crowd.pace(people.rows[1], interval)
    people.run(40)
    viewer = Viewer(1)
    viewer.hear(everybody_moves(people, 20))
    for peer in (2, 20, 40, 41, 42, 43, 64, 65):  # of the far ones each is due at a tick of its own
        people.poses[peer] = dataclasses.replace(people.poses[peer], flags=flags)
        story = everybody_moves(people, interval)
        viewer.hear(story)
        assert viewer.pose(peer).flags == flags
        for _, sight in heard(story, 1):
            peers = [record.peer for record in sight.records]
            assert len(peers) == len(set(peers))


def test_at_rest_at_5_hz_everybody_is_still_told_of_once_a_second() -> None:
    people = People()
    people.add(line(65))
    people.slowest = 4
    people.run(40)
    for at in times(people.run(100), 7).values():
        assert {b - a for a, b in itertools.pairwise(at)} == {20}


def test_who_leaves_is_told_of_no_more_and_the_next_in_the_row_is_a_stranger() -> None:
    people = People()
    people.add(line(4))
    people.run(40)
    people.remove(2)
    people.add({9: Pose(x=1_000_000)}, world=1)
    assert people.rows[9] == 2
    story = people.run(40)
    assert set(times(story, 1)) == {3, 4}
    assert times(story, 9) == {}


def test_worlds_are_told_nothing_of_each_other() -> None:
    people = People()
    people.add({1: Pose(), 2: Pose()}, world=5)
    people.add({3: Pose(), 4: Pose()}, world=0)
    story = everybody_moves(people, 40)
    assert {viewer: set(times(story, viewer)) for viewer in (1, 2, 3, 4)} == {1: {2}, 2: {1}, 3: {4}, 4: {3}}


def test_at_the_border_of_sight_nobody_flickers() -> None:
    people = People()
    people.add(line(100))
    people.run(60)
    came = 0
    for i in range(100):  # all sway by half a step, each their own way
        for peer in people.poses:
            people.poses[peer] = Pose(x=(peer - 1) * 1000 + (400 if (peer * 7 + i // 5) % 3 else -400))
        came += sum(r.peer > 66 for _, r in told(people.step(), 1))
    assert came == 0
