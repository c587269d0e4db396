"""Scenery: what a world is made of before it becomes glTF.

Collects meshes by (node, finish), lamps for the bake, solids and walkable ground for collisions, and the places
that mean something. Its one rule: a builder writes in its own local frame; `placed` hands it one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from roomscale.assets.samples.geometry import Array, Mesh, join, transform

Point = tuple[float, float, float]


@dataclass(frozen=True)
class Lamp:
    """A point of baked light: where (metres), its linear colour, brightness at 1 m, and how far it matters."""

    position: Point
    colour: Point
    power: float
    reach: float


@dataclass(frozen=True)
class Solid:
    """A box one bumps into: name, full size in metres, and the pose of its centre."""

    name: str
    size: Point
    matrix: Array


@dataclass(frozen=True)
class Marker:
    """A node without a mesh that means something: its name, pose, and extensions of its own."""

    name: str
    matrix: Array
    extensions: dict[str, object]
    extras: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Scenery:
    """The growing world; every frame made by `placed` writes to the same lists."""

    matrix: Array = field(default_factory=lambda: np.eye(4))
    parts: dict[tuple[str, str], list[Mesh]] = field(default_factory=dict)
    lamps: list[Lamp] = field(default_factory=list)
    solids: list[Solid] = field(default_factory=list)
    ground: list[Mesh] = field(default_factory=list)
    markers: list[Marker] = field(default_factory=list)

    def placed(self, x: float = 0, y: float = 0, z: float = 0, yaw: float = 0) -> Scenery:
        """A frame at (x, y, z), turned by `yaw` degrees, within this one."""
        return replace(self, matrix=self.matrix @ transform(x, y, z, yaw))

    def add(self, node: str, finish: str, *meshes: Mesh) -> None:
        """Puts meshes into the part of `node` that wears `finish`."""
        self.parts.setdefault((node, finish), []).extend(mesh.moved(self.matrix) for mesh in meshes)

    def lamp(self, at: Point, colour: Point = (1.0, 0.56, 0.21), power: float = 1.0, reach: float = 9.0) -> None:
        """Adds baked light."""
        self.lamps.append(Lamp(self.point(at), colour, power, reach))

    def solid(self, name: str, size: Point, at: Point, yaw: float = 0, pitch: float = 0, roll: float = 0) -> None:
        """Adds a box collider standing on `at` (its base's centre)."""
        centre = transform(*at, yaw, pitch, roll) @ transform(0, size[1] / 2, 0)
        self.solids.append(Solid(name, size, self.matrix @ centre))

    def walk(self, *meshes: Mesh) -> None:
        """Adds ground that one walks on, exactly as the meshes are (a trimesh collider)."""
        self.ground.extend(mesh.moved(self.matrix) for mesh in meshes)

    def mark(
        self,
        name: str,
        at: Point,
        yaw: float = 0,
        extensions: dict[str, object] | None = None,
        extras: dict[str, object] | None = None,
    ) -> None:
        """Adds a node that means something."""
        pose = self.matrix @ transform(*at, yaw)
        self.markers.append(Marker(name, pose, extensions or {}, extras or {}))

    def point(self, at: Point) -> Point:
        """A local point in the world."""
        x, y, z = (self.matrix @ np.array([*at, 1.0]))[:3]
        return (float(x), float(y), float(z))

    def merged(self) -> Iterator[tuple[str, str, Mesh]]:
        """One mesh for each node and finish, in order of name."""
        for node, finish in sorted(self.parts):
            yield node, finish, join(self.parts[node, finish])
