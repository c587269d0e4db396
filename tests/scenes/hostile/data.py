"""Accessors, views and buffers that reach past one another, or promise more than there is."""

from __future__ import annotations

import struct
from typing import Any

from tests.scenes.crafted import BINARY, POSITIONS, animated, changed, glb, gltf, triangle
from tests.scenes.hostile.case import Case, without_none


def _accessor(**fields: Any) -> bytes:
    tree = triangle()
    tree["accessors"][0].update(fields)
    return gltf({**tree, "accessors": [without_none(item) for item in tree["accessors"]]})


def _meshopt(**fields: Any) -> bytes:
    tree = triangle()
    compressed = {"buffer": 0, "byteLength": 36, "byteStride": 12, "count": 3, "mode": "ATTRIBUTES"} | fields
    tree["bufferViews"][0]["extensions"] = {"EXT_meshopt_compression": compressed}
    tree["extensionsUsed"] = ["EXT_meshopt_compression"]
    return gltf(tree)


def _nan_positions() -> bytes:
    return glb(triangle(), struct.pack("<f", float("nan")) + BINARY[4:])


def data_cases() -> list[Case]:
    sparse = {"indices": {"bufferView": 1, "componentType": 5123}, "values": {"bufferView": 0}}
    unordered = POSITIONS + struct.pack("<3H", 1, 0, 2) + bytes(6)
    return [
        Case("accessor past its view", "ACCESSOR_TOO_LONG", lambda: _accessor(count=300)),
        Case(
            "an offset of 4 GiB",
            "BUFFER_VIEW_TOO_LONG",
            lambda: glb(changed("bufferViews", 1, "byteOffset", to=4294967290)),
        ),
        Case(
            "an index out of range",
            "ACCESSOR_INDEX_OOB",
            lambda: glb(binary=POSITIONS + struct.pack("<3H", 0, 1, 9999) + bytes(6)),
        ),
        Case(
            "a restart",
            "ACCESSOR_INDEX_PRIMITIVE_RESTART",
            lambda: glb(binary=POSITIONS + struct.pack("<3H", 0, 1, 65535) + bytes(6)),
        ),
        Case("24 GB of zeros", "ACCESSOR_ZERO_BOMB", lambda: _accessor(bufferView=None, count=2_000_000_000)),
        Case(
            "6 GB from sparse",
            "ACCESSOR_ZERO_BOMB",
            lambda: _accessor(bufferView=None, count=500_000_000, sparse={"count": 1, **sparse}),
        ),
        Case(
            "sparse out of order",
            "ACCESSOR_SPARSE_INDICES_NON_INCREASING",
            lambda: glb(changed("accessors", 0, "sparse", to={"count": 3, **sparse}), unordered),
        ),
        Case(
            "sparse out of range",
            "ACCESSOR_SPARSE_INDEX_OOB",
            lambda: glb(
                changed("accessors", 0, "sparse", to={"count": 3, **sparse}),
                POSITIONS + struct.pack("<3H", 0, 1, 3) + bytes(6),
            ),
        ),
        Case(
            "sparse more than all",
            "ACCESSOR_SPARSE_COUNT_OUT_OF_RANGE",
            lambda: _accessor(sparse={"count": 4, **sparse}),
        ),
        Case("stride 1", "VALUE_NOT_IN_RANGE", lambda: glb(changed("bufferViews", 0, "byteStride", to=1))),
        Case(
            "stride below the element",
            "ACCESSOR_SMALL_BYTESTRIDE",
            lambda: glb(changed("bufferViews", 0, "byteStride", to=4)),
        ),
        Case("NaN in positions", "ACCESSOR_INVALID_FLOAT", _nan_positions),
        Case("no bounds", "MESH_PRIMITIVE_POSITION_ACCESSOR_WITHOUT_BOUNDS", lambda: _accessor(min=None, max=None)),
        Case("wrong bounds", "ACCESSOR_MAX_MISMATCH", lambda: _accessor(max=[1, 2, 0])),
        Case(
            "unknown component type",
            "MESH_PRIMITIVE_ATTRIBUTES_ACCESSOR_INVALID_FORMAT",
            lambda: _accessor(componentType=9999),
        ),
        Case("unaligned", "ACCESSOR_OFFSET_ALIGNMENT", lambda: _accessor(byteOffset=2, count=2)),
        Case("mode 99", "VALUE_NOT_IN_LIST", lambda: glb(changed("meshes", 0, "primitives", 0, "mode", to=99))),
        Case("unequal counts", "MESH_PRIMITIVE_UNEQUAL_ACCESSOR_COUNT", _unequal_counts),
        Case("the same bytes 10,000 times", "DECODED_TOO_LARGE", _same_bytes_often),
        Case("meshopt that unpacks to more than its view", "MESHOPT_SIZE_MISMATCH", lambda: _meshopt(count=50_000_000)),
        Case("a meshopt bomb", "MESHOPT_BOMB", _meshopt_bomb),
        Case("meshopt with an odd stride", "MESHOPT_INVALID", lambda: _meshopt(byteStride=6, count=6)),
        Case("times backwards", "ACCESSOR_ANIMATION_INPUT_NON_INCREASING", lambda: animated([1.0, 0.5, 0.75], 3)),
        Case("times below zero", "ACCESSOR_ANIMATION_INPUT_NEGATIVE", lambda: animated([-1.0, 0.5], 2)),
        Case(
            "three values for two times",
            "ANIMATION_SAMPLER_OUTPUT_ACCESSOR_INVALID_COUNT",
            lambda: animated([0.0, 1.0], 3),
        ),
        Case(
            "a pointer that leads to three values at two times",
            "ANIMATION_SAMPLER_OUTPUT_ACCESSOR_INVALID_COUNT",
            lambda: animated([0.0, 1.0], 3, pointed="/nodes/0/translation"),
        ),
        Case("a pointer", None, lambda: animated([0.0, 1.0], 4, pointed="/nodes/0/translation")),
        Case("an animation", None, lambda: animated([0.0, 1.0], 2)),
        Case("a turning animation", None, lambda: animated([0.0, 1.0], 2, "rotation", 4)),
        Case(
            "a sampler that is not there",
            "UNRESOLVED_REFERENCE",
            lambda: gltf(
                triangle()
                | {
                    "animations": [
                        {
                            "channels": [{"sampler": 4, "target": {"node": 0, "path": "scale"}}],
                            "samplers": [{"input": 0, "output": 0}],
                        }
                    ]
                }
            ),
        ),
    ]


def _unequal_counts() -> bytes:
    tree = triangle()
    tree["accessors"].append({"bufferView": 0, "componentType": 5126, "count": 2, "type": "VEC3"})
    tree["meshes"][0]["primitives"][0]["attributes"]["NORMAL"] = 2
    return glb(tree)


def _same_bytes_often() -> bytes:
    tree = triangle()
    tree["buffers"][0]["byteLength"] = 1_200_000
    tree["bufferViews"].append({"buffer": 0, "byteLength": 1_200_000})
    tree["accessors"] += [{"bufferView": 2, "componentType": 5126, "count": 100_000, "type": "VEC3"}] * 10_000
    return glb(tree, BINARY + bytes(1_200_000 - len(BINARY)))


def _meshopt_bomb() -> bytes:
    tree = triangle()
    count = 50_000_000
    tree["buffers"].append({"byteLength": count * 12, "extensions": {"EXT_meshopt_compression": {"fallback": True}}})
    tree["bufferViews"][0] = {
        "buffer": 1,
        "byteLength": count * 12,
        "byteStride": 12,
        "extensions": {
            "EXT_meshopt_compression": {
                "buffer": 0,
                "byteLength": 36,
                "byteStride": 12,
                "count": count,
                "mode": "ATTRIBUTES",
            }
        },
    }
    tree["extensionsUsed"] = tree["extensionsRequired"] = ["EXT_meshopt_compression"]
    return glb(tree)
