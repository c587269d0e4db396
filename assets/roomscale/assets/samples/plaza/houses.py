"""Houses: the rows around the square, each made from a few choices.

A house stands in a frame of its own: its front in the plane z = 0 looking along +Z, x from 0 to its width, the body
behind it. Its one rule: no two neighbours share colour, height and gable.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from roomscale.assets.samples.geometry import Mesh, beam, box, grid, lathe, polygon, slab, stud, tube
from roomscale.assets.samples.openings import Hole, arch_ring, door, reveal, wall, window
from roomscale.assets.samples.plaza.trees import tuft
from roomscale.assets.samples.scenery import Scenery

GROUND_FLOOR, UPPER_FLOOR = 3.5, 3.0
DEPTH = 6.0


@dataclass(frozen=True)
class House:
    """What one decides about a house."""

    width: float
    floors: int
    finish: str
    gable: str
    """`steps`, `point`, or `eaves` (ridge along the street)."""
    ground: str
    """`door`, `shop` or `arcade`."""
    seed: int
    shutters: str | None = None
    lit: float = 0.6
    """Share of windows with light."""
    plain: bool = False
    """Without quoins and brackets: for rows that are seen from afar or from behind."""

    @property
    def height(self) -> float:
        """To the eaves, metres."""
        return GROUND_FLOOR + UPPER_FLOOR * (self.floors - 1)


def row(scenery: Scenery, node: str, houses: list[House]) -> None:
    """Houses side by side along x, party wall to party wall."""
    x = 0.0
    for house in houses:
        build(scenery.placed(x), node, house)
        x += house.width


def build(scenery: Scenery, node: str, house: House) -> None:
    """One house."""
    rng = np.random.default_rng(house.seed)
    holes = _openings(scenery, node, house, rng)
    scenery.add(node, house.finish, wall(house.width, house.height, holes, 3.1, bottom=0.45))
    plinth_holes = [Hole(h.x, 0, h.width, 0.5) for h in holes if h.y < 0.45]
    edges = [0.0, *(e for h in plinth_holes for e in (h.x, h.right)), house.width]
    for left, right in zip(edges[::2], edges[1::2], strict=True):
        if right - left > 0.05:
            plinth = stud((right - left, 0.5, 0.09)).at((left + right) / 2, 0, 0)
            scenery.add(node, "ashlar", plinth)
    for side in (0, 1):
        body = grid((side * house.width, 0, 0), (0, 0, -DEPTH), (0, house.height, 0), 99)
        scenery.add(node, house.finish, body if side else body.scaled(-1, 1, 1))
    _bands(scenery, node, house)
    {"steps": _stepped, "point": _pointed, "eaves": eaves}[house.gable](scenery, node, house, rng)
    size = (house.width, house.height + 3, DEPTH)
    back = 2.6 if house.ground == "arcade" else 0.0
    scenery.solid(f"{node}_wall", (size[0], size[1], DEPTH - back), (house.width / 2, 0, -(DEPTH + back) / 2))


def _openings(scenery: Scenery, node: str, house: House, rng: np.random.Generator) -> list[Hole]:
    """Cuts and furnishes all holes; returns them for the wall."""
    bays = max(2, round(house.width / 2.35))
    pitch = house.width / bays
    wide = min(1.15, pitch * 0.5)
    holes: list[Hole] = []
    for floor in range(1, house.floors):
        tall = 1.75 if floor == 1 else 1.5
        y = GROUND_FLOOR + (floor - 1) * UPPER_FLOOR + 0.75
        for bay in range(bays):
            hole = Hole(pitch * (bay + 0.5) - wide / 2, y, wide, tall)
            lit = int(rng.integers(0, 8)) if rng.random() < house.lit else None
            window(
                scenery,
                node,
                hole,
                lit=lit,
                shutters=house.shutters if pitch > 1.95 else None,
                plain=house.plain or floor > 1,
            )
            holes.append(hole)
    if house.ground == "arcade":
        return holes + _arcade(scenery, node, house, bays, pitch)
    return holes + _street(scenery, node, house, bays, pitch, rng)


def _street(scenery: Scenery, node: str, house: House, bays: int, pitch: float, rng: np.random.Generator) -> list[Hole]:
    """A door, and windows or one shop window beside it."""
    entry = int(rng.integers(0, bays)) if house.ground == "door" else bays - 1
    hole = Hole(pitch * (entry + 0.5) - 0.6, 0.16, 1.2, 2.75, arch=True)
    door(scenery, node, hole)
    if not house.plain:
        scenery.add(node, "trim", arch_ring(1.2, hole.top - 0.6, 0.2, 0.1, 5).at(hole.middle))
    _wall_lantern(scenery, node, hole.right + 0.35 if entry < bays - 1 else hole.x - 0.35, 2.5)
    holes = [hole]
    if house.ground == "shop":
        shop = Hole(0.5, 0.75, pitch * (bays - 1) - 0.7, 1.9)
        window(scenery, node, shop, lit=2)
        scenery.lamp((shop.middle, 1.6, 1.2), power=1.8, reach=7)
        _awning(scenery, node, shop, "plaster_rose" if house.finish != "plaster_rose" else "plaster_teal")
        return [*holes, shop]
    for bay in range(bays):
        if bay != entry:
            opening = Hole(pitch * (bay + 0.5) - 0.5, 1.05, 1.0, 1.65)
            window(scenery, node, opening, lit=int(rng.integers(0, 8)) if rng.random() < house.lit else None)
            holes.append(opening)
            if rng.random() < 0.4:
                _flower_box(scenery, node, opening, rng)
    return holes


def _arcade(scenery: Scenery, node: str, house: House, bays: int, pitch: float) -> list[Hole]:
    """Arches on piers with a walk behind, 2.4 m deep."""
    holes = []
    for bay in range(bays):
        hole = Hole(pitch * bay + 0.3, 0, pitch - 0.6, 2.95, arch=True)
        scenery.add(node, "trim", reveal(hole, 0.5, floor=False))
        ring = arch_ring(hole.width, hole.top - hole.width / 2, 0.22, 0.12, 7).at(hole.middle)
        scenery.add(node, "trim", ring)
        holes.append(hole)
        _hanging_lantern(scenery, node, (hole.middle, 2.75, -1.2))
    for k in range(bays + 1):
        x = min(max(pitch * k, 0.3), house.width - 0.3)
        cap = slab((0.78, 0.16, 0.66)).at(x, 2.95 - (pitch - 0.6) / 2 - 0.1, -0.2)
        scenery.add(node, "trim", cap, slab((0.76, 0.5, 0.64)).at(x, 0, -0.22))
        scenery.solid(f"{node}_pier", (0.62, 3.2, 0.55), (x, 0, -0.25))
    back = wall(house.width, 3.3, [], 1.2).at(0, 0, -2.5)
    ceiling = grid((0, 3.2, -2.5), (house.width, 0, 0), (0, 0, 2.5), 1.2)
    floor = grid((0, 0.02, 0.1), (house.width, 0, 0), (0, 0, -2.6), 1.2)
    scenery.add(node, house.finish, back)
    scenery.add(node, "timber", ceiling)
    scenery.add("ground", "paving", floor)
    for bay in range(0, bays, 2):
        opening = Hole(pitch * (bay + 0.5) - 0.55, 0.9, 1.1, 1.5)
        window(scenery.placed(0, 0, -2.5 + 0.27), node, opening, lit=bay % 8)
    return holes


def _bands(scenery: Scenery, node: str, house: House) -> None:
    """String courses between floors, a cornice with brackets, and quoins at the corners."""
    for floor in range(1, house.floors):
        y = GROUND_FLOOR + (floor - 1) * UPPER_FLOOR
        scenery.add(node, "trim", stud((house.width - 0.02, 0.16, 0.11)).at(house.width / 2, y, 0))
    y = house.height
    cornice = stud((house.width + 0.1, 0.24, 0.32)).at(house.width / 2, y - 0.22, 0)
    scenery.add(node, "trim", cornice)
    if house.plain:
        return
    count = max(3, round(house.width / 1.25))
    for k in range(count):
        x = house.width * (k + 0.5) / count
        scenery.add(node, "trim", stud((0.14, 0.24, 0.22)).at(x, y - 0.46, 0))
    for side in (0.16, house.width - 0.16) if house.seed % 2 else ():
        for k in range(int((house.height - 1.1) / 1.15)):
            wide = 0.44 if k % 2 else 0.3
            x = side + (0.06 if k % 2 else 0) * (1 if side < 1 else -1)
            scenery.add(node, "trim", stud((wide, 1.05, 0.06)).at(x, 0.56 + 1.15 * k, 0))


def _stepped(scenery: Scenery, node: str, house: House, rng: np.random.Generator) -> None:
    """A gable of steps with capstones, a window high up, and the roof behind it."""
    steps = 4
    tall = house.width * 0.68 / steps
    y = house.height
    for k in range(steps):
        wide = house.width * (1 - k / steps) - (0.2 if k == 0 else 0)
        left = (house.width - wide) / 2
        holes = []
        if k == 1 and wide > 2.4:
            hole = Hole(wide / 2 - 0.45, 0.05, 0.9, min(1.3, tall * 0.86))
            window(scenery.placed(left, y), node, hole, lit=int(rng.integers(0, 8)))
            holes = [hole]
        scenery.add(node, house.finish, wall(wide, tall, holes).at(left, y, 0))
        scenery.add(node, house.finish, wall(wide, tall, []).at(left + wide, y, -0.35, yaw=180))
        ledge = house.width / steps / 2 + 0.12
        for side in (-1, 1):
            x = house.width / 2 + side * (wide / 2 - ledge / 2 + 0.06)
            scenery.add(node, "trim", slab((ledge + 0.06, 0.14, 0.5)).at(x, y + tall, -0.14))
            edge = grid((0, 0, 0.0), (0, 0, -0.35), (0, tall, 0), 3)
            placed = edge.at(left + wide, y, 0) if side > 0 else edge.scaled(-1, 1, 1).at(left, y, 0)
            scenery.add(node, house.finish, placed)
        y += tall
    scenery.add(node, "trim", box((0.5, 0.7, 0.44), 0.08).at(house.width / 2, y, -0.14))
    _ridge_roof(scenery, node, house, tall * steps * 0.86)
    _chimney(scenery, node, house.width * 0.8, house.height + 1.2, -3.2)


def _pointed(scenery: Scenery, node: str, house: House, rng: np.random.Generator) -> None:
    """A steep gable with bargeboards, and a hoisting beam above its window."""
    half, tall = house.width / 2, house.width * 0.62
    y = house.height
    hole = Hole(half - 0.45, 0.5, 0.9, 1.3)
    left = [(0.1, y, 0), (hole.x, y, 0), (hole.x, y + hole.top, 0), (hole.x, y + tall * hole.x / half, 0)]
    mirror = [(house.width - px, py, pz) for px, py, pz in left]
    above = [
        (hole.x, y + hole.top, 0),
        (hole.right, y + hole.top, 0),
        (hole.right, y + tall * hole.x / half, 0),
        (half, y + tall, 0),
        (hole.x, y + tall * hole.x / half, 0),
    ]
    below = [(hole.x, y, 0), (hole.right, y, 0), (hole.right, y + hole.y, 0), (hole.x, y + hole.y, 0)]
    faces = [polygon(points, (0, 0, 1)) for points in (left, mirror, above, below)]
    window(scenery, node, Hole(hole.x, y + hole.y, 0.9, 1.3), lit=int(rng.integers(0, 8)))
    scenery.add(node, house.finish, *faces)
    _ridge_roof(scenery, node, house, tall, overhang=0.35)
    for side in (-1, 1):
        foot, top = (half + side * (half + 0.15), y - 0.15, 0.3), (half, y + tall + 0.05, 0.3)
        scenery.add(node, "timber", beam(foot, top, 0.12, 0.28))
    scenery.add(node, "timber", box((0.16, 0.2, 1.0), 0.02).at(half, y + tall - 0.75, 0.5))
    _chimney(scenery, node, house.width * 0.2, house.height + 1.0, -2.6)


def _ridge_roof(scenery: Scenery, node: str, house: House, tall: float, overhang: float = 0.0) -> None:
    """Two slopes whose ridge runs away from the street."""
    half = house.width / 2
    front, back = overhang - (0.3 if overhang == 0 else 0), -DEPTH
    for side in (-1, 1):
        eave = np.array([half + side * (half + 0.12), house.height - 0.08, front])
        ridge = np.array([half, house.height + tall, front])
        along = np.array([0, 0, back - front])
        slope = ridge - eave
        patch = grid(eave, along, slope, 1.8) if side > 0 else grid(eave, slope, along, 1.8)
        if (patch.normals[0] * np.array([side, 1, 0])).sum() < 0:
            patch = Mesh(patch.positions, -patch.normals, patch.uvs, patch.triangles[:, ::-1])
        scenery.add(node, "roof", patch)
    ridge_line = [(half, house.height + tall, z) for z in (front, back)]
    scenery.add(node, "roof", tube(ridge_line, [0.14, 0.14], 5))


def eaves(scenery: Scenery, node: str, house: House, rng: np.random.Generator) -> None:
    """One slope to the street with dormers, tiled; its ridge along the street."""
    rise, run = 2.9, 3.2
    length = float(np.hypot(rise, run + 0.4))
    angle = float(np.rad2deg(np.arctan2(rise, run + 0.4)))
    tiles = grid((-0.1, 0, 0), (house.width + 0.2, 0, 0), (0, 0, -length), 1.5).at(0, 0, 0, pitch=angle)
    scenery.add(node, "roof", tiles.at(0, house.height + 0.02, 0.45))
    scenery.add(node, "trim", slab((house.width + 0.2, 0.14, 0.16)).at(house.width / 2, house.height - 0.06, 0.42))
    top = house.height + rise
    scenery.add(node, "roof", tube([(-0.1, top, -run), (house.width + 0.1, top, -run)], [0.16, 0.16], 5))
    for side in (0.0, house.width):
        corners = [(side, house.height, 0.2), (side, house.height, -2 * run), (side, top, -run)]
        scenery.add(node, house.finish, polygon(corners, (1 if side else -1, 0, 0)))
    count = max(1, round(house.width / 3.2))
    for k in range(count):
        _dormer(scenery.placed(house.width * (k + 0.5) / count, house.height + 0.35, -0.15), node, house, rng)
    _chimney(scenery, node, house.width * 0.15, top - 0.8, -run + 0.4)


def _dormer(scenery: Scenery, node: str, house: House, rng: np.random.Generator) -> None:
    """A small gabled window in a roof, centred on x = 0."""
    hole = Hole(0.25, 0.2, 0.9, 1.1)
    front = scenery.placed(-0.7)
    front.add(node, house.finish, wall(1.4, 1.5, [hole]))
    window(front, node, hole, lit=int(rng.integers(0, 8)) if rng.random() < 0.8 else None)
    gable = [(0, 1.5, 0), (1.4, 1.5, 0), (0.7, 2.1, 0)]
    front.add(node, house.finish, polygon(gable, (0, 0, 1)))
    for side in (-1, 1):
        cheek = [(0.7 + side * 0.7, 0, 0), (0.7 + side * 0.7, 1.5, 0), (0.7 + side * 0.7, 1.5, -1.7)]
        front.add(node, house.finish, polygon(cheek, (side, 0, 0)))
        eave = np.array([0.7 + side * 0.86, 1.38, 0.18])
        ridge, along = np.array([0.7, 2.18, 0.18]), np.array([0, 0, -2.5])
        corners = [eave, eave + along, ridge + along, ridge]
        front.add(node, "roof", polygon(corners, (side * 0.65, 0.75, 0)))


def _chimney(scenery: Scenery, node: str, x: float, y: float, z: float) -> None:
    """A stack with a cap and a pot."""
    scenery.add(node, "ashlar", slab((0.7, 2.1, 0.55)).at(x, y, z))
    scenery.add(node, "trim", slab((0.86, 0.16, 0.7)).at(x, y + 2.1, z))
    scenery.add(node, "plaster_rose", lathe([(0.14, 0), (0.11, 0.36)], 5).at(x + 0.12, y + 2.26, z))


def _awning(scenery: Scenery, node: str, hole: Hole, finish: str) -> None:
    """Striped cloth over a shop window."""
    count = max(5, round(hole.width / 0.45))
    wide = (hole.width + 0.5) / count
    for k in range(count):
        x0 = hole.x - 0.25 + wide * k
        cloth = finish if k % 2 else "plaster_pale"
        sheet = [(x0, 2.95, 0.02), (x0 + wide, 2.95, 0.02), (x0 + wide, 2.35, 1.15), (x0, 2.35, 1.15)]
        flap = [
            (x0, 2.35, 1.15),
            (x0 + wide, 2.35, 1.15),
            (x0 + wide, 2.12, 1.16),
            (x0 + wide / 2, 2.06, 1.16),
            (x0, 2.12, 1.16),
        ]
        under = polygon(sheet, (0, -0.88, -0.47))
        scenery.add(node, cloth, polygon(sheet, (0, 0.88, 0.47)), polygon(flap, (0, 0, 1)), under)


def _flower_box(scenery: Scenery, node: str, hole: Hole, rng: np.random.Generator) -> None:
    """A trough under a sill with something growing in it."""
    scenery.add(node, "timber", stud((hole.width + 0.1, 0.2, 0.3)).at(hole.middle, hole.y - 0.3, 0))
    for k in range(2):
        x = hole.x + hole.width * (k + 0.5) / 2
        kind = "blossom" if k == 1 else "leaf"
        scenery.add("trees", kind, tuft(0.24, int(rng.integers(1, 99)), 0).at(x, hole.y - 0.05, 0.22))


def _wall_lantern(scenery: Scenery, node: str, x: float, y: float) -> None:
    """A lantern on a bracket."""
    scenery.add("lanterns", "iron", stud((0.06, 0.06, 0.4)).at(x, y + 0.34, 0))
    _lantern(scenery, x, y, 0.3)
    scenery.lamp((x, y + 0.1, 0.5), power=2.2, reach=8)


def _lantern(scenery: Scenery, x: float, y: float, z: float) -> None:
    """A small four-sided lantern with a hat, 0.4 m tall."""
    glass = lathe([(0.08, 0), (0.13, 0.26)], 4, sharp=True).at(yaw=45)
    hat = lathe([(0.18, 0.25), (0.05, 0.38)], 4, sharp=True).at(yaw=45)
    scenery.add("lanterns", "lamp", glass.at(x, y, z))
    scenery.add("lanterns", "iron", hat.at(x, y, z))


def _hanging_lantern(scenery: Scenery, node: str, at: tuple[float, float, float]) -> None:
    """A lantern on a short chain."""
    x, y, z = at
    scenery.add("lanterns", "iron", tube([(x, y, z), (x, y + 0.5, z)], [0.015, 0.015], 3))
    _lantern(scenery, x, y - 0.3, z)
    scenery.lamp((x, y - 0.15, z), power=2.0, reach=7)
