"""Makes `room.glb` in a real Blender: names and custom properties only, as a creator would write them.

Run by hand when the conventions change: `pip install bpy==5.0.1` into an environment of its own (Python 3.11, 300 MB),
then `python tests/scenes/blender/make.py`. Everything in the file is ours. The exporter's settings are Blender's own,
but for "Custom Properties", which the creator's guide asks for.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import bpy  # type: ignore[import-not-found]  # 300 MB, and only this script needs it

HERE = Path(__file__).parent


Triple = tuple[float, float, float]
STONE, WOOD, LEAF, BLUE = (0.5, 0.48, 0.44), (0.35, 0.18, 0.08), (0.1, 0.3, 0.08), (0.1, 0.25, 0.5)
"""Colours, linear."""


def mesh(name: str, *, size: Triple, at: Triple, colour: Triple = STONE, **properties: object) -> Any:
    """A box of `size` in metres, its middle at `at` (Blender's axes: z is up), scale applied."""
    bpy.ops.mesh.primitive_cube_add(size=1, location=at)
    made = bpy.context.object
    made.scale = size
    bpy.ops.object.transform_apply(location=False, rotation=False, scale=True)
    made.data.materials.append(paint(colour))
    return named(made, name, properties)


def empty(
    name: str, *, at: tuple[float, float, float], turn: float = 0.0, kind: str = "ARROWS", **properties: object
) -> Any:
    """An empty; `turn`: degrees about the upright axis."""
    bpy.ops.object.empty_add(type=kind, location=at, rotation=(0, 0, math.radians(turn)))
    return named(bpy.context.object, name, properties)


def paint(colour: Triple) -> Any:
    """A plain material."""
    made = bpy.data.materials.new("paint")
    made.use_nodes = True
    made.node_tree.nodes["Principled BSDF"].inputs["Base Color"].default_value = (*colour, 1.0)
    return made


def named(made: Any, name: str, properties: dict[str, object]) -> Any:
    """Give an object its name and custom properties."""
    made.name = name
    for key, value in properties.items():
        made[key] = value
    return made


def build() -> None:
    """A room of 12 × 12 m with one of each thing that the guide's table names."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.context.scene["sky"] = "#7fb2e5"
    bpy.context.scene["gravity"] = 9.81
    mesh("Floor-col", size=(12, 12, 0.2), at=(0, 0, -0.1))
    mesh("Wall-col", size=(12, 0.2, 3), at=(0, 6, 1.5), colour=BLUE)
    mesh("Wall-colonly", size=(12, 0.2, 3), at=(0, -6, 1.5))
    mesh("Rock-convcol", size=(1, 1, 1), at=(3, 2, 0.5))
    mesh("Crate", size=(1, 1, 1), at=(-3, 2, 0.5), colour=WOOD, collider="box")
    mesh("Pillar", size=(0.6, 0.6, 3), at=(-4, -2, 1.5), collider="cylinder")
    empty("spawn", at=(0, -4, 0))
    empty("spawn", at=(2, -4, 0), turn=90, title="By the wall", team="red")  # Blender makes it spawn.001
    empty("seat", at=(3, -2, 0.45), turn=180)
    empty("portal plaza", at=(0, 5, 1), uri="matrix:r/plaza:example.org", title="The Plaza")
    empty("Fountain", at=(-3, -3, 1), audio="water.mp3", gain=0.5, radius=12.0)
    empty("Zone", at=(4, 4, 1), kind="CUBE", trigger="box")
    mesh("Tree_LOD0", size=(0.4, 0.4, 2.4), at=(5, 0, 1.2), colour=LEAF)
    mesh("Tree_LOD1", size=(0.5, 0.5, 2.4), at=(5, 0, 1.2), colour=LEAF)
    mesh("Ghost", size=(1, 1, 1), at=(0, 0, 4), visible=False)


if __name__ == "__main__":
    build()
    bpy.ops.export_scene.gltf(filepath=str(HERE / "room.glb"), export_format="GLB", export_extras=True)
