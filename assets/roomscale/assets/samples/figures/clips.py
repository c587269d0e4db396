"""Clips: idle, walk, run and wave, computed rather than keyed.

Feet follow a path on which the touching point moves back at exactly the clip's speed; legs are solved by two-bone IK.
Its one rule: every clip is a function of its phase with period 1, so it closes by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import acos, asin, atan2, cos, pi, sin

import numpy as np

from roomscale.assets.samples.figures import rig
from roomscale.assets.samples.geometry import Array
from roomscale.assets.samples.gltf import quaternion

TURN = 2 * pi


def rx(angle: float) -> Array:
    """Rotation about X: positive tips the toes down and the trunk forward."""
    return np.array([[1, 0, 0], [0, cos(angle), -sin(angle)], [0, sin(angle), cos(angle)]])


def ry(angle: float) -> Array:
    """Rotation about Y."""
    return np.array([[cos(angle), 0, sin(angle)], [0, 1, 0], [-sin(angle), 0, cos(angle)]])


def rz(angle: float) -> Array:
    """Rotation about Z."""
    return np.array([[cos(angle), -sin(angle), 0], [sin(angle), cos(angle), 0], [0, 0, 1]])


@dataclass
class Pose:
    """Local rotations, and where the hips are in the model's space."""

    hips: Array = field(default_factory=lambda: np.array(rig.BONES["hips"][1]))
    turns: dict[str, Array] = field(default_factory=dict)


@dataclass(frozen=True)
class Clip:
    """A named motion: seconds, the speed (m/s) at which it does not slide, and its pose at a phase in 0..1."""

    name: str
    seconds: float
    speed: float
    pose: Callable[[float], Pose]
    keys: int = 24


@dataclass(frozen=True)
class Gait:
    """How somebody goes: what a walk and a run differ in."""

    speed: float
    seconds: float
    stance: float
    """Share of the cycle that a foot is on the ground."""
    ahead: float
    """Where the foot's stance is centred, metres before the hips."""
    strike: float
    """Toes up at the heel's strike, radians."""
    push: float
    """Heel up at toe-off, radians."""
    lift: float
    """Height of the ankle's swing, metres."""
    drop: float
    """Hips below their rest, metres."""
    bob: float
    bob_phase: float
    lean: float
    swing: float
    """Arms, radians to either side."""
    elbow: float
    twist: float


WALK = Gait(1.4, 1.04, 0.6, 0.02, 0.32, 0.62, 0.07, 0.035, 0.017, 0.3, 0.04, 0.42, 0.35, 0.10)
RUN = Gait(4.5, 0.64, 0.27, 0.04, 0.10, 0.85, 0.26, 0.075, 0.035, 0.12, 0.16, 0.75, 1.35, 0.16)


def foot(gait: Gait, phase: float) -> tuple[float, float, float, float]:
    """Ankle's z and y, the foot's pitch and the toes' bend at a phase; the stance begins at 0."""
    phase %= 1.0
    travel = gait.speed * gait.seconds * gait.stance
    if phase < gait.stance:
        return _stance(gait, phase / gait.stance, travel)
    z0, y0, p0, _ = _stance(gait, 1.0, travel)
    z1, y1, p1, _ = _stance(gait, 0.0, travel)
    t = (phase - gait.stance) / (1 - gait.stance)
    pace = -gait.speed * gait.seconds * (1 - gait.stance)
    z = _hermite(t, z0, z1, pace * 0.9, pace * 0.6)
    y = y0 + (y1 - y0) * t + gait.lift * sin(pi * t) ** 1.2
    # The foot trails, then comes level, then shows its sole.
    pitch = _hermite(t, p0, p1, 0.2, -0.5)
    return z, y, pitch, 0.5 * gait.push * max(0.0, 1 - 4 * t)


def _stance(gait: Gait, u: float, travel: float) -> tuple[float, float, float, float]:
    """Rolling over the foot: on the heel, flat, then on the ball."""
    flat_z = gait.ahead + travel * (0.5 - u)
    if u < 0.18:
        pitch = -gait.strike * (1 - u / 0.18) ** 1.5
        heel = np.array([0, 0, flat_z - rig.HEEL])
        ankle = heel + rx(pitch) @ np.array([0, rig.ANKLE, rig.HEEL])
        return float(ankle[2]), float(ankle[1]), pitch, 0.0
    if u > 0.5:
        pitch = gait.push * ((u - 0.5) / 0.5) ** 1.6
        ball = np.array([0, 0.0, flat_z + rig.BALL])
        ankle = ball + rx(pitch) @ np.array([0, rig.ANKLE, -rig.BALL])
        return float(ankle[2]), float(ankle[1]), pitch, 0.9 * pitch
    return flat_z, rig.ANKLE, 0.0, 0.0


def _hermite(t: float, a: float, b: float, da: float, db: float) -> float:
    t2, t3 = t * t, t * t * t
    return (2 * t3 - 3 * t2 + 1) * a + (t3 - 2 * t2 + t) * da + (3 * t2 - 2 * t3) * b + (t3 - t2) * db


def leg(pose: Pose, side: str, pelvis: Array, ankle: Array, pitch: float, toes: float) -> None:
    """Bends one leg so that the ankle is at a point of the model's space and the sole at a pitch."""
    start = pose.hips + pelvis @ np.array(rig.offset(f"{side}UpperLeg"))
    way = ankle - start
    reach = float(np.clip(np.linalg.norm(way), 0.25, (rig.THIGH + rig.SHIN) * 0.9995))
    way = way / np.linalg.norm(way)
    toward = rz(atan2(way[0], -way[1])) @ rx(-asin(float(np.clip(way[2], -1, 1))))
    bend = acos((rig.THIGH**2 + reach**2 - rig.SHIN**2) / (2 * rig.THIGH * reach))
    thigh = toward @ rx(-bend)
    shin = toward @ rx(acos((rig.SHIN**2 + reach**2 - rig.THIGH**2) / (2 * rig.SHIN * reach)))
    pose.turns[f"{side}UpperLeg"] = pelvis.T @ thigh
    pose.turns[f"{side}LowerLeg"] = thigh.T @ shin
    pose.turns[f"{side}Foot"] = shin.T @ rx(pitch)
    pose.turns[f"{side}Toes"] = rx(-toes)


def arm(pose: Pose, side: str, down: float, swing: float, elbow: float, out: float = 0.0) -> None:
    """Lowers an arm from the T-pose by `down`, swings it forward, bends its elbow (radians)."""
    sign = 1 if side == "left" else -1
    pose.turns[f"{side}UpperArm"] = rx(-swing) @ rz(-sign * down) @ rx(out)
    pose.turns[f"{side}LowerArm"] = ry(-sign * elbow)
    pose.turns[f"{side}Hand"] = rz(sign * -0.08)


def going(gait: Gait) -> Callable[[float], Pose]:
    """The pose function of a gait; the left foot strikes at phase 0."""

    def pose_at(phase: float) -> Pose:
        pose = Pose()
        angle = TURN * phase
        pose.hips = pose.hips + [
            0.014 * sin(angle),
            -gait.drop - gait.bob * cos(2 * angle - TURN * gait.bob_phase),
            0.0,
        ]
        pelvis = ry(-gait.twist * cos(angle)) @ rz(0.035 * sin(angle)) @ rx(gait.lean * 0.4)
        pose.turns["hips"] = pelvis
        for side, shift, sign in (("left", 0.0, 1), ("right", 0.5, -1)):
            z, y, pitch, toes = foot(gait, phase + shift)
            leg(pose, side, pelvis, np.array([sign * 0.085, y, z]), pitch, toes)
        pose.turns["spine"] = ry(gait.twist * 0.8 * cos(angle)) @ rx(gait.lean * 0.3)
        pose.turns["chest"] = ry(gait.twist * 1.3 * cos(angle)) @ rx(gait.lean * 0.3)
        pose.turns["neck"] = rx(-gait.lean * 0.5)
        pose.turns["head"] = ry(-gait.twist * 1.0 * cos(angle)) @ rx(-gait.lean * 0.35 + 0.02 * cos(2 * angle))
        for side, sign in (("left", 1), ("right", -1)):
            swing = -sign * gait.swing * cos(angle)
            arm(pose, side, 1.25, swing + 0.06, gait.elbow + 0.25 * max(0.0, swing))
        return pose

    return pose_at


def standing(phase: float) -> Pose:
    """Breathing, with the weight drifting from one leg to the other."""
    pose = Pose()
    angle = TURN * phase
    breath = sin(2 * angle)
    pose.hips = pose.hips + [0.014 * sin(angle), -0.012 - 0.003 * breath, 0.0]
    pelvis = rz(0.018 * sin(angle)) @ ry(0.03 * sin(angle))
    pose.turns["hips"] = pelvis
    for side, sign in (("left", 1), ("right", -1)):
        leg(pose, side, pelvis, np.array([sign * 0.095, rig.ANKLE, 0.02 * sign]), 0.0, 0.0)
        arm(pose, side, 1.3 + 0.012 * breath, 0.05 + 0.02 * sin(angle + sign), 0.22 + 0.02 * breath)
    pose.turns["spine"] = rz(-0.012 * sin(angle)) @ rx(0.012 * breath)
    pose.turns["chest"] = rx(-0.018 * breath) @ ry(0.02 * sin(angle))
    pose.turns["head"] = ry(0.07 * sin(angle + 0.8)) @ rx(0.02 * sin(angle * 2 + 0.4))
    return pose


def waving(phase: float) -> Pose:
    """Idle, with the right hand raised and swaying; three sways a turn."""
    pose = standing(phase)
    sway = sin(3 * TURN * phase)
    pose.turns["rightUpperArm"] = rz(-0.55 - 0.06 * sway) @ ry(0.25)
    pose.turns["rightLowerArm"] = rz(-1.15 - 0.32 * sway)
    pose.turns["rightHand"] = rz(0.25 * sin(3 * TURN * phase - 0.9))
    pose.turns["chest"] = pose.turns["chest"] @ rz(0.05)
    pose.turns["head"] = pose.turns["head"] @ rz(-0.08)
    return pose


CLIPS = [
    Clip("idle", 4.0, 0.0, standing, 16),
    Clip("walk", WALK.seconds, WALK.speed, going(WALK), 26),
    Clip("run", RUN.seconds, RUN.speed, going(RUN), 24),
    Clip("wave", 2.0, 0.0, waving, 24),
]


def sampled(clip: Clip) -> tuple[Array, Array, dict[str, Array]]:
    """Key times (seconds), hips' positions, and each bone's quaternions with signs that run on smoothly."""
    phases = np.linspace(0, 1, clip.keys + 1)
    poses = [clip.pose(float(phase % 1.0)) for phase in phases]
    turns: dict[str, Array] = {}
    for name in rig.NAMES:
        keys = np.array([quaternion(pose.turns.get(name, np.eye(3))) for pose in poses])
        for k in range(1, len(keys)):
            if keys[k] @ keys[k - 1] < 0:
                keys[k] *= -1
        turns[name] = keys
    return phases * clip.seconds, np.array([pose.hips for pose in poses]), turns
