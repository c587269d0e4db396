"""Bake: sky occlusion and lamplight for every vertex, by rays through a grid of voxels.

Surfaces are splatted into a boolean grid; a ray walks it in steps of one cell. That is coarser than triangles and a
hundred times faster in numpy, and at vertices nobody sees the difference. Its one rule: seeded directions, no time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roomscale.assets.samples.geometry import Array, Mesh
from roomscale.assets.samples.scenery import Lamp

CELL = 0.2  # metres: finer costs memory by its cube, coarser loses window sills


@dataclass(frozen=True)
class Light:
    """What the bake assumes of the sky: its colour on open ground, and the least that corners keep."""

    sky: tuple[float, float, float] = (0.115, 0.16, 0.30)
    floor: tuple[float, float, float] = (0.028, 0.034, 0.056)
    rays: int = 48
    distance: float = 9.0
    """Metres beyond which nothing occludes."""


class Voxels:
    """Which cells hold a surface."""

    def __init__(self, meshes: Sequence[Mesh]) -> None:
        points = np.concatenate([_samples(mesh) for mesh in meshes])
        self.low = points.min(axis=0) - 2 * CELL
        cells = ((points - self.low) / CELL).astype(np.int64)
        self.shape = cells.max(axis=0) + 3
        self.full = np.zeros(tuple(self.shape), dtype=bool)
        self.full[cells[:, 0], cells[:, 1], cells[:, 2]] = True

    def hit(self, points: Array) -> NDArray[np.bool_]:
        """Whether each point lies in a full cell; outside the grid nothing is."""
        cells = np.floor((points - self.low) / CELL).astype(np.int64)
        inside = ((cells >= 0) & (cells < self.shape)).all(axis=1)
        cells = np.where(inside[:, None], cells, 0)
        found: NDArray[np.bool_] = self.full[cells[:, 0], cells[:, 1], cells[:, 2]]
        reached: NDArray[np.bool_] = found & inside
        return reached


def _samples(mesh: Mesh) -> Array:
    """Points on every triangle, no farther apart than about half a cell."""
    a, b, c = (mesh.positions[mesh.triangles[:, k]] for k in range(3))
    longest = np.max([np.linalg.norm(b - a, axis=1), np.linalg.norm(c - b, axis=1), np.linalg.norm(a - c, axis=1)], 0)
    cuts = np.clip(np.ceil(longest / (0.6 * CELL)).astype(int), 1, 60)
    found = []
    for cut in np.unique(cuts):
        s, t = np.meshgrid(np.arange(cut + 1) / cut, np.arange(cut + 1) / cut)
        kept = s + t <= 1 + 1e-9
        s, t = s[kept], t[kept]
        here = cuts == cut
        weights = np.stack([1 - s - t, s, t])
        corners = np.stack([a[here], b[here], c[here]])
        found.append(np.einsum("kp,knd->npd", weights, corners).reshape(-1, 3))
    return np.concatenate(found)


def directions(count: int) -> Array:
    """Evenly spread unit vectors over the sphere (a Fibonacci spiral)."""
    k = np.arange(count) + 0.5
    y = 1 - 2 * k / count
    turn = np.pi * (1 + 5**0.5) * k
    r = np.sqrt(1 - y * y)
    return np.stack([r * np.cos(turn), y, r * np.sin(turn)], axis=1)


def bake(mesh: Mesh, voxels: Voxels, lamps: Sequence[Lamp], light: Light) -> Array:
    """Linear light (n, 3), unclipped, that falls on each vertex."""
    start = mesh.positions + mesh.normals * (1.5 * CELL)
    openness = _openness(start, mesh.normals, voxels, light)
    upward = 0.65 + 0.35 * mesh.normals[:, 1:2]
    result = np.array(light.floor) + np.array(light.sky) * openness[:, None] * upward
    for lamp in lamps:
        result += _lamplight(start, mesh, voxels, lamp)
    return result


def _openness(start: Array, normals: Array, voxels: Voxels, light: Light) -> Array:
    """Cosine-weighted share of the hemisphere that is free; near walls count more than far ones."""
    total, weight = np.zeros(len(start)), np.zeros(len(start))
    steps = np.geomspace(CELL * 0.6, light.distance, 14)
    for direction in directions(light.rays):
        cosine = normals @ direction
        use = cosine > 0.05
        origin = start[use]
        free = np.ones(len(origin))
        alive = np.ones(len(origin), dtype=bool)
        for step in steps:
            struck = np.zeros(len(origin), dtype=bool)
            struck[alive] = voxels.hit(origin[alive] + direction * step)
            free[struck] = (step / light.distance) ** 0.7 * 0.8
            alive &= ~struck
        total[use] += cosine[use] * free
        weight[use] += cosine[use]
    return total / np.maximum(weight, 1e-6)


def _lamplight(start: Array, mesh: Mesh, voxels: Voxels, lamp: Lamp) -> Array:
    """What one lamp adds, with soft falloff to nothing at its reach and a shadow where the way is blocked."""
    result = np.zeros_like(start)
    offset = np.array(lamp.position) - mesh.positions
    distance = np.linalg.norm(offset, axis=1)
    near = distance < lamp.reach
    if not near.any():
        return result
    toward = offset[near] / np.maximum(distance[near], 1e-6)[:, None]
    facing = np.clip((mesh.normals[near] * toward).sum(axis=1) * 0.8 + 0.2, 0, 1)
    fade = np.clip(1 - (distance[near] / lamp.reach) ** 2, 0, 1) ** 2
    strength = lamp.power * facing * fade / (0.35 + (distance[near] / 1.6) ** 2)
    origin, goal = start[near], np.array(lamp.position)
    shadow = np.ones(len(origin))
    way = goal - origin
    length = np.maximum(np.linalg.norm(way, axis=1), 1e-6)
    # The last half metre belongs to the lamp's own body.
    for share in np.linspace(0.02, 0.98, int(lamp.reach / CELL / 1.5)):
        here = share * length < length - 0.5
        blocked = np.zeros(len(origin), dtype=bool)
        blocked[here] = voxels.hit(origin[here] + way[here] * share)
        shadow[blocked] *= 0.25
    result[near] = (strength * np.maximum(shadow, 0.04))[:, None] * np.array(lamp.colour)
    return result


def exposed(light: Array) -> NDArray[np.uint8]:
    """Light to COLOR_0 bytes: a soft shoulder towards 1 that keeps the hue of lamps."""
    peak = light.max(axis=1, keepdims=True)
    rolled = np.where(peak > 0.6, 0.6 + 0.4 * (1 - np.exp(-(peak - 0.6) / 0.4)), peak)
    colour = light * rolled / np.maximum(peak, 1e-6)
    quantised: NDArray[np.uint8] = np.round(np.clip(colour, 0, 1) * 255).astype(np.uint8)
    return quantised
