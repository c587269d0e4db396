"""A world worth packing: a ground and a wall with large pictures, a mill that turns, and a sound.

Rule: small enough to be made in a second, and each thing larger than what a package keeps in its entry.
"""

from __future__ import annotations

import io
import math
import wave
from pathlib import Path

import numpy as np

from roomscale.scenes import parse_scene
from roomscale.scenes.package import PackOptions, pack, write_package
from roomscale.scenes.package.manifest import Manifest
from tests.scenes.painted import noise, saved
from tests.scenes.worlds import World, hills

GROUND_EDGE, WALL_EDGE = 1600, 900
"""Pixels of the two pictures: one that level 2 shows in full, and one that level 1 does."""
SIDE = 60
"""Squares along the ground: 7,200 triangles."""
RATE = 22_050
"""Samples of sound in a second."""


def packed_world(
    folder: Path, *, wall: int = 1, edges: tuple[int, int] = (GROUND_EDGE, WALL_EDGE), textures: str = "webp"
) -> Manifest:
    """Pack the world into `folder`. `wall`: which picture the wall wears; `edges`: pixels of the ground's and of it."""
    options = PackOptions(preset="fast", workers=1, textures=textures)
    package, _ = pack(parse_scene(world(wall, edges)), options)
    write_package(package, folder)
    return package.manifest


def world(wall: int, edges: tuple[int, int]) -> bytes:
    """The scene itself, a .glb."""
    world = World()
    world.node(name="ground", mesh=hills(world, SIDE, material=_material(world, "ground", edges[0], 1)))
    painted = _material(world, "wall", edges[1], 10 + wall)
    world.node(name="wall", mesh=_panel(world, painted), translation=[0, 2, -6], scale=[4, 3, 1])
    wings = world.node(name="wings", mesh=_panel(world, painted), translation=[3, 3, -4])
    _turn(world, wings)
    world.declare("OMI_spawn_point", "KHR_audio_emitter")
    world.node(name="start", translation=[0, 1, 2], extensions={"OMI_spawn_point": {"title": "start"}})
    sound = {"bufferView": world.view(_tone()), "mimeType": "audio/wav"}
    source = {"audio": 0, "loop": True, "autoplay": True}
    emitter = {"type": "global", "sources": [0]}
    world.extension("KHR_audio_emitter", {"audio": [sound], "sources": [source], "emitters": [emitter]})
    world.node(name="bell", extensions={"KHR_audio_emitter": {"emitter": 0}})
    return world.glb()


def _material(world: World, name: str, edge: int, seed: int) -> int:
    view = world.view(saved(noise(edge, edge, seed=seed), "JPEG", quality=80))
    image = world.add("images", {"bufferView": view, "mimeType": "image/jpeg", "name": name})
    texture = world.add("textures", {"source": image})
    look = {"baseColorTexture": {"index": texture}, "metallicFactor": 0, "roughnessFactor": 1}
    return world.add("materials", {"name": name, "pbrMetallicRoughness": look, "doubleSided": True})


def _panel(world: World, material: int) -> int:
    """A square of 1 × 1 m, upright."""
    corners = np.array([[-0.5, -0.5, 0], [0.5, -0.5, 0], [0.5, 0.5, 0], [-0.5, 0.5, 0]], np.float32)
    attributes = {
        "POSITION": world.accessor(corners, "VEC3"),
        "NORMAL": world.accessor(np.tile(np.array([0, 0, 1], np.float32), (4, 1)), "VEC3"),
        "TEXCOORD_0": world.accessor(np.array([[0, 1], [1, 1], [1, 0], [0, 0]], np.float32), "VEC2"),
    }
    indices = world.accessor(np.array([0, 1, 2, 0, 2, 3], np.uint16), "SCALAR")
    return world.add("meshes", {"primitives": [{"attributes": attributes, "indices": indices, "material": material}]})


def _turn(world: World, node: int) -> None:
    """The node turns about its Z once in two seconds."""
    angles = np.linspace(0, 2 * math.pi, 9)
    turns = np.stack([0 * angles, 0 * angles, np.sin(angles / 2), np.cos(angles / 2)], axis=1).astype(np.float32)
    sampler = {
        "input": world.accessor(np.linspace(0, 2, 9, dtype=np.float32), "SCALAR"),
        "output": world.accessor(turns, "VEC4"),
    }
    channel = {"sampler": 0, "target": {"node": node, "path": "rotation"}}
    world.add("animations", {"name": "turn", "samplers": [sampler], "channels": [channel]})


def _tone() -> bytes:
    """Two seconds of a quiet tone, mono, 16 bit."""
    stream = io.BytesIO()
    with wave.open(stream, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((3000 * np.sin(np.arange(2 * RATE) * 2 * math.pi * 220 / RATE)).astype("<i2").tobytes())
    return stream.getvalue()
