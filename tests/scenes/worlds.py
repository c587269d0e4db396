"""Makes worlds that mean something: each with what optimisers drop, and with something to make smaller."""

from __future__ import annotations

import io
import json
from collections.abc import Callable

import numpy as np
from PIL import Image

from tests.scenes.crafted import Json, chunk, container, data_uri, padded


class World:
    """A .glb being made: accessors and bufferViews by what they hold."""

    def __init__(self) -> None:
        self.tree: Json = {"asset": {"version": "2.0"}, "scene": 0, "scenes": [{"nodes": []}], "nodes": []}
        self._binary = bytearray()

    def add(self, key: str, entry: Json) -> int:
        self.tree.setdefault(key, []).append(entry)
        return len(self.tree[key]) - 1

    def node(self, **entry: object) -> int:
        index = self.add("nodes", dict(entry))
        self.tree["scenes"][0]["nodes"].append(index)
        return index

    def view(self, data: bytes) -> int:
        self._binary += bytes(-len(self._binary) % 4)
        index = self.add("bufferViews", {"buffer": 0, "byteOffset": len(self._binary), "byteLength": len(data)})
        self._binary += data
        return index

    def accessor(self, array: np.ndarray, kind: str) -> int:
        component = {"float32": 5126, "uint32": 5125, "uint16": 5123}[array.dtype.name]
        entry: Json = {"bufferView": self.view(array.tobytes()), "componentType": component, "count": len(array)}
        entry["type"] = kind
        if kind == "VEC3" or array.ndim == 1:
            rows = array.reshape(len(array), -1)
            entry |= {"min": rows.min(axis=0).tolist(), "max": rows.max(axis=0).tolist()}
        return self.add("accessors", entry)

    def extension(self, name: str, content: Json) -> None:
        self.declare(name)
        self.tree.setdefault("extensions", {})[name] = content

    def declare(self, *names: str) -> None:
        self.tree["extensionsUsed"] = sorted({*self.tree.get("extensionsUsed", ()), *names})

    def glb(self) -> bytes:
        self.tree["buffers"] = [{"byteLength": len(self._binary)}]
        text = padded(json.dumps(self.tree).encode())
        return container(chunk(b"JSON", text), chunk(b"BIN\0", padded(bytes(self._binary), b"\0")))

    def gltf(self) -> bytes:
        """As `glb`, with its buffer as a data: URI."""
        self.tree["buffers"] = [{"byteLength": len(self._binary), "uri": data_uri(bytes(self._binary))}]
        return json.dumps(self.tree).encode()


def hills(world: World, side: int = 40, **material: int) -> int:
    """A mesh of 2 · side² triangles, a gentle ground of 20 × 20 m."""
    x, z = np.meshgrid(np.linspace(-10, 10, side + 1), np.linspace(-10, 10, side + 1), indexing="ij")
    y = 0.3 * np.sin(x / 3) * np.cos(z / 4)
    positions = np.stack([x, y, z], axis=-1).reshape(-1, 3).astype(np.float32)
    normals = np.tile(np.array([0, 1, 0], np.float32), (len(positions), 1))
    places = np.stack([(x + 10) / 20, (z + 10) / 20], axis=-1).reshape(-1, 2).astype(np.float32)
    corner = (np.arange(side)[:, None] * (side + 1) + np.arange(side)).reshape(-1)
    steps = np.array([0, 1, side + 1, 1, side + 2, side + 1])
    indices = (corner[:, None] + steps).reshape(-1).astype(np.uint16)
    attributes = {
        "POSITION": world.accessor(positions, "VEC3"),
        "NORMAL": world.accessor(normals, "VEC3"),
        "TEXCOORD_0": world.accessor(places, "VEC2"),
    }
    primitive = {"attributes": attributes, "indices": world.accessor(indices, "SCALAR"), **material}
    return world.add("meshes", {"name": "hills", "primitives": [primitive], "extras": {"made": "by hand"}})


def picture(width: int, height: int, kind: str = "PNG", *, alpha: bool = False) -> bytes:
    """A gradient with a little noise of a fixed seed."""
    noise = np.random.default_rng(1).integers(0, 24, (height, width, 4), np.uint8)
    noise[..., 0] += (np.arange(width) * 200 // width).astype(np.uint8)
    noise[..., 1] += (np.arange(height) * 200 // height).astype(np.uint8)[:, None]
    stream = io.BytesIO()
    Image.fromarray(noise if alpha else noise[..., :3]).save(stream, kind)
    return stream.getvalue()


def textured(world: World, width: int = 1500, height: int = 700) -> int:
    """A material with a large colour map."""
    view = world.view(picture(width, height))
    image = world.add("images", {"bufferView": view, "mimeType": "image/png", "name": "grass"})
    texture = world.add("textures", {"source": image})
    return world.add(
        "materials", {"name": "grass", "pbrMetallicRoughness": {"baseColorTexture": {"index": texture}}, "extras": [1]}
    )


def garden() -> bytes:
    """Ground with a collider of its own, a spawn point, a seat, a link, a sound, and two nodes of one name."""
    world = World()
    ground = hills(world, material=textured(world))
    solid = hills(world, 20)
    world.declare(
        "OMI_physics_body", "OMI_spawn_point", "OMI_seat", "OMI_link", "KHR_audio_emitter", "KHR_node_visibility"
    )
    world.extension("OMI_physics_shape", {"shapes": [{"type": "trimesh", "trimesh": {"mesh": solid}}]})
    sound = {"bufferView": world.view(b"\xff\xfb\x10\xc4" + bytes(60_000)), "mimeType": "audio/mpeg"}
    world.extension(
        "KHR_audio_emitter",
        {"audio": [sound], "sources": [{"audio": 0, "loop": True}], "emitters": [{"type": "global", "sources": [0]}]},
    )
    world.node(name="ground", mesh=ground)
    world.node(name="wall", extensions={"OMI_physics_body": {"motion": {"type": "static"}, "collider": {"shape": 0}}})
    world.node(name="start", translation=[0, 1, 0], extensions={"OMI_spawn_point": {"title": "start"}})
    world.node(name="bench", extensions={"OMI_seat": {"back": [0, 0, 0], "foot": [0, 0, 1], "knee": [0, 1, 1]}})
    world.node(name="gate", extensions={"OMI_link": {"uri": "https://example.org/", "title": "out"}})
    world.node(name="hidden", extensions={"KHR_node_visibility": {"visible": False}}, extras={"note": None})
    world.node(name="hidden", extensions={"KHR_audio_emitter": {"emitters": [0]}})
    return world.glb()


def mill() -> bytes:
    """A mesh that turns, moves and grows, in three ways of interpolation; a required extension; repeated names."""
    world = World()
    mesh = hills(world, 20, material=textured(world, 300, 300))
    wings = world.node(name="wings", mesh=mesh)
    world.node(name="wings", mesh=mesh, translation=[30, 0, 0])
    times = world.accessor(np.linspace(0, 2, 9, dtype=np.float32), "SCALAR")
    angles = np.linspace(0, np.pi, 9)
    turns = np.stack([0 * angles, 0 * angles, np.sin(angles / 2), np.cos(angles / 2)], axis=1).astype(np.float32)
    moves = np.stack([angles, np.sin(angles), angles**2], axis=1).astype(np.float32)
    tangents = np.stack([np.zeros_like(moves), moves + 1, np.zeros_like(moves)], axis=1).reshape(-1, 3)
    world.add(
        "animations",
        {
            "name": "turn",
            "extras": {"speed": 2},
            "samplers": [
                {"input": times, "output": world.accessor(turns, "VEC4")},
                {"input": times, "output": world.accessor(moves, "VEC3"), "interpolation": "STEP"},
                {"input": times, "output": world.accessor(tangents, "VEC3"), "interpolation": "CUBICSPLINE"},
            ],
            "channels": [
                {"sampler": 0, "target": {"node": wings, "path": "rotation"}},
                {"sampler": 1, "target": {"node": wings, "path": "translation"}},
                {"sampler": 2, "target": {"node": wings, "path": "scale"}},
            ],
        },
    )
    world.declare("KHR_texture_transform", "KHR_materials_unlit")
    world.tree["extensionsRequired"] = ["KHR_texture_transform"]
    colour = world.tree["materials"][0]["pbrMetallicRoughness"]["baseColorTexture"]
    colour["extensions"] = {"KHR_texture_transform": {"scale": [4, 4]}}
    return world.glb()


def stranger() -> bytes:
    """An extension that nobody knows, on the root, a node and a material; it names a mesh that nothing else does."""
    world = World()
    ground = hills(world, material=textured(world))
    named = hills(world, 12)
    world.extension("ACME_weather", {"clouds": [{"mesh": named, "name": "\u96f2"}], "wind": 1.5})
    world.declare("ACME_glow")
    world.tree["materials"][0]["extensions"] = {"ACME_glow": {"texture": 0}}
    world.node(name="ground", mesh=ground, extensions={"ACME_weather": {"rain": True}})
    return world.glb()


WORLDS: dict[str, Callable[[], bytes]] = {"garden": garden, "mill": mill, "stranger": stranger}
