"""Trees: a great blossoming tree by the canal, smaller ones, hedges and tufts.

A crown is clouds of leaves: displaced balls inside, loose petals outside that break the outline. Its one rule:
seeded, and light in triangles.
"""

from __future__ import annotations

import numpy as np

from roomscale.assets.samples.geometry import Array, Mesh, ball, box, lathe, smooth_surface, surface, tube
from roomscale.assets.samples.plaza import layout as at
from roomscale.assets.samples.scenery import Scenery


def build(scenery: Scenery) -> None:
    """The great tree and its smaller kin."""
    great = scenery.placed(at.TREE[0], 0, at.TREE[1])
    tree(great, "great_tree", "blossom", height=9.5, spread=5.6, seed=5, detail=2)
    great.solid("tree_trunk", (1.1, 4, 1.1), (0, 0, 0))
    _planter(great)
    for k, (x, z, kind) in enumerate(((-16.2, 20.5, "leaf"), (17.0, -10.8, "blossom"), (-16.5, -11.8, "leaf"))):
        small = scenery.placed(x, 0, z)
        tree(small, "trees", kind, height=5.4 + 0.5 * (k % 2), spread=2.3, seed=20 + k, detail=1)
        small.solid("tree_trunk", (0.45, 3, 0.45), (0, 0, 0))
        ring = lathe([(0.95, 0), (0.95, 0.3), (0.75, 0.3), (0.75, 0.1), (0.0, 0.1)], 10, sharp=True)
        small.add("props", "trim", ring)
        small.solid("tree_ring", (1.7, 0.3, 1.7), (0, 0, 0))
    _petals(scenery)


def tree(here: Scenery, node: str, finish: str, *, height: float, spread: float, seed: int, detail: int) -> None:
    """One tree: a leaning trunk, limbs that fork once, clouds at their ends."""
    rng = np.random.default_rng(seed)
    great = detail > 1
    fork = np.array([rng.uniform(-0.3, 0.3), height * 0.36, rng.uniform(-0.3, 0.3)])
    thick = height * 0.05
    roots = [(0, -0.1, 0), (0.05, height * 0.08, 0), (fork[0] * 0.4, height * 0.2, fork[2] * 0.4), tuple(fork)]
    here.add(node, "bark", tube(roots, [thick * 1.7, thick * 1.1, thick * 0.9, thick * 0.8], 9))
    ends: list[Array] = []
    limbs = 6 if detail > 1 else 3
    for k in range(limbs):
        turn = 2 * np.pi * (k + rng.uniform(-0.25, 0.25)) / limbs
        out = np.array([np.cos(turn), 0, np.sin(turn)]) * spread * rng.uniform(0.5, 0.72)
        tip = np.array([0, height * rng.uniform(0.66, 0.84), 0]) + out
        knee = (fork + tip) / 2 + out * 0.16 - [0, height * 0.03, 0]
        here.add(
            node,
            "bark",
            tube([tuple(fork - [0, 0.2, 0]), tuple(knee), tuple(tip)], [thick * 0.6, thick * 0.4, thick * 0.15], 6),
        )
        ends.append(tip)
        if great or k % 2:
            ends.append(knee + [0, height * 0.12, 0] + out * 0.2)
        for _ in range(2 if detail > 1 else 0):
            twig = tip + rng.normal(0, 1, 3) * [spread * 0.24, height * 0.06, spread * 0.24]
            here.add(node, "bark", tube([tuple(knee), tuple(twig)], [thick * 0.3, thick * 0.1], 4))
            ends.append(twig)
    ends.append(np.array([0, height * 0.88, 0]))
    clouds = [_cloud(end, spread * rng.uniform(0.25, 0.37) * (0.95 if great else 1.5), rng, 1) for end in ends]
    here.add(node, finish, *clouds)
    here.add(node, finish, *[_loose(cloud, rng, 44 if great else 16, 0.46 if great else 0.36) for cloud in clouds])


def _cloud(centre: Array, radius: float, rng: np.random.Generator, detail: int) -> Mesh:
    """A lumpy ball, flatter below."""
    base = ball(1.0, detail)
    p = base.positions
    lumps = sum(
        a * np.sin(p @ rng.normal(0, f, 3) + rng.uniform(0, 6)) for a, f in ((0.16, 2.2), (0.12, 4.5), (0.06, 8.0))
    )
    shaped = p * (1 + np.asarray(lumps)[:, None]) * [1, 0.72, 1]
    shaped[:, 1] = np.where(shaped[:, 1] < 0, shaped[:, 1] * 0.6, shaped[:, 1])
    return smooth_surface(shaped * radius + centre, base.triangles)


def _loose(cloud: Mesh, rng: np.random.Generator, count: int, size: float) -> Mesh:
    """A coat of leaves: bent diamonds lying on a cloud like shingles; their normals are the cloud's, so that they
    shade as one, and their ragged rim is what one sees."""
    a, b, c = (cloud.positions[cloud.triangles[:, k]] for k in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    picked = rng.choice(len(area), count, p=area / area.sum())
    s, t = rng.random(count), rng.random(count)
    s, t = np.where(s + t > 1, 1 - s, s), np.where(s + t > 1, 1 - t, t)
    point = a[picked] + (b - a)[picked] * s[:, None] + (c - a)[picked] * t[:, None]
    normal = cloud.normals[cloud.triangles[picked]].mean(axis=1)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    drift = rng.normal(0, 1, (count, 3)) + [0, -0.7, 0]
    along = drift - normal * (drift * normal).sum(axis=1, keepdims=True)
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-6)
    side = np.cross(normal, along)
    long = (size * rng.uniform(0.7, 1.4, count))[:, None]
    lift = normal * long * rng.uniform(0.25, 0.75, (count, 1))
    root, tip = point - along * long * 0.5, point + along * long * 0.7 + lift
    left, right = point - side * long * 0.42 + lift * 0.6, point + side * long * 0.42 + lift * 0.6
    positions = np.stack([root, left, tip, right], axis=1).reshape(-1, 3)
    start = 4 * np.arange(count)[:, None]
    triangles = np.concatenate([start + [0, 1, 2], start + [0, 2, 3]])
    shade = normal + 0.22 * rng.normal(0, 1, (count, 3))
    shade /= np.linalg.norm(shade, axis=1, keepdims=True)
    return surface(positions, np.repeat(shade, 4, axis=0), triangles)


def tuft(radius: float, seed: int, detail: int = 1) -> Mesh:
    """A small bush, standing on the origin."""
    rng = np.random.default_rng(seed)
    return _cloud(np.array([0, radius * 0.5, 0]), radius, rng, detail)


def _planter(great: Scenery) -> None:
    """A round stone seat about the great tree, with a low hedge inside."""
    ring = lathe(
        [(2.5, 0), (2.5, 0.4), (2.62, 0.42), (2.62, 0.5), (1.95, 0.5), (1.95, 0.36), (0.3, 0.42)], 22, sharp=True
    )
    great.add("props", "trim", ring)
    great.solid("planter", (4.6, 0.46, 3.2), (0, 0, 0))
    great.solid("planter", (3.2, 0.46, 4.6), (0, 0, 0))
    for k in range(9):
        angle = 2 * np.pi * k / 9
        bush = tuft(0.42, 60 + k).at(1.5 * float(np.cos(angle)), 0.36, 1.5 * float(np.sin(angle)))
        great.add("trees", "leaf", bush)
    for k in range(4):
        angle = np.deg2rad(90 * k + 20)
        x, z = 2.25 * float(np.cos(angle)), 2.25 * float(np.sin(angle))
        yaw = float(np.rad2deg(np.arctan2(x, z)))
        seat = {"back": [0, 0, -0.22], "knee": [0, 0, 0.22], "foot": [0, -0.5, 0.3]}
        great.mark(f"seat_tree_{k + 1}", (x, 0.5, z), yaw, {"OMI_seat": seat})


def _petals(scenery: Scenery) -> None:
    """Fallen blossom on the ground about the tree and on the water."""
    rng = np.random.default_rng(77)
    pieces = []
    for _ in range(110):
        angle, far = rng.uniform(0, 2 * np.pi), 2.6 + abs(rng.normal(0, 2.6))
        x, z = at.TREE[0] + far * np.cos(angle), at.TREE[1] + far * np.sin(angle)
        y = at.WATER + 0.02 if at.CANAL_NORTH < z < at.CANAL_SOUTH else 0.03
        if abs(z - at.CANAL_NORTH) < 0.6:
            y = 0.2
        size = rng.uniform(0.05, 0.1)
        turn = rng.uniform(0, np.pi)
        a, b = np.array([np.cos(turn), 0, np.sin(turn)]) * size, np.array([-np.sin(turn), 0, np.cos(turn)]) * size * 0.7
        centre = np.array([x, y, z])
        corners = np.stack([centre - a, centre - b, centre + a, centre + b])
        pieces.append(surface(corners, np.tile([0.0, 1.0, 0.0], (4, 1)), np.array([(0, 1, 2), (0, 2, 3)])))
    scenery.add("great_tree", "blossom", *pieces)


def hedge(length: float) -> Mesh:
    """A clipped hedge along x, standing on the origin."""
    return box((length, 0.7, 0.6), 0.16, "b")
