"""What a tick costs, and what a visitor's sight weighs, in a crowd that walks; the limits are those that issue 3 sets.

`python -m pytest -m proof -s tests/benchmarks/test_tick.py` prints the figures. CPU of this thread, so that other
processes disturb it little; "best" is what a machine of one's own would see. What is counted: everything from the
poses that have come to the frames that go out, except putting the poses in and handing the frames on.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest

from roomscale.netcode.core.crowd import Crowd
from roomscale.netcode.core.messages import Channel, Hello, Here, Pose
from roomscale.netcode.core.protocol import encode
from roomscale.netcode.core.settings import SimulationConfig
from roomscale.netcode.core.simulation import Simulation

pytestmark = pytest.mark.proof

BENEATH = 93
"""Bytes of IP, UDP, DTLS and SCTP around each frame."""
TICK = 0.05
Bytes = npt.NDArray[np.uint8]


def walk(visitors: int, side: float, ticks: int, moving: float) -> Bytes:
    """(ticks, visitors, 14): poses of a crowd in a square of `side` metres of whom `moving` walk, at any time."""
    dice = np.random.default_rng(3)
    walks = dice.random(visitors) < moving
    place, yaw = dice.random((visitors, 2)) * side, dice.random(visitors) * 2 * math.pi
    speed, turn = np.where(walks, 1.4, 0.0), np.zeros(visitors)
    bodies = np.zeros((ticks, visitors, 14), np.uint8)
    change = TICK / 4.0  # a walk lasts 4 s
    for tick in range(ticks):
        if moving < 1:
            walks ^= dice.random(visitors) < np.where(walks, change, change * moving / (1 - moving))
        speed += (np.where(walks, 1.4, 0) - speed) * 0.25
        speed[speed < 0.01] = 0
        turn += -0.3 * turn + np.where(walks, dice.normal(0, 0.35, visitors), 0)
        yaw += np.where(speed > 0, turn * TICK, 0)
        place += np.stack([-np.sin(yaw), -np.cos(yaw)], axis=1) * (speed * TICK)[:, None]
        yaw += ((place < 0) | (place > side)).any(axis=1) * 0.3
        np.clip(place, 0, side, out=place)
        for axis, at in ((0, 0), (1, 6)):
            wire = np.round(place[:, axis] * 1000).astype("<i4").view(np.uint8).reshape(visitors, 4)
            bodies[tick, :, at : at + 3] = wire[:, :3]
        wire = (np.round(yaw / (2 * math.pi) * 65536).astype(np.int64) % 65536).astype("<u2").view(np.uint8)
        bodies[tick, :, 9:11] = wire.reshape(visitors, 2)
    return bodies


@dataclass
class Figures:
    best_ms: float
    median_ms: float
    bytes_per_second: float
    packets_per_second: float
    longest: int


def measure(bodies: Bytes, warm_up: int) -> Figures:
    ticks, visitors, _ = bodies.shape
    crowd = Crowd(SimulationConfig(capacity=visitors, capacity_per_world=visitors))
    rows = [crowd.add(peer + 1, 0, bodies[0, peer].tobytes(), 0) for peer in range(visitors)]
    spent: list[float] = []
    size = packets = longest = 0
    for tick in range(ticks):
        now, ms = tick * TICK, tick * 50
        for i, row in enumerate(rows):
            crowd.put(row, bodies[tick, i].tobytes(), tick & 0xFFFF, (ms - 20) & 0xFFFF, now - 0.01)
        began = time.thread_time()
        assert crowd.offenders(TICK) == []
        _, frames = crowd.step(tick + 1, ms, now, 1, redo=False)
        if tick >= warm_up:
            spent.append(time.thread_time() - began)
            size += sum(map(len, frames)) + BENEATH * len(frames)
            packets += len(frames)
            longest = max(longest, *map(len, frames))
    seconds = (ticks - warm_up) * TICK
    spent.sort()
    return Figures(
        spent[0] * 1000,
        spent[len(spent) // 2] * 1000,
        size / visitors / seconds,
        packets / visitors / seconds,
        longest,
    )


CROWDS = [
    (100, 20, 1.0),
    (100, 20, 0.3),
    (1000, 63, 1.0),
    (1000, 63, 0.3),
    (1000, 24, 1.0),
    (5000, 141, 1.0),
    (5000, 53, 1.0),
    (5000, 2000, 1.0),
]
"""(visitors, side of the square in metres, share who walk): 4 m² each; as dense as 5,000 within 30 m; far apart."""
LIMITS_MS = {100: 2.0, 1000: 5.0, 5000: 14.0}
"""CPU of the best tick. On the machine that the goals are for they are 1 for 1,000 and 8 for 5,000; this is where it is
noticed that something has become dear, on whatever machine it is."""


@pytest.mark.parametrize(("visitors", "side", "moving"), CROWDS)
def test_a_tick_of_a_walking_crowd(visitors: int, side: float, moving: float) -> None:
    ticks = 140 if visitors > 2000 else 240
    found = measure(walk(visitors, side, ticks, moving), warm_up=60)
    print(
        f"\n{visitors} visitors in {side} m, {moving:.0%} walk: tick {found.best_ms:.2f} ms best,"
        f" {found.median_ms:.2f} median; {found.bytes_per_second / 1000:.2f} kB/s and"
        f" {found.packets_per_second:.1f} packets/s each, longest frame {found.longest}"
    )
    assert found.longest <= 1100
    assert found.bytes_per_second <= (12_500 if moving == 1 else 5_000)
    assert found.best_ms <= LIMITS_MS[visitors]


def test_what_taking_in_a_pose_and_telling_one_visitor_cost_in_python() -> None:
    """The whole of `Simulation`: one HERE in and one SIGHT out for each of 500 visitors and ticks."""
    visitors, ticks = 500, 120
    bodies = walk(visitors, math.sqrt(visitors * 4), ticks, 1.0)
    simulation = Simulation(SimulationConfig(capacity=visitors, capacity_per_world=visitors), 0.0)
    for i in range(visitors):
        simulation.join(f"s{i}", world="w", user_id=f"@{i}:x", name=f"n{i}", role=1, now=0.0)
        simulation.receive(f"s{i}", Channel.EVENTS, encode(Hello(2, 2, "bench", "ada", Pose())), 0.0)
    into: list[float] = []
    out: list[float] = []
    for tick in range(1, ticks):
        now = tick * TICK
        head = encode(Here(tick, (tick * 50 - 20) & 0xFFFF, 0, 0, Pose()))[:6]
        frames = [(f"s{i}", head + bodies[tick, i].tobytes()) for i in range(visitors)]
        began = time.thread_time()
        for session, frame in frames:
            simulation.receive(session, Channel.POSES, frame, now - 0.01)
        received = time.thread_time()
        simulation.step(now)
        told = simulation.outgoing()
        done = time.thread_time()
        if tick > 60:
            assert len(told) >= visitors
            into.append((received - began) / visitors)
            out.append((done - received) / visitors)
    print(f"\neach visitor and tick: {min(into) * 1e6:.2f} µs to take in a pose, {min(out) * 1e6:.2f} µs to be told")
    assert min(into) < 10e-6
    assert min(out) < 10e-6
