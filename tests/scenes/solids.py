"""Makes scenes with real geometry: meshes that are still, skinned, morphed, instanced, collided with, and moved.

`world` has one of each, with names, extras and extensions, known and unknown, whose survival the tests look at.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roomscale.scenes import Scene, parse_scene
from roomscale.scenes.draft import component_type, element_type, plain_numbers
from tests.scenes.crafted import glb

Json = dict[str, Any]
Array = NDArray[Any]
Floats = NDArray[np.float32]
VERTICES, INDICES = 34962, 34963


class Builder:
    """A glTF under construction. `json`: to be changed freely."""

    def __init__(self) -> None:
        self._binary = bytearray()
        self.json: Json = {"asset": {"version": "2.0"}, "scene": 0, "scenes": [{"nodes": []}], "nodes": []}

    def accessor(self, array: Array, *, target: int | None = None, **more: Any) -> int:
        """Append an accessor; float vectors of vertices and times get bounds."""
        table = array.reshape(len(array), -1)
        view: Json = {"buffer": 0, "byteOffset": len(self._binary), "byteLength": table.nbytes}
        if target:
            view["target"] = target
        if target == VERTICES and table.shape[1] * table.itemsize % 4:
            raise ValueError("vertices of whole words only")
        self._binary += table.tobytes() + bytes(-table.nbytes % 4)
        self.json.setdefault("bufferViews", []).append(view)
        entry = {
            "bufferView": len(self.json["bufferViews"]) - 1,
            "componentType": component_type(table),
            "count": len(table),
            "type": element_type(table),
            **more,
        }
        if table.dtype == np.float32 and "normalized" not in more and table.shape[1] in (1, 3):
            entry |= {"min": plain_numbers(table.min(axis=0)), "max": plain_numbers(table.max(axis=0))}
        self.json.setdefault("accessors", []).append(entry)
        return len(self.json["accessors"]) - 1

    def primitive(self, indices: Array | None, **attributes: Array) -> Json:
        """A primitive of triangles; attributes in capitals."""
        result: Json = {
            "attributes": {
                name: self.accessor(array, target=VERTICES, **_normalised(name, array))
                for name, array in attributes.items()
            }
        }
        if indices is not None:
            result["indices"] = self.accessor(indices, target=INDICES)
        return result

    def mesh(self, *primitives: Json, **more: Any) -> int:
        self.json.setdefault("meshes", []).append({"primitives": list(primitives), **more})
        return len(self.json["meshes"]) - 1

    def node(self, *, root: bool = True, **content: Any) -> int:
        self.json["nodes"].append(content)
        if root:
            self.json["scenes"][0]["nodes"].append(len(self.json["nodes"]) - 1)
        return len(self.json["nodes"]) - 1

    def scene(self) -> Scene:
        json = {**copy.deepcopy(self.json), "buffers": [{"byteLength": len(self._binary)}]}
        return parse_scene(glb(json, bytes(self._binary)))


def _normalised(name: str, array: Array) -> Json:
    return {"normalized": True} if array.dtype.kind != "f" and name.startswith(("COLOR", "WEIGHTS")) else {}


def globe(rings: int = 24, *, dents: float = 0.1) -> tuple[Array, dict[str, Floats]]:
    """A sphere of about a metre with dents: indices, and positions, normals and texture coordinates."""
    u, v = (axis.reshape(-1) for axis in np.meshgrid(np.linspace(0, 1, rings), np.linspace(0, 1, rings)))
    turn, rise = 2 * np.pi * u, np.pi * v
    normals = np.stack([np.sin(rise) * np.cos(turn), np.cos(rise), np.sin(rise) * np.sin(turn)], axis=1)
    size = 1 + dents * np.sin(3 * turn) * np.sin(5 * rise)
    at = np.arange(rings * rings).reshape(rings, rings)
    corners = [at[:-1, :-1], at[1:, :-1], at[:-1, 1:], at[:-1, 1:], at[1:, :-1], at[1:, 1:]]
    attributes = {"POSITION": normals * size[:, None], "NORMAL": normals, "TEXCOORD_0": np.stack([u, v], axis=1)}
    indices = np.stack(corners, axis=-1).reshape(-1).astype(np.uint16)
    return indices, {name: array.astype(np.float32) for name, array in attributes.items()}


def turns(count: int, seed: int = 0) -> Floats:
    """Unit quaternions."""
    values = np.random.default_rng(seed).normal(size=(count, 4))
    return np.asarray(values / np.linalg.norm(values, axis=1, keepdims=True), np.float32)


def world(*, unknown: bool = True) -> Scene:
    """Nodes 0 still, 1 collided with, 2 skinned (joints 3, 4), 5 morphed, 6 instanced, 7 moved and above 0.

    `unknown`: with an extension that nobody knows, on the root and on node 0.
    """
    builder = Builder()
    indices, parts = globe()
    materials = [{"name": "stone"}, {"name": "moss", "extras": {"id": 7}}]
    builder.json["materials"] = materials
    still = builder.primitive(indices, **parts, COLOR_0=_shades(parts["NORMAL"]))
    still["material"] = 1
    builder.mesh(still, name="rock", extras={"made": "by hand"})
    builder.mesh(builder.primitive(indices, POSITION=parts["POSITION"] * np.float32(0.77)), name="collider")
    weights = np.stack([parts["TEXCOORD_0"][:, 0], 1 - parts["TEXCOORD_0"][:, 0]], axis=1)
    joints = np.tile(np.array([[0, 1, 0, 0]], np.uint16), (len(weights), 1))
    skinned = builder.primitive(indices, **parts, JOINTS_0=joints, WEIGHTS_0=np.pad(weights, ((0, 0), (0, 2))))
    builder.mesh(skinned)
    morphed = builder.primitive(indices, **parts)
    morphed["targets"] = [
        {
            "POSITION": builder.accessor(parts["NORMAL"] * np.float32(0.3), target=VERTICES),
            "NORMAL": builder.accessor(parts["NORMAL"] * np.float32(-0.2), target=VERTICES),
        }
    ]
    builder.mesh(morphed, weights=[0.25])
    builder.node(name="rock", mesh=0, root=False, translation=[0, 1, 0])
    body = {"OMI_physics_body": {"motion": {"type": "static"}, "collider": {"shape": 0}}}
    builder.node(name="floor", mesh=0, extensions=body)
    builder.node(name="walker", mesh=2, skin=0)
    builder.node(name="hip", children=[4], translation=[0, 0.5, 0])
    builder.node(name="knee", root=False, translation=[0, 0.4, 0])
    builder.node(name="face", mesh=3, scale=[2, 2, 2])
    copies = {
        "TRANSLATION": builder.accessor(np.random.default_rng(1).uniform(-30, 30, (200, 3)).astype(np.float32)),
        "ROTATION": builder.accessor(turns(200)),
        "SCALE": builder.accessor(np.random.default_rng(2).uniform(0.5, 2, (200, 3)).astype(np.float32)),
    }
    builder.node(name="grove", mesh=0, extensions={"EXT_mesh_gpu_instancing": {"attributes": copies}})
    builder.node(name="lift", children=[0])
    bind = np.tile(np.eye(4, dtype=np.float32).reshape(1, 16), (2, 1))
    builder.json["skins"] = [{"joints": [3, 4], "inverseBindMatrices": builder.accessor(bind)}]
    builder.json["animations"] = [_moves(builder)]
    shapes = [{"type": "trimesh", "trimesh": {"mesh": 1}}]
    builder.json["extensions"] = {"OMI_physics_shape": {"shapes": shapes}}
    used = ["OMI_physics_shape", "OMI_physics_body", "EXT_mesh_gpu_instancing", "KHR_animation_pointer"]
    if unknown:
        builder.json["extensions"]["ACME_weather"] = {"rain": [0.5, 1, {"node": 3}]}
        builder.json["nodes"][0]["extensions"] = {"ACME_weather": {"wet": True}}
        used.append("ACME_weather")
    builder.json["extensionsUsed"] = used
    return builder.scene()


def _shades(normals: Floats) -> Floats:
    return np.pad(normals / np.float32(2) + np.float32(0.5), ((0, 0), (0, 1)), constant_values=1.0)


def _moves(builder: Builder) -> Json:
    times = np.linspace(0, 4, 121, dtype=np.float32)
    wave = np.sin(times[:, None] * np.array([1, 2, 3]))
    half = np.sin(times) / 2
    outputs = {
        ("translation", 7): wave.astype(np.float32),
        ("rotation", 3): np.stack([np.sin(half), 0 * half, 0 * half, np.cos(half)], axis=1).astype(np.float32),
        ("scale", 7): (1 + wave / 4).astype(np.float32),
        ("weights", 5): np.abs(wave[:, :1]).astype(np.float32),
    }
    clock = builder.accessor(times)
    samplers = [{"input": clock, "output": builder.accessor(values)} for values in outputs.values()]
    channels: list[Json] = [
        {"sampler": number, "target": {"node": node, "path": path}} for number, (path, node) in enumerate(outputs)
    ]
    pointer = {"KHR_animation_pointer": {"pointer": "/nodes/5/weights"}}
    channels.append({"sampler": 3, "target": {"path": "pointer", "extensions": pointer}})
    return {"name": "day", "samplers": samplers, "channels": channels}
