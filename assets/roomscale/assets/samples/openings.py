"""Openings: walls with holes, and what sits in the holes: windows, doors, arches.

A wall lies in the plane z = 0 of its frame and looks along +Z; x runs along it, y up. Its one rule: an opening is
deep. Reveals, sills and lintels make the shadow lines that tell how large a building is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from roomscale.assets.samples.geometry import Array, Mesh, box, join, polygon, strip, stud, surface
from roomscale.assets.samples.scenery import Scenery
from roomscale.assets.samples.textures import DARK, window_cell

REVEAL = 0.24  # metres between the wall's face and the pane


@dataclass(frozen=True)
class Hole:
    """A rectangle in a wall: its left and bottom edge, width and height (metres); `arch` rounds its top."""

    x: float
    y: float
    width: float
    height: float
    arch: bool = False

    @property
    def right(self) -> float:
        """Right edge."""
        return self.x + self.width

    @property
    def top(self) -> float:
        """Top edge."""
        return self.y + self.height

    @property
    def middle(self) -> float:
        """Centre along the wall."""
        return self.x + self.width / 2

    def curve(self, segments: int = 8) -> Array:
        """The round top from left to right, (segments + 1, 2); a flat one has two points."""
        if not self.arch:
            return np.array([[self.x, self.top], [self.right, self.top]])
        radius = self.width / 2
        angle = np.linspace(np.pi, 0, segments + 1)
        return np.stack([self.middle + radius * np.cos(angle), self.top - radius + radius * np.sin(angle)], 1)

    def outline(self) -> Array:
        """Left foot, the top's curve, right foot."""
        return np.concatenate([[[self.x, self.y]], self.curve(), [[self.right, self.y]]])


def wall(width: float, height: float, holes: Sequence[Hole], step: float = 1.6, bottom: float = 0.0) -> Mesh:
    """The wall's face from x = 0 to `width`, y = `bottom` to `height`, less its holes."""
    xs = _cuts(0, width, [c for hole in holes for c in (hole.x, hole.right)], step)
    ys = _cuts(bottom, height, [c for hole in holes for c in (hole.y, hole.top)], step)
    grid_x, grid_y = np.meshgrid(xs, ys)
    positions = np.stack([grid_x.ravel(), grid_y.ravel(), np.zeros(grid_x.size)], axis=1)
    cells = []
    for row in range(len(ys) - 1):
        for column in range(len(xs) - 1):
            x, y = (xs[column] + xs[column + 1]) / 2, (ys[row] + ys[row + 1]) / 2
            if not any(hole.x < x < hole.right and hole.y < y < hole.top for hole in holes):
                a = row * len(xs) + column
                cells += [(a, a + 1, a + 1 + len(xs)), (a, a + 1 + len(xs), a + len(xs))]
    used = np.unique(np.array(cells))
    order = np.full(len(positions), -1)
    order[used] = np.arange(len(used))
    normal = np.tile([0.0, 0.0, 1.0], (len(used), 1))
    face = surface(positions[used], normal, order[np.array(cells)])
    return join([face, *(_spandrel(hole) for hole in holes if hole.arch)])


def _cuts(low: float, high: float, edges: Sequence[float], step: float) -> Array:
    """Sorted cut lines from low to high with all edges, refined until no cell is longer than `step`."""
    marks = sorted({low, high, *(round(e, 4) for e in edges if low < e < high)})
    lines = [low]
    for a, b in pairwise(marks):
        pieces = max(1, int(np.ceil((b - a) / step - 1e-6)))
        lines += [a + (b - a) * k / pieces for k in range(1, pieces + 1)]
    return np.array(lines)


def _spandrel(hole: Hole) -> Mesh:
    """The wall between an arch and the rectangle around it."""
    curve = hole.curve()
    top = np.stack([curve[:, 0], np.full(len(curve), hole.top)], axis=1)
    return strip(_lift(top, 0), _lift(curve, 0))


def _lift(points: Array, z: float) -> Array:
    """Points in the wall's plane as points in space."""
    return np.concatenate([points, np.full((len(points), 1), z)], axis=1)


def reveal(hole: Hole, depth: float = REVEAL, floor: bool = True) -> Mesh:
    """The inner sides of a hole, `depth` deep."""
    outline = hole.outline()
    if floor:
        outline = np.concatenate([outline, outline[:1]])
    return strip(_lift(outline, 0), _lift(outline, -depth), smooth=True)


def pane(hole: Hole, cell: int, depth: float = REVEAL) -> Mesh:
    """The glass at the back of a hole, showing one cell of the window texture."""
    outline = _lift(hole.outline(), -depth)
    u0, v0, u1, v1 = window_cell(cell)
    s = (outline[:, 0] - hole.x) / hole.width
    t = 1 - (outline[:, 1] - hole.y) / hole.height
    flat = polygon(outline, (0, 0, 1))
    return flat.with_uv(np.stack([u0 + s * (u1 - u0), v0 + t * (v1 - v0)], axis=1))


def bars(hole: Hole, columns: int, rows: int, depth: float = REVEAL, thick: float = 0.06) -> Mesh:
    """Glazing bars: flat strips a finger before the pane."""
    z = -depth + 0.03
    pieces = []
    for k in range(1, columns):
        x = hole.x + hole.width * k / columns
        pieces.append(_upright(x - thick / 2, x + thick / 2, hole.y, hole.top - 0.01, z))
    for k in range(1, rows):
        y = hole.y + hole.height * k / rows
        pieces.append(_upright(hole.x, hole.right, y - thick / 2, y + thick / 2, z + 0.004))
    return join(pieces)


def _upright(x0: float, x1: float, y0: float, y1: float, z: float) -> Mesh:
    return polygon([(x0, y0, z), (x1, y0, z), (x1, y1, z), (x0, y1, z)], (0, 0, 1))


def window(
    scenery: Scenery,
    node: str,
    hole: Hole,
    *,
    lit: int | None,
    trim: str = "trim",
    shutters: str | None = None,
    plain: bool = False,
) -> None:
    """A window in a hole: `lit` is the interior shown, None a dark one; a `plain` one has no lintel."""
    scenery.add(node, trim, reveal(hole))
    scenery.add(node, "window", pane(hole, DARK if lit is None else lit))
    if lit is not None:
        scenery.lamp((hole.middle, hole.y + hole.height * 0.5, 0.7), power=0.36 * hole.width, reach=5.5)
    if hole.width > 1.4:
        scenery.add(node, "timber", bars(hole, 4, 2))
    scenery.add(node, trim, stud((hole.width + 0.3, 0.12, 0.16)).at(hole.middle, hole.y - 0.12, 0))
    if not hole.arch and not plain:
        scenery.add(node, trim, stud((hole.width + 0.24, 0.2, 0.08)).at(hole.middle, hole.top, 0))
    if shutters:
        leaf = stud((hole.width * 0.48, hole.height, 0.06)).turned_uv()
        for side in (-1, 1):
            x = hole.middle + side * (hole.width / 2 + hole.width * 0.25)
            scenery.add(node, shutters, leaf.at(x, hole.y, 0.03, yaw=-side * 9))


def door(scenery: Scenery, node: str, hole: Hole, finish: str = "timber") -> None:
    """A door of boards in a hole, with a step before it and a lit fanlight when its top is round."""
    scenery.add(node, "trim", reveal(hole, 0.35, floor=False))
    leaf_top = hole.top - hole.width / 2 if hole.arch else hole.top
    leaf = _upright(hole.x, hole.right, hole.y, leaf_top, -0.3)
    scenery.add(node, finish, leaf.turned_uv())
    for y in (0.35, 1.6):
        scenery.add("lanterns", "iron", stud((hole.width * 0.8, 0.07, 0.02)).at(hole.middle, hole.y + y, -0.3))
    if hole.arch:
        fan = Hole(hole.x, leaf_top, hole.width, hole.width / 2, arch=True)
        scenery.add(node, "window", pane(fan, 2, 0.3))
        scenery.add(node, "timber", bars(fan, 4, 1, 0.3, 0.05))
        scenery.lamp((hole.middle, leaf_top, 0.8), power=0.35, reach=5)
    step = box((hole.width + 0.5, 0.16, 0.5), 0.03, "bn").at(hole.middle, hole.y - 0.16, 0.25)
    scenery.add(node, "trim", step)


def arch_ring(width: float, spring: float, thickness: float, depth: float, stones: int = 9) -> Mesh:
    """Voussoirs standing out from a wall by `depth` around a half-round opening, springing at height `spring`."""
    pieces = []
    for k in range(stones):
        angle = np.pi * (k + 0.5) / stones
        length = np.pi * (width / 2 + thickness * 0.5) / stones * 0.98
        key = k == stones // 2
        block = stud((length, thickness * (1.4 if key else 1.0), depth * (1.4 if key else 1.0)))
        turned = block.at(roll=float(np.rad2deg(angle)) - 90)
        radius = width / 2
        pieces.append(turned.at(radius * float(np.cos(angle)), spring + radius * float(np.sin(angle)), 0))
    return join(pieces)
