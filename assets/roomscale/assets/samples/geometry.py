"""Geometry: an immutable triangle mesh, and the primitives that everything is built of.

Its one rule: a primitive comes with smooth normals, counter-clockwise triangles and texture coordinates in metres,
so that nothing downstream has to repair it. Bevelled boxes spend no vertex on their bevels: the strips between the
faces share the faces' vertices, and the interpolated normals make the edge round.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from math import cos, pi, sin

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
Vec = Sequence[float] | Array


@dataclass(frozen=True)
class Mesh:
    """Triangles with per-vertex normals and texture coordinates (metres, v downwards)."""

    positions: Array
    normals: Array
    uvs: Array
    triangles: Ints

    def moved(self, matrix: Array) -> Mesh:
        """The mesh under a 4×4 affine matrix; mirrored ones keep their triangles' outside outside."""
        linear = matrix[:3, :3]
        normals = self.normals @ np.linalg.inv(linear)
        lengths = np.linalg.norm(normals, axis=1, keepdims=True)
        flipped = np.linalg.det(linear) < 0
        triangles = self.triangles[:, ::-1] if flipped else self.triangles
        return Mesh(self.positions @ linear.T + matrix[:3, 3], normals / np.maximum(lengths, 1e-9), self.uvs, triangles)

    def at(self, x: float = 0, y: float = 0, z: float = 0, yaw: float = 0, pitch: float = 0, roll: float = 0) -> Mesh:
        """Rolled about Z, then pitched about X, then turned about Y (degrees), then moved (metres)."""
        return self.moved(transform(x, y, z, yaw, pitch, roll))

    def scaled(self, x: float, y: float, z: float) -> Mesh:
        """Stretched about the origin."""
        return self.moved(np.diag([x, y, z, 1.0]))

    def turned_uv(self) -> Mesh:
        """The same with texture axes swapped: the grain of upright timber."""
        return Mesh(self.positions, self.normals, self.uvs[:, ::-1], self.triangles)

    def with_uv(self, uvs: Array) -> Mesh:
        """The same with other texture coordinates."""
        return Mesh(self.positions, self.normals, uvs, self.triangles)


def transform(x: float = 0, y: float = 0, z: float = 0, yaw: float = 0, pitch: float = 0, roll: float = 0) -> Array:
    """A rigid 4×4 matrix; angles in degrees, order as in `Mesh.at`."""
    a, b, c = (np.deg2rad(angle) for angle in (yaw, pitch, roll))
    turn = np.array([[cos(a), 0, sin(a)], [0, 1, 0], [-sin(a), 0, cos(a)]])
    nod = np.array([[1, 0, 0], [0, cos(b), -sin(b)], [0, sin(b), cos(b)]])
    tilt = np.array([[cos(c), -sin(c), 0], [sin(c), cos(c), 0], [0, 0, 1]])
    matrix = np.eye(4)
    matrix[:3, :3] = turn @ nod @ tilt
    matrix[:3, 3] = (x, y, z)
    return matrix


def join(meshes: Iterable[Mesh]) -> Mesh:
    """One mesh of many."""
    parts = list(meshes)
    starts = np.cumsum([0, *(len(part.positions) for part in parts[:-1])])
    return Mesh(
        np.concatenate([part.positions for part in parts]),
        np.concatenate([part.normals for part in parts]),
        np.concatenate([part.uvs for part in parts]),
        np.concatenate([part.triangles + start for part, start in zip(parts, starts, strict=True)]),
    )


def project_uv(positions: Array, normals: Array) -> Array:
    """Texture coordinates in metres: the surface's own horizontal, and along its slope downwards."""
    flat = np.abs(normals[:, 1]) > 0.9
    across = np.stack([normals[:, 2], np.zeros(len(normals)), -normals[:, 0]], axis=1)
    across /= np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-9)
    upward = np.cross(normals, across)
    uvs = np.stack([(positions * across).sum(1), -(positions * upward).sum(1)], axis=1)
    uvs[flat] = positions[flat][:, [0, 2]]
    return uvs


def surface(positions: Array, normals: Array, triangles: Ints, uvs: Array | None = None) -> Mesh:
    """A mesh whose triangles are turned to agree with the normals; drops those without area."""
    positions = np.asarray(positions, dtype=np.float64)
    normals = np.asarray(normals, dtype=np.float64)
    triangles = np.asarray(triangles, dtype=np.int64)
    a, b, c = (positions[triangles[:, k]] for k in range(3))
    facing = np.cross(b - a, c - a)
    triangles = triangles[np.linalg.norm(facing, axis=1) > 1e-9]
    a, b, c = (positions[triangles[:, k]] for k in range(3))
    wanted = normals[triangles].sum(axis=1)
    wrong = (np.cross(b - a, c - a) * wanted).sum(axis=1) < 0
    triangles = np.where(wrong[:, None], triangles[:, ::-1], triangles)
    return Mesh(positions, normals, project_uv(positions, normals) if uvs is None else uvs, triangles)


_FACES = [(axis, sign) for axis in range(3) for sign in (-1, 1)]
_NAMES = {"l": (0, -1), "r": (0, 1), "b": (1, -1), "t": (1, 1), "n": (2, -1), "f": (2, 1)}


def _box_topology() -> tuple[Ints, Ints]:
    """Vertex signs (24×4: axis, then the sign on each axis) and the 44 triangles of a bevelled box."""
    rows: list[tuple[int, ...]] = []
    index: dict[tuple[int, tuple[int, ...]], int] = {}
    for axis, sign in _FACES:
        for signs in product((-1, 1), repeat=3):
            if signs[axis] == sign:
                index[axis, signs] = len(rows)
                rows.append((axis, *signs))
    triangles: list[tuple[int, int, int]] = []
    for axis, sign in _FACES:
        corners = [i for i, row in enumerate(rows) if row[0] == axis and row[1 + axis] == sign]
        triangles += [(corners[0], corners[1], corners[3]), (corners[0], corners[3], corners[2])]
    for first, second in ((0, 1), (0, 2), (1, 2)):
        third = 3 - first - second
        for s, t in product((-1, 1), repeat=2):
            ends = []
            for end in (-1, 1):
                signs3 = [0, 0, 0]
                signs3[first], signs3[second], signs3[third] = s, t, end
                ends.append((index[first, tuple(signs3)], index[second, tuple(signs3)]))
            (a, b), (c, d) = ends
            triangles += [(a, b, d), (a, d, c)]
    triangles += [(index[0, signs], index[1, signs], index[2, signs]) for signs in product((-1, 1), repeat=3)]
    return np.array(rows), np.array(triangles)


_BOX_ROWS, _BOX_TRIANGLES = _box_topology()


def box(size: Vec, bevel: float = 0.03, skip: str = "") -> Mesh:
    """A bevelled box, centred in x and z, standing on y = 0. `skip` drops faces: l r b t n(−Z) f(+Z)."""
    half = np.array(size, dtype=np.float64) / 2
    bevel = min(bevel, 0.45 * float(2 * half.min()))
    axes, signs = _BOX_ROWS[:, 0], _BOX_ROWS[:, 1:].astype(np.float64)
    own = np.zeros((24, 3))
    own[np.arange(24), axes] = 1
    positions = signs * (half - bevel * (1 - own))
    normals = signs * own
    mesh = surface(positions + [0, half[1], 0], normals, _BOX_TRIANGLES)
    if not skip:
        return mesh
    gone = np.zeros(24, dtype=bool)
    for name in skip:
        axis, sign = _NAMES[name]
        gone |= (axes == axis) & (_BOX_ROWS[np.arange(24), 1 + axis] == sign)
    return without(mesh, gone)


def slab(size: Vec) -> Mesh:
    """A plain box with hard edges, for what is too far up or away to show a bevel; stands on y = 0, no underside."""
    width, height, depth = size
    x, z = width / 2, depth / 2
    faces = [
        grid((-x, 0, z), (width, 0, 0), (0, height, 0), 99),
        grid((x, 0, -z), (-width, 0, 0), (0, height, 0), 99),
        grid((x, 0, z), (0, 0, -depth), (0, height, 0), 99),
        grid((-x, 0, -z), (0, 0, depth), (0, height, 0), 99),
        grid((-x, height, z), (width, 0, 0), (0, 0, -depth), 99),
    ]
    return join(faces)


def stud(size: Vec) -> Mesh:
    """A pillow on a wall: (width, height, depth), centred in x, standing on y = 0, rising from z = 0 along +Z.

    Eight vertices: the rim's normals lean outwards, so it shades as a bevelled stone would at a fifth of the cost.
    """
    width, height, depth = size
    inset = min(0.45 * depth, 0.2 * width, 0.2 * height)
    rim = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)], dtype=np.float64)
    middle = np.array([0, height / 2])
    outer, inner = rim * [width / 2, height / 2] + middle, rim * [width / 2 - inset, height / 2 - inset] + middle
    positions = np.zeros((8, 3))
    positions[:4, :2], positions[4:, :2], positions[4:, 2] = outer, inner, depth
    normals = np.zeros((8, 3))
    normals[:4, :2], normals[:4, 2], normals[4:, 2] = rim * 0.68, 0.27, 1
    sides = [(k, (k + 1) % 4, 4 + (k + 1) % 4, 4 + k) for k in range(4)]
    triangles = [t for a, b, c, d in [*sides, (4, 5, 6, 7)] for t in ((a, b, c), (a, c, d))]
    return surface(positions, normals, np.array(triangles), positions[:, :2] * [1, -1])


def without(mesh: Mesh, gone: NDArray[np.bool_]) -> Mesh:
    """The mesh less some vertices and every triangle that used one."""
    keep = ~gone
    order = np.cumsum(keep) - 1
    triangles = mesh.triangles[keep[mesh.triangles].all(axis=1)]
    return Mesh(mesh.positions[keep], mesh.normals[keep], mesh.uvs[keep], order[triangles])


def beam(start: Vec, end: Vec, width: float, height: float, bevel: float = 0.02, skip: str = "") -> Mesh:
    """A bevelled bar between two points; its texture runs along it."""
    a, b = np.asarray(start, dtype=np.float64), np.asarray(end, dtype=np.float64)
    length = float(np.linalg.norm(b - a))
    along = (b - a) / length
    side = np.cross([0.0, 1.0, 0.0], along)
    side = np.array([1.0, 0, 0]) if np.linalg.norm(side) < 1e-6 else side / np.linalg.norm(side)
    matrix = np.eye(4)
    matrix[:3, 0], matrix[:3, 1], matrix[:3, 2] = along, np.cross(side, along) * -1, side
    if np.linalg.det(matrix[:3, :3]) < 0:
        matrix[:3, 2] *= -1
    matrix[:3, 3] = a
    return box((length, height, width), bevel, skip).at(length / 2, -height / 2, 0).moved(matrix)


def grid(origin: Vec, u: Vec, v: Vec, step: float = 1.0) -> Mesh:
    """A flat patch spanned by `u` and `v` from `origin`, cut so that no cell is longer than `step`; faces u × v."""
    start, across, along = (np.asarray(x, dtype=np.float64) for x in (origin, u, v))
    columns = max(1, int(np.ceil(np.linalg.norm(across) / step - 1e-6)))
    rows = max(1, int(np.ceil(np.linalg.norm(along) / step - 1e-6)))
    s, t = np.meshgrid(np.linspace(0, 1, columns + 1), np.linspace(0, 1, rows + 1))
    positions = start + s.reshape(-1, 1) * across + t.reshape(-1, 1) * along
    normal = np.cross(across, along)
    normal /= np.linalg.norm(normal)
    return surface(positions, np.tile(normal, (len(positions), 1)), quads(rows, columns))


def quads(rows: int, columns: int) -> Ints:
    """Triangles of a lattice of (rows + 1) × (columns + 1) vertices."""
    corner = (np.arange(rows)[:, None] * (columns + 1) + np.arange(columns)).reshape(-1)
    below = corner + columns + 1
    return np.concatenate([np.stack([corner, corner + 1, below + 1], 1), np.stack([corner, below + 1, below], 1)])


def polygon(points: Sequence[Vec] | Array, normal: Vec) -> Mesh:
    """A flat convex polygon as a fan."""
    positions = np.asarray(points, dtype=np.float64)
    count = len(positions)
    fan = np.array([(0, k, k + 1) for k in range(1, count - 1)])
    return surface(positions, np.tile(np.asarray(normal, dtype=np.float64), (count, 1)), fan)


def strip(left: Array, right: Array, smooth: bool = False) -> Mesh:
    """A ribbon between two polylines of equal length; facets with hard edges unless `smooth`."""
    a, b = np.asarray(left, dtype=np.float64), np.asarray(right, dtype=np.float64)
    if smooth:
        positions = np.stack([a, b], axis=1).reshape(-1, 3)
        return smooth_surface(positions, quads(len(a) - 1, 1))
    pieces = []
    for k in range(len(a) - 1):
        corner = np.stack([a[k], b[k], a[k + 1], b[k + 1]])
        normal = np.cross(corner[1] - corner[0], corner[2] - corner[0])
        normal /= max(float(np.linalg.norm(normal)), 1e-9)
        pieces.append(surface(corner, np.tile(normal, (4, 1)), np.array([(0, 1, 3), (0, 3, 2)])))
    return join(pieces)


def smooth_surface(positions: Array, triangles: Ints, uvs: Array | None = None) -> Mesh:
    """A mesh with area-weighted vertex normals from its triangles (which must be counter-clockwise)."""
    a, b, c = (positions[triangles[:, k]] for k in range(3))
    facing = np.cross(b - a, c - a)
    normals = np.zeros_like(positions)
    for k in range(3):
        np.add.at(normals, triangles[:, k], facing)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    return surface(positions, normals, triangles, uvs)


def lathe(profile: Sequence[tuple[float, float]], sides: int = 12, sharp: bool = False, arc: float = 360) -> Mesh:
    """A profile of (radius, height) from bottom to top turned about Y; `sharp` gives each band its own normals."""
    if sharp:
        bands = [lathe(profile[k : k + 2], sides, arc=arc) for k in range(len(profile) - 1)]
        return join(bands)
    radii = np.array([r for r, _ in profile], dtype=np.float64)
    heights = np.array([y for _, y in profile], dtype=np.float64)
    angles = np.deg2rad(np.linspace(0, arc, sides + 1))
    slope = np.stack([np.gradient(heights), -np.gradient(radii)], axis=1)
    slope /= np.maximum(np.linalg.norm(slope, axis=1, keepdims=True), 1e-9)
    c, s = np.cos(angles), np.sin(angles)
    positions = np.stack([np.outer(radii, c), np.repeat(heights[:, None], sides + 1, 1), np.outer(radii, s)], -1)
    normals = np.stack([np.outer(slope[:, 0], c), np.repeat(slope[:, 1:2], sides + 1, 1), np.outer(slope[:, 0], s)], -1)
    run = np.cumsum(np.hypot(np.diff(radii, prepend=radii[0]), np.diff(heights, prepend=heights[0])))
    around = max(float(radii.max()), 0.05) * angles
    uvs = np.stack([np.tile(around, (len(radii), 1)), -np.repeat(run[:, None], sides + 1, 1)], -1)
    return surface(positions.reshape(-1, 3), normals.reshape(-1, 3), quads(len(radii) - 1, sides), uvs.reshape(-1, 2))


def tube(points: Sequence[Vec], radii: Sequence[float], sides: int = 7) -> Mesh:
    """A round limb along a polyline, its thickness following `radii`; open at both ends."""
    path = np.asarray(points, dtype=np.float64)
    along = np.gradient(path, axis=0)
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
    side = np.cross(along[0], [0.0, 0.0, 1.0] if abs(along[0][2]) < 0.9 else [1.0, 0.0, 0.0])
    rings, normals = [], []
    angles = np.linspace(0, 2 * pi, sides + 1)
    for centre, direction, radius in zip(path, along, radii, strict=True):
        side = side - direction * float(side @ direction)
        side /= np.linalg.norm(side)
        other = np.cross(direction, side)
        out = np.outer(np.cos(angles), side) + np.outer(np.sin(angles), other)
        rings.append(centre + out * radius)
        normals.append(out)
    run = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))])
    uvs = np.stack([np.repeat(run[:, None], sides + 1, 1), np.tile(angles * max(radii), (len(path), 1))], -1)
    return surface(np.concatenate(rings), np.concatenate(normals), quads(len(path) - 1, sides), uvs.reshape(-1, 2))


def ball(radius: float, detail: int = 2) -> Mesh:
    """An icosphere about the origin: 12, 42, 162 vertices for detail 0, 1, 2."""
    g = (1 + 5**0.5) / 2
    corners: list[tuple[float, float, float]] = [(-1, g, 0), (1, g, 0), (-1, -g, 0), (1, -g, 0), (0, -1, g), (0, 1, g)]
    corners += [(0, -1, -g), (0, 1, -g), (g, 0, -1), (g, 0, 1), (-g, 0, -1), (-g, 0, 1)]
    faces = "0 11 5 0 5 1 0 1 7 0 7 10 0 10 11 1 5 9 5 11 4 11 10 2 10 7 6 7 1 8 "
    faces += "3 9 4 3 4 2 3 2 6 3 6 8 3 8 9 4 9 5 2 4 11 6 2 10 8 6 7 9 8 1"
    points = [np.array(p) / np.linalg.norm(p) for p in corners]
    triangles = [(int(a), int(b), int(c)) for a, b, c in zip(*[iter(faces.split())] * 3, strict=True)]
    for _ in range(detail):
        middles: dict[tuple[int, int], int] = {}

        def middle(i: int, j: int, middles: dict[tuple[int, int], int] = middles) -> int:
            key = (min(i, j), max(i, j))
            if key not in middles:
                middles[key] = len(points)
                halfway = points[i] + points[j]
                points.append(halfway / np.linalg.norm(halfway))
            return middles[key]

        finer = []
        for a, b, c in triangles:
            ab, bc, ca = middle(a, b), middle(b, c), middle(c, a)
            finer += [(a, ab, ca), (b, bc, ab), (c, ca, bc), (ab, bc, ca)]
        triangles = finer
    unit = np.array(points)
    return surface(unit * radius, unit, np.array(triangles))
