"""Makes small scenes: one good triangle, and what it takes to change it. `hostile` makes bad files of them."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from typing import Any

import numpy as np

Json = dict[str, Any]

POSITIONS = struct.pack("<9f", 0, 0, 0, 1, 0, 0, 0, 1, 0)
INDICES = struct.pack("<3H", 0, 1, 2)
BINARY = POSITIONS + INDICES + bytes(6)


def triangle() -> Json:
    """A triangle of three vertices: accessor 0 positions, 1 indices; its 48 bytes are `BINARY`."""
    return {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, "name": "tri"}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "indices": 1}]}],
        "accessors": [
            {
                "bufferView": 0,
                "componentType": 5126,
                "count": 3,
                "type": "VEC3",
                "min": [0, 0, 0],
                "max": [1, 1, 0],
            },
            {"bufferView": 1, "componentType": 5123, "count": 3, "type": "SCALAR"},
        ],
        "bufferViews": [
            {"buffer": 0, "byteLength": 36, "target": 34962},
            {"buffer": 0, "byteOffset": 36, "byteLength": 6, "target": 34963},
        ],
        "buffers": [{"byteLength": 48}],
    }


def data_uri(data: bytes, media_type: str = "application/octet-stream") -> str:
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"


def gltf(tree: Json, binary: bytes | None = BINARY) -> bytes:
    """A .gltf; buffer 0 gets its contents as a data: URI unless it has a uri."""
    if binary is not None and tree.get("buffers"):
        tree["buffers"][0].setdefault("uri", data_uri(binary))
    return json.dumps(tree).encode()


def chunk(kind: bytes, data: bytes, length: int | None = None) -> bytes:
    return struct.pack("<I4s", len(data) if length is None else length, kind) + data


def container(*chunks: bytes, version: int = 2, length: int | None = None, magic: bytes = b"glTF") -> bytes:
    body = b"".join(chunks)
    return struct.pack("<4sII", magic, version, 12 + len(body) if length is None else length) + body


def padded(data: bytes, filler: bytes = b" ") -> bytes:
    return data + filler * (-len(data) % 4)


def glb(tree: Json | None = None, binary: bytes | None = BINARY) -> bytes:
    text = padded(json.dumps(triangle() if tree is None else tree, separators=(",", ":")).encode())
    chunks = [chunk(b"JSON", text)]
    if binary is not None:
        chunks.append(chunk(b"BIN\0", padded(binary, b"\0")))
    return container(*chunks)


def changed(*path: str | int, to: Any) -> Json:
    """The triangle with one value changed."""
    tree = triangle()
    holder: Any = tree
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = to
    return tree


def with_extension(name: str, *, node: Json | None = None, root: Json | None = None, declared: bool = True) -> Json:
    tree = triangle()
    if declared:
        tree["extensionsUsed"] = [name]
    if node is not None:
        tree["nodes"][0]["extensions"] = {name: node}
    if root is not None:
        tree["extensions"] = {name: root}
    return tree


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I4s", len(data), kind) + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int = 1, height: int = 1, extra: bytes = b"", *, end: bool = True, bad_crc: bool = False) -> bytes:
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    if bad_crc:
        header = header[:-4] + b"\0\0\0\0"
    pixels = png_chunk(b"IDAT", zlib.compress(b"\0\0"))
    return b"\x89PNG\r\n\x1a\n" + header + extra + pixels + (png_chunk(b"IEND", b"") if end else b"")


def jpeg(width: int, height: int) -> bytes:
    app = b"\xff\xe0" + struct.pack(">H", 16) + bytes(14)
    frame = b"\xff\xc0" + struct.pack(">HBHHB", 17, 8, height, width, 3) + bytes(9)
    return b"\xff\xd8" + app + frame + b"\xff\xd9"


def webp_lossless(width: int, height: int) -> bytes:
    body = b"\x2f" + struct.pack("<I", (width - 1) | (height - 1) << 14)
    padded_body = body + bytes(len(body) % 2)
    inner = b"WEBP" + b"VP8L" + struct.pack("<I", len(body)) + padded_body
    return b"RIFF" + struct.pack("<I", len(inner)) + inner


def with_image(data: bytes, media_type: str, count: int = 1) -> bytes:
    """The triangle wearing a texture, `count` times the same, as a .gltf."""
    tree = triangle()
    tree["images"] = [{"uri": data_uri(data, media_type)} for _ in range(count)]
    tree["textures"] = [{"source": index} for index in range(count)]
    return gltf(tree)


def animated(times: list[float], values: int, path: str = "translation", width: int = 3, pointed: str = "") -> bytes:
    """The triangle moved: `times` in seconds, `values` outputs of zeros (of identities for rotations).

    `pointed`: what a JSON pointer moves instead.
    """
    tree = triangle()
    outputs = np.zeros((values, width), "<f4")
    if path == "rotation":
        outputs[:, 3] = 1.0
    packed = struct.pack(f"<{len(times)}f", *times)
    tree["bufferViews"] += [
        {"buffer": 0, "byteOffset": 48, "byteLength": len(packed)},
        {"buffer": 0, "byteOffset": 48 + len(packed), "byteLength": outputs.nbytes},
    ]
    bounds = np.array(times, "<f4")
    tree["accessors"] += [
        {
            "bufferView": 2,
            "componentType": 5126,
            "count": len(times),
            "type": "SCALAR",
            "min": [float(bounds.min())],
            "max": [float(bounds.max())],
        },
        {"bufferView": 3, "componentType": 5126, "count": values, "type": f"VEC{width}"},
    ]
    target: Json = {"node": 0, "path": path}
    if pointed:
        target = {"path": "pointer", "extensions": {"KHR_animation_pointer": {"pointer": pointed}}}
        tree["extensionsUsed"] = ["KHR_animation_pointer"]
    tree["animations"] = [
        {
            "channels": [{"sampler": 0, "target": target}],
            "samplers": [{"input": 2, "output": 3}],
        }
    ]
    binary = BINARY + packed + outputs.tobytes()
    tree["buffers"][0]["byteLength"] = len(binary)
    return glb(tree, binary)
