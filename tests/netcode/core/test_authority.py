"""How far one may get: by walking, by falling, by a silent moment; and never out of the world."""

from __future__ import annotations

import pytest

from roomscale.netcode.core.authority import Authority
from roomscale.netcode.core.messages import Pose
from roomscale.netcode.core.poses import PoseTable
from roomscale.netcode.core.settings import SimulationConfig
from roomscale.netcode.core.wire import pack_pose, unpack_pose

CONFIG = SimulationConfig()


class One:
    """Somebody whose every tick is looked at."""

    def __init__(self, config: SimulationConfig = CONFIG, pose: Pose | None = None) -> None:
        self.table = PoseTable(2)
        self.authority = Authority(self.table, config)
        self.row = self.table.add(1, pack_pose(pose or Pose()), 0)
        self.authority.grant(self.row)
        self.at(pose or Pose())

    def at(self, pose: Pose, seconds: float = 0.05) -> bool:
        """Says to be there, so long after the last tick; whether that was let."""
        self.table.put(self.row, pack_pose(pose), 0, 0, 0)
        columns = self.table.columns()
        offenders: list[int] = self.authority.offenders(columns, seconds).tolist()
        for row in offenders:
            self.authority.undo(row)
        self.authority.settle(self.table.columns() if offenders else columns)
        return offenders == []

    @property
    def pose(self) -> Pose:
        return unpack_pose(self.table.body(self.row))


@pytest.mark.parametrize("speed", [1.4, 4.5, 9.9])
def test_whoever_walks_or_runs_is_let_for_ever(speed: float) -> None:
    one = One()
    assert all(one.at(Pose(x=round(i * speed * 50))) for i in range(1000))


def test_whoever_is_too_fast_is_put_back_where_they_were_once_their_store_is_spent() -> None:
    one = One()
    for _ in range(200):
        one.at(Pose())
    far = [one.at(Pose(x=i * 1000)) for i in range(1, 61)]  # 20 m/s
    assert far.index(False) == pytest.approx(
        CONFIG.max_speed * CONFIG.speed_burst / (20 - CONFIG.max_speed) * 20, abs=2
    )
    assert one.pose.x <= 1000 * (far.index(False) + 30)
    assert not one.at(Pose(x=1_000_000))
    assert one.pose.x < 100_000


def test_a_fall_is_let_and_flying_up_for_long_is_not() -> None:
    one = One(pose=Pose(y=900_000))
    assert all(one.at(Pose(y=900_000 - i * 1750)) for i in range(500))  # 35 m/s
    up = One()
    assert not all(up.at(Pose(y=i * 3000)) for i in range(200))  # 60 m/s


def test_who_was_away_for_three_seconds_may_be_three_seconds_further() -> None:
    one = One()
    for _ in range(60):
        one.at(one.pose)
    assert one.at(Pose(x=13_500))
    assert not one.at(Pose(x=53_500))


def test_a_newcomer_has_all_that_may_come_at_once_and_the_one_who_was_there_before_leaves_nothing() -> None:
    one = One()
    one.authority.arrive(one.row)
    one.at(Pose(x=500_000))
    assert one.at(Pose(x=529_000))
    assert not one.at(Pose(x=549_000))
    one.authority.arrive(one.row)
    one.at(Pose())
    assert one.at(Pose(x=29_000))


def test_left_out_ticks_are_time_that_passed() -> None:
    one = One()
    assert not one.at(Pose(z=5000))
    assert one.at(Pose(z=5000), seconds=1.0)


def test_what_was_granted_is_let_however_far_and_does_not_count() -> None:
    one = One()
    one.authority.grant(one.row)
    assert one.at(Pose(x=1_900_000, z=-1_900_000))
    assert one.at(Pose(x=1_900_100, z=-1_900_000))
    assert not one.at(Pose(x=0))


def test_nobody_gets_out_of_the_world_by_whatever_way() -> None:
    one = One(SimulationConfig(origin=(100, 0, 0), reach=50))
    one.authority.grant(one.row)
    assert one.at(Pose(x=100_000))
    one.authority.grant(one.row)
    assert not one.at(Pose(x=150_001))
    one.authority.grant(one.row)
    assert one.at(Pose(x=150_000, y=-50_000))
    assert one.authority.inside(Pose(x=50_000))
    assert not one.authority.inside(Pose(x=49_999))
    assert one.authority.within(Pose(x=0, y=99_000, z=7, yaw=3, flags=1)) == Pose(50_000, 50_000, 7, 3, flags=1)


def test_an_empty_row_offends_nobody() -> None:
    one = One(pose=Pose(x=1_000_000))
    one.table.remove(one.row)
    assert one.authority.offenders(one.table.columns(), 0.05).tolist() == []


def test_the_speeds_of_the_browsers_body_are_well_below_the_limits() -> None:
    # web/src/walk/body.ts: RUN_SPEED 4.5, FASTEST_FALL 35
    assert CONFIG.max_speed >= 2 * 4.5
    assert CONFIG.max_climb > 35
