"""Makes a scene with one of nearly everything that glTF and Khronos's extensions have, all of it in order.

Each accessor has a bufferView of its own, so that breaking one number breaks one thing.
"""

from __future__ import annotations

import copy
import json
from typing import Any

import numpy as np

from tests.scenes.crafted import Json, data_uri, gltf, jpeg, png, webp_lossless

MATERIALS: Json = {
    "KHR_materials_clearcoat": {"clearcoatFactor": 0.5, "clearcoatTexture": {"index": 0}},
    "KHR_materials_dispersion": {"dispersion": 0.1},
    "KHR_materials_emissive_strength": {"emissiveStrength": 2.0},
    "KHR_materials_ior": {"ior": 1.4},
    "KHR_materials_iridescence": {"iridescenceFactor": 0.5, "iridescenceIor": 1.3, "iridescenceTexture": {"index": 0}},
    "KHR_materials_sheen": {"sheenColorFactor": [0.1, 0.2, 0.3], "sheenRoughnessFactor": 0.5},
    "KHR_materials_specular": {"specularFactor": 0.5, "specularColorFactor": [1, 1, 1]},
    "KHR_materials_transmission": {"transmissionFactor": 0.5, "transmissionTexture": {"index": 0}},
    "KHR_materials_volume": {"thicknessFactor": 0.1, "attenuationDistance": 1.0, "attenuationColor": [1, 1, 1]},
}
COMPONENTS = {"f4": 5126, "i1": 5120, "u1": 5121, "i2": 5122, "u2": 5123, "u4": 5125}
KINDS = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4", 16: "MAT4"}


class Store:
    """Collects numbers, and the accessors and bufferViews for them."""

    def __init__(self) -> None:
        self.binary = bytearray()
        self.accessors: list[Json] = []
        self.views: list[Json] = []

    def add(self, values: Any, kind: str = "f4", *, bounds: bool = False, stride: int = 0, **more: Any) -> int:
        array = np.array(values, f"<{kind}").reshape(len(values), -1)
        count, width = array.shape
        data = array.tobytes()
        if stride:
            rows = np.zeros((count, stride), "u1")
            rows[:, : width * array.itemsize] = array.view("u1").reshape(count, -1)
            data = rows.tobytes()
        view = self.view(data, **({"byteStride": stride} if stride else {}))
        accessor = {"bufferView": view, "componentType": COMPONENTS[kind], "count": count, "type": KINDS[width], **more}
        if bounds:
            accessor |= {"min": array.min(axis=0).tolist(), "max": array.max(axis=0).tolist()}
        self.accessors.append(accessor)
        return len(self.accessors) - 1

    def view(self, data: bytes, **more: Any) -> int:
        self.binary += bytes(-len(self.binary) % 4)
        self.views.append({"buffer": 0, "byteOffset": len(self.binary), "byteLength": len(data), **more})
        self.binary += data
        return len(self.views) - 1


def everything() -> tuple[Json, bytes]:
    """The tree, and the contents of its buffer."""
    store = Store()
    corners = [[0, 0, 0], [1, 0, 0], [0, 1, 0]]
    up = [[0, 0, 1]] * 3
    plain = {
        "POSITION": store.add(corners, bounds=True),
        "NORMAL": store.add(up),
        "TANGENT": store.add([[1, 0, 0, 1]] * 3),
        "TEXCOORD_0": store.add([[0, 0], [1, 0], [0, 1]]),
        "TEXCOORD_1": store.add([[0, 0], [255, 0], [0, 255]], "u1", stride=4, normalized=True),
        "COLOR_0": store.add([[1, 0.5, 0, 1]] * 3),
        "_CUSTOM": store.add([1, 2, 3]),
        "JOINTS_0": store.add([[0, 1, 0, 0]] * 3, "u1"),
        "WEIGHTS_0": store.add([[0.5, 0.25, 0, 0]] * 3),
        "JOINTS_1": store.add([[2, 0, 0, 0]] * 3, "u2"),
        "WEIGHTS_1": store.add([[0.25, 0, 0, 0]] * 3),
    }
    target = {
        "POSITION": store.add(corners, bounds=True),
        "NORMAL": store.add([[0, 0, 0.5]] * 3),
        "TANGENT": store.add([[0.5, 0, 0]] * 3),
    }
    small = {
        "POSITION": store.add([[0, 0, 0], [100, 0, 0], [0, 100, 0]], "i2", stride=8, bounds=True),
        "NORMAL": store.add([[0, 0, 127]] * 3, "i1", stride=4, normalized=True),
    }
    first = {
        "attributes": plain,
        "indices": store.add([0, 1, 2], "u2", bounds=True),
        "material": 0,
        "targets": [target],
    }
    matrix = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]
    matrices = store.add([matrix] * 3)
    times = store.add([0.0, 0.5, 1.0], bounds=True)
    turns = store.add([[0, 0, 0, 1]] * 3)
    splines = store.add([[0, 0, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0]] * 3)
    samplers = [
        {"input": times, "output": store.add(corners)},
        {"input": times, "output": turns, "interpolation": "STEP"},
        {"input": times, "output": splines, "interpolation": "CUBICSPLINE"},
        {"input": times, "output": store.add([0.0, 0.5, 1.0])},
        {"input": times, "output": store.add([[0, 0, 0, 32767]] * 3, "i2", normalized=True)},
    ]
    pointer = {"path": "pointer", "extensions": {"KHR_animation_pointer": {"pointer": "/nodes/4/translation"}}}
    targets: list[Json] = [
        {"node": 4, "path": "translation"},
        {"node": 4, "path": "rotation"},
        {"node": 5, "path": "rotation"},
        {"node": 0, "path": "weights"},
        {"node": 6, "path": "rotation"},
        pointer,
    ]
    channels = [{"sampler": min(number, 4), "target": target} for number, target in enumerate(targets)]
    channels[5]["sampler"] = 0
    image_view = store.view(png(4, 4))
    info = {"index": 0, "extensions": {"KHR_texture_transform": {"offset": [0, 0], "rotation": 0.5, "scale": [2, 2]}}}
    lights = [
        {"type": "spot", "spot": {"innerConeAngle": 0.1, "outerConeAngle": 0.5}, "color": [1, 1, 1], "intensity": 3},
        {"type": "point", "range": 3.0, "name": "bulb"},
    ]
    materials = [
        {
            "name": "all",
            "pbrMetallicRoughness": {
                "baseColorFactor": [1, 1, 1, 1],
                "baseColorTexture": info,
                "metallicFactor": 0.5,
                "roughnessFactor": 0.5,
                "metallicRoughnessTexture": {"index": 1, "texCoord": 1},
            },
            "normalTexture": {"index": 0, "scale": 1.0},
            "occlusionTexture": {"index": 1, "strength": 0.5},
            "emissiveTexture": {"index": 1},
            "emissiveFactor": [1, 1, 1],
            "alphaMode": "MASK",
            "alphaCutoff": 0.5,
            "doubleSided": False,
            "extensions": copy.deepcopy(MATERIALS),
        },
        {"extensions": {"KHR_materials_unlit": {}}},
        {"extensions": {"KHR_materials_pbrSpecularGlossiness": {"diffuseFactor": [1, 1, 1, 1], "glossinessFactor": 1}}},
    ]
    tree: Json = {
        "asset": {"version": "2.0", "generator": "ours"},
        "extensionsUsed": [*MATERIALS, "KHR_materials_unlit", "KHR_materials_pbrSpecularGlossiness"],
        "extensionsRequired": ["KHR_mesh_quantization"],
        "scene": 0,
        "scenes": [{"nodes": [0, 1, 4, 7]}],
        "nodes": [
            {"mesh": 0, "skin": 0, "weights": [0.5], "name": "figure"},
            {"children": [2, 3], "name": "joint"},
            {"translation": [0, 1, 0], "name": "joint-2"},
            {"rotation": [0, 0, 0, 1], "scale": [1, 1, 1]},
            {"mesh": 1, "children": [5, 6], "name": "small"},
            {"camera": 0, "extensions": {"KHR_lights_punctual": {"light": 0}}},
            {"camera": 1, "extensions": {"KHR_lights_punctual": {"light": 1}, "OMI_spawn_point": {}}},
            {"name": "alone", "matrix": matrix},
        ],
        "meshes": [
            {"primitives": [first], "weights": [0.0], "name": "body"},
            {"primitives": [{"attributes": small, "mode": 4, "material": 1}]},
        ],
        "materials": materials,
        "textures": [{"source": 0, "sampler": 0}, {"source": 1, "extensions": {"EXT_texture_webp": {"source": 2}}}],
        "images": [
            {"bufferView": image_view, "mimeType": "image/png"},
            {"uri": data_uri(jpeg(4, 4), "image/jpeg"), "name": "photo"},
            {"uri": data_uri(webp_lossless(4, 4), "image/webp"), "mimeType": "image/webp"},
        ],
        "samplers": [{"wrapS": 10497, "wrapT": 33071, "minFilter": 9987, "magFilter": 9729}],
        "skins": [{"joints": [1, 2, 3], "inverseBindMatrices": matrices, "skeleton": 1}],
        "cameras": [
            {"type": "perspective", "perspective": {"yfov": 1.0, "znear": 0.1, "zfar": 100.0, "aspectRatio": 1.5}},
            {"type": "orthographic", "orthographic": {"xmag": 1.0, "ymag": 1.0, "znear": 0.1, "zfar": 10.0}},
        ],
        "animations": [{"samplers": samplers, "channels": channels, "name": "dance"}],
        "extensions": {"KHR_lights_punctual": {"lights": lights}},
        "accessors": store.accessors,
        "bufferViews": store.views,
        "buffers": [{"byteLength": len(store.binary)}],
    }
    tree["extensionsUsed"] += ["KHR_lights_punctual", "KHR_mesh_quantization", "KHR_texture_transform"]
    tree["extensionsUsed"] += ["EXT_texture_webp", "KHR_animation_pointer", "OMI_spawn_point"]
    return tree, bytes(store.binary)


def packed(tree: Any, binary: bytes) -> bytes:
    """The .gltf of a tree, however broken; buffer 0 gets its contents if there is such a thing."""
    try:
        return gltf(tree, binary)
    except (AttributeError, KeyError, IndexError, TypeError):
        return json.dumps(tree).encode()
