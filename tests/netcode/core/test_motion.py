"""Records encoded for everybody at once: the same bits as one by one, and a Delta only where none can be misled."""

from __future__ import annotations

import dataclasses
import random
from collections import deque

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from roomscale.netcode.core import motion as m
from roomscale.netcode.core.messages import REFERENCE_TICKS, Delta, Flags, Keyframe, Pose
from roomscale.netcode.core.motion import Motion
from roomscale.netcode.core.poses import PoseTable
from roomscale.netcode.core.records import pack_record, pose_of, read_record
from roomscale.netcode.core.wire import Reader, pack_pose
from tests.netcode import strategies


class Someone:
    """One participant in a table of their own, a tick at a time."""

    def __init__(self, pose: Pose) -> None:
        self.table = PoseTable(3)
        self.motion = Motion(self.table)
        self.row = self.table.add(77, pack_pose(pose), 0)
        self.motion.add(self.row)
        self.tick = 100

    def at(self, pose: Pose, *, ago: int = 0) -> int:
        """A tick passes; `ago` ms before it they were there. Returns their state."""
        self.tick += 1
        ms = self.tick * 50
        self.table.put(self.row, pack_pose(pose), 1, (ms - ago) & 0xFFFF, 0.0)
        self.motion.update(self.table.columns(), ms, self.tick)
        return int(self.motion.state[self.row])

    def rest(self, pose: Pose, ticks: int) -> list[int]:
        return [self.at(pose) for _ in range(ticks)]

    @property
    def delta(self) -> Delta:
        record = read_record(_reader(self.motion.first[self.row, 0].tobytes()))
        assert isinstance(record, Delta)
        return record

    @property
    def keyframe(self) -> Keyframe:
        words = self.motion.first[self.row, 1].tobytes() + self.motion.second[self.row].tobytes()
        record = read_record(_reader(words))
        assert isinstance(record, Keyframe)
        return record


def _reader(data: bytes) -> Reader:
    return Reader(b"\0" + data)


@settings(deadline=None)
@given(strategies.poses, st.integers(0, 1000))
def test_a_keyframe_is_the_pose_and_its_age(pose: Pose, ago: int) -> None:
    someone = Someone(Pose())
    someone.at(pose, ago=ago)
    age = min(15, (ago + 8) // 16)
    known = dataclasses.asdict(pose) | {"flags": pose.flags & 15}
    assert someone.keyframe == Keyframe(peer=77, age=age, **known)
    assert pack_record(someone.keyframe)[:8] == someone.motion.first[someone.row, 1].tobytes()


@settings(deadline=None)
@given(strategies.poses)
def test_a_delta_read_against_the_same_pose_is_that_pose_within_a_centimetre_and_a_degree(pose: Pose) -> None:
    someone = Someone(Pose())
    someone.at(pose)
    known = dataclasses.replace(pose, flags=pose.flags & 15)
    read = pose_of(someone.delta, known)
    assert read is not None
    for axis in "xyz":
        assert abs(getattr(read, axis) - getattr(known, axis)) <= 5
    assert (read.yaw - known.yaw + 128) % 65536 <= 256  # 1/256 turn is 1.4 degrees: 0.7 off at most
    assert abs(read.pitch - max(known.pitch, -127)) <= 1
    assert (read.gesture, read.flags) == (known.gesture, known.flags)


def test_a_pose_of_the_future_is_no_older_than_now() -> None:
    someone = Someone(Pose())
    someone.at(Pose(), ago=-300)
    assert someone.keyframe.age == someone.delta.age == 0


def test_whoever_comes_is_told_by_keyframes_first_and_whoever_rests_is_not_told_of() -> None:
    someone = Someone(Pose(x=5))
    states = someone.rest(Pose(x=5), 12)
    assert [bool(s & m.MOVES) for s in states] == [True] * m.SHORTLY + [False] * (12 - m.SHORTLY)
    assert [bool(s & m.MOVED) for s in states] == [True] * m.LATELY + [False] * (12 - m.LATELY)
    assert [bool(s & m.KEYED) for s in states][: m.SHORTLY] == [True] * m.SHORTLY
    assert not states[-1] & m.KEYED
    assert all(s & m.SOMEBODY for s in states)


def test_who_begins_to_move_is_keyed_for_a_moment_and_then_told_by_deltas() -> None:
    someone = Someone(Pose())
    someone.rest(Pose(), 20)
    states = [someone.at(Pose(x=i * 100)) for i in range(1, 20)]
    assert all(s & m.MOVES for s in states)
    assert [bool(s & m.KEYED) for s in states] == [True] * m.SHORTLY + [False] * (19 - m.SHORTLY)


def test_less_than_a_centimetre_and_a_degree_is_no_movement() -> None:
    someone = Someone(Pose(x=1000, yaw=5120))
    someone.rest(Pose(x=1000, yaw=5120), 20)
    assert not someone.at(Pose(x=1003, yaw=5150)) & m.MOVES
    assert someone.at(Pose(x=1010, yaw=5150)) & m.MOVES


def test_speaking_is_told_by_a_delta_and_any_other_change_by_keyframes() -> None:
    someone = Someone(Pose())
    someone.rest(Pose(), 20)
    state = someone.at(Pose(flags=Flags.SPEAKING))
    assert state & m.MOVES
    assert someone.delta.speaking == 1
    someone.rest(Pose(flags=Flags.SPEAKING), 20)
    for pose in (Pose(flags=Flags.SPEAKING | Flags.SEATED), Pose(gesture=1, flags=Flags.SPEAKING)):
        states = someone.rest(pose, 12)
        assert [bool(s & m.KEYED) for s in states] == [True] * m.LATELY + [False] * (12 - m.LATELY)
        assert states[0] & m.MOVES
        someone.rest(Pose(flags=Flags.SPEAKING), 20)


def test_after_a_leap_keyframes_go_until_nobody_can_remember_where_it_began() -> None:
    someone = Someone(Pose())
    someone.rest(Pose(), 100)
    states = someone.rest(Pose(x=30_000), REFERENCE_TICKS + 16)
    assert all(s & m.KEYED for s in states[: REFERENCE_TICKS + 1])
    assert not states[-1] & m.KEYED


def test_a_fall_is_keyed_and_a_walk_is_not() -> None:
    someone = Someone(Pose())
    someone.rest(Pose(), 90)
    walk = [someone.at(Pose(z=i * 110)) for i in range(100)]  # 2.2 m/s
    assert not any(s & m.KEYED for s in walk[10:])
    fall = [someone.at(Pose(y=-i * 500)) for i in range(20)]
    assert all(s & m.KEYED for s in fall[4:])


def test_nobody_is_nobody_and_the_next_in_a_row_inherits_nothing() -> None:
    someone = Someone(Pose(x=90_000))
    someone.rest(Pose(x=90_000), 60)
    someone.motion.remove(someone.row)
    someone.table.remove(someone.row)
    someone.motion.update(someone.table.columns(), 0, someone.tick + 1)
    assert someone.motion.state[someone.row] == 0
    assert someone.table.add(77, pack_pose(Pose()), 0) == someone.row
    someone.motion.add(someone.row)
    states = someone.rest(Pose(), 10)
    assert states[0] & m.KEYED
    assert not states[-1] & m.KEYED  # though somebody stood 90 m from here a moment ago


def wander(seed: int, pace: int) -> int:
    """Somebody moves at random, leaps, misses ticks: each Delta is read against what was known. Returns how many."""
    dice = random.Random(seed)
    someone = Someone(Pose())
    place, step = [dice.randrange(-(10**6), 10**6) for _ in range(3)], [0, 0, 0]
    known: deque[tuple[int, Pose]] = deque(maxlen=REFERENCE_TICKS + 1)
    deltas = 0
    for _ in range(200):
        if dice.random() < 0.3:
            step = [dice.randint(-pace, pace) * 10 for _ in range(3)]
        leap = [dice.randint(-50_000, 50_000) if dice.random() < 0.001 else 0 for _ in range(3)]
        if dice.random() < 0.03:
            someone.tick += dice.randint(1, 120)  # ticks that were left out
        place = [a + b + c for a, b, c in zip(place, step, leap, strict=True)]
        pose = Pose(place[0], place[1], place[2], dice.randrange(65536))
        if not someone.at(pose) & m.KEYED:
            deltas += 1
            for tick, reference in [known[0], *list(known)[:: dice.randint(5, 9)]]:
                if someone.tick - tick <= REFERENCE_TICKS:
                    read = pose_of(someone.delta, reference)
                    assert read is not None
                    assert max(abs(read.x - pose.x), abs(read.y - pose.y), abs(read.z - pose.z)) <= 5
        known.append((someone.tick, pose))
    return deltas


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 2, 8, 20, 40, 200]))
def test_a_delta_means_the_same_to_whoever_knows_any_pose_of_the_last_80_ticks(seed: int, pace: int) -> None:
    wander(seed, pace)


def test_slow_movement_is_mostly_told_by_deltas() -> None:
    assert sum(wander(seed, 1) for seed in range(5)) > 400


def test_the_words_of_everybody_are_those_that_the_codec_packs() -> None:
    dice = np.random.default_rng(3)
    table = PoseTable(200)
    motion = Motion(table)
    for peer in range(1, 201):
        body = dice.integers(0, 256, 14, np.uint8).tobytes()
        motion.add(table.add(peer, body, int(dice.integers(0, 65536))))
    motion.update(table.columns(), 12345, 7)
    for row in table.rows.tolist():
        first, key, second = (w.tobytes() for w in (motion.first[row, 0], motion.first[row, 1], motion.second[row]))
        for words in (first, key + second):
            record = read_record(_reader(words))
            assert record.peer == row
            assert pack_record(record) == words
