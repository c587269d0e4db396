"""Poses in numpy, whom one is told about, and the frames that come of it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roomscale.netcode.core.interest import nearest
from roomscale.netcode.core.messages import MAX_MESSAGE, Channel, Pose, Snapshot
from roomscale.netcode.core.poses import RECORD_DTYPE, PoseTable, places
from roomscale.netcode.core.protocol import RECORD, decode_server, pack_pose
from roomscale.netcode.core.snapshot import snapshots
from tests.netcode import strategies


def test_a_record_lies_in_memory_as_it_goes_on_the_wire() -> None:
    assert RECORD_DTYPE.itemsize == RECORD == 16


@settings(deadline=None)
@given(st.lists(strategies.poses, min_size=1, max_size=40))
def test_places_come_out_of_the_records_as_they_went_in(poses: list[Pose]) -> None:
    table = PoseTable()
    for i, pose in enumerate(poses):
        table.add(i + 1, pack_pose(pose))
    assert places(table.records()).tolist() == [[p.x, p.y, p.z] for p in poses]


def test_rows_are_kept_while_others_come_and_go_and_the_table_grows() -> None:
    table = PoseTable()
    rows = {peer: table.add(peer, pack_pose(Pose(x=peer))) for peer in range(1, 41)}
    for peer in range(1, 41, 2):
        table.remove(rows.pop(peer))
    for peer in range(41, 61):
        rows[peer] = table.add(peer, pack_pose(Pose(x=peer)))
    assert len(set(rows.values())) == len(rows) == len(table)
    assert places(table.records())[:, 0].tolist() == list(rows)
    assert table.rows.tolist() == list(rows.values())


def test_unknown_flags_are_not_passed_on() -> None:
    table = PoseTable()
    table.add(1, pack_pose(Pose(flags=0xFF)))
    assert table.records()["flags"].tolist() == [0x0F]


def test_a_body_of_the_wrong_size_is_refused() -> None:
    table = PoseTable()
    row = table.add(1, bytes(14))
    with pytest.raises(ValueError, match="14 bytes"):
        table.put(row, bytes(13))


@pytest.mark.parametrize("n", [0, 1, 2, 5, 65])
def test_few_participants_all_see_all_but_themselves(n: int) -> None:
    chosen = nearest(np.zeros((n, 3), np.int32), 64)
    assert chosen.shape == (n, max(n - 1, 0))
    assert [sorted(row) for row in chosen.tolist()] == [[j for j in range(n) if j != i] for i in range(n)]


@pytest.mark.parametrize("n", [66, 200, 300])
def test_many_participants_see_their_nearest_and_never_themselves(n: int) -> None:
    rng = np.random.default_rng(7)
    where = rng.integers(-60_000, 60_000, (n, 3)).astype(np.int32)
    apart = np.linalg.norm(where[:, None].astype(float) - where[None], axis=2)
    for i, row in enumerate(nearest(where, 64).tolist()):
        assert i not in row
        assert len(set(row)) == 64
        assert sorted(apart[i][row]) == pytest.approx(sorted(np.delete(apart[i], i))[:64], abs=1)


def test_all_on_one_spot_still_never_see_themselves() -> None:
    for i, row in enumerate(nearest(np.zeros((100, 3), np.int32), 64).tolist()):
        assert i not in row
        assert len(set(row)) == 64


@pytest.mark.parametrize("n", [0, 1, 2, 65, 66, 130])
def test_everybody_gets_a_frame_of_the_others_as_they_are(n: int) -> None:
    table = PoseTable()
    poses = {peer: Pose(x=peer * 100, z=-peer, yaw=peer, flags=peer % 16) for peer in range(1, n + 1)}
    for peer, pose in poses.items():
        table.add(peer, pack_pose(pose))
    frames = snapshots(table, 7, 350, range(n))
    assert len(frames) == n
    for peer, frame in enumerate(frames, 1):
        assert len(frame) <= MAX_MESSAGE
        snapshot = decode_server(Channel.POSES, frame)
        assert isinstance(snapshot, Snapshot)
        assert (snapshot.tick, snapshot.server_ms, snapshot.last_seq) == (7, 350, peer - 1)
        assert len(snapshot.records) == len({r.peer for r in snapshot.records}) == min(n - 1, 64)
        assert all(record.peer != peer and record.pose == poses[record.peer] for record in snapshot.records)


def test_the_nearest_64_are_those_in_the_frame() -> None:
    table = PoseTable()
    for peer in range(1, 101):
        table.add(peer, pack_pose(Pose(x=peer * 1000)))
    first = decode_server(Channel.POSES, snapshots(table, 1, 1, [0] * 100)[0])
    assert isinstance(first, Snapshot)
    assert {record.peer for record in first.records} == set(range(2, 66))
