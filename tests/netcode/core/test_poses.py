"""The table of poses: rows that stay, records as they go on the wire, numbers that come out as they went in."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roomscale.netcode.core.messages import Flags, Pose
from roomscale.netcode.core.poses import NOBODY, PoseTable
from roomscale.netcode.core.protocol import RECORD
from roomscale.netcode.core.wire import pack_pose
from tests.netcode import strategies


@settings(deadline=None)
@given(st.lists(strategies.poses, min_size=1, max_size=40))
def test_poses_come_out_as_numbers_as_they_went_in(poses: list[Pose]) -> None:
    table = PoseTable(40)
    rows = [table.add(i + 1, pack_pose(pose), 0) for i, pose in enumerate(poses)]
    columns = table.columns()
    for row, pose in zip(rows, poses, strict=True):
        known = dataclasses.replace(pose, flags=pose.flags & 15)
        assert (columns.x[row], columns.y[row], columns.z[row]) == (known.x, known.y, known.z)
        assert (columns.yaw[row], columns.pitch[row]) == (known.yaw, known.pitch)
        assert columns.look[row] == known.gesture | known.flags << 8
        assert table.body(row) == pack_pose(known)


def test_a_record_lies_in_memory_as_it_goes_on_the_wire() -> None:
    table = PoseTable(2)
    row = table.add(0x0102, bytes(range(13)) + b"\x0f", 0)
    assert table.words[row].tobytes() == b"\x02\x01" + bytes(range(13)) + b"\x0f"
    assert table.words[row].nbytes == RECORD == 16


def test_rows_are_kept_while_others_come_and_go_and_the_lowest_are_taken_first() -> None:
    table = PoseTable(60)
    rows = {peer: table.add(peer, pack_pose(Pose(x=peer)), 0) for peer in range(1, 41)}
    assert NOBODY not in rows.values()
    for peer in range(1, 41, 2):
        table.remove(rows.pop(peer))
    assert table.top == 41
    for peer in range(41, 61):
        rows[peer] = table.add(peer, pack_pose(Pose(x=peer)), 0)
    assert table.top == 41
    assert sorted(table.rows.tolist()) == sorted(rows.values())
    assert {peer: int(table.columns().x[row]) for peer, row in rows.items()} == {peer: peer for peer in rows}
    for row in sorted(rows.values())[5:]:
        table.remove(row)
    assert table.top == 6


def test_the_newest_pose_keeps_its_seq_its_stamp_and_when_it_came() -> None:
    table = PoseTable(1)
    row = table.add(1, bytes(14), 7)
    assert (table.seqs[row], table.stamps[row], table.arrivals[row]) == (0, 7, 0)
    table.put(row, pack_pose(Pose(x=5)), 65535, 60000, 12.5)
    assert (table.seqs[row], table.stamps[row], table.arrivals[row]) == (65535, 60000, 12.5)


def test_flags_that_are_not_allowed_are_not_passed_on_also_of_the_pose_that_is_there() -> None:
    table = PoseTable(1)
    row = table.add(1, pack_pose(Pose(flags=0xFF)), 0)
    assert table.columns().look[row] >> 8 == 0x0F
    table.allow(row, ~Flags.SPEAKING)
    assert table.columns().look[row] >> 8 == 0x0E
    table.put(row, pack_pose(Pose(flags=0xFF)), 1, 0, 0)
    assert table.columns().look[row] >> 8 == 0x0E
    table.allow(row, 0xFF)
    table.put(row, pack_pose(Pose(flags=0xFF)), 2, 0, 0)
    assert table.columns().look[row] >> 8 == 0x0F


@pytest.mark.parametrize("body", [bytes(13), bytes(15), b""])
def test_a_body_of_the_wrong_size_is_refused(body: bytes) -> None:
    table = PoseTable(1)
    row = table.add(1, bytes(14), 0)
    with pytest.raises(ValueError, match="14 bytes"):
        table.put(row, body, 1, 0, 0)


def test_the_next_owner_of_a_row_inherits_nothing() -> None:
    table = PoseTable(1)
    row = table.add(1, pack_pose(Pose(x=9, flags=1)), 5)
    table.allow(row, 0)
    table.put(row, pack_pose(Pose(x=9)), 44, 55, 66)
    table.remove(row)
    assert table.add(2, pack_pose(Pose(flags=1)), 8) == row
    assert table.body(row) == pack_pose(Pose(flags=1))
    assert (table.seqs[row], table.stamps[row], table.arrivals[row]) == (0, 8, 0)
