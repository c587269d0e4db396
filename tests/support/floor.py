"""The smallest world: one flat floor in a .glb, for tests of everything but scenes. It draws in no time."""

from __future__ import annotations

import json
import struct

HALF = 30.0  # metres from the middle to each side


def floor_glb() -> bytes:
    """A square at height 0 about the origin, facing up (glTF 2.0, sections 3.6 and 4)."""
    corners = [(-HALF, 0.0, -HALF), (HALF, 0.0, -HALF), (HALF, 0.0, HALF), (-HALF, 0.0, HALF)]
    binary = b"".join(struct.pack("<3f", *corner) for corner in corners) + struct.pack("<6H", 0, 2, 1, 0, 3, 2)
    text = json.dumps(
        {
            "asset": {"version": "2.0"},
            "scene": 0,
            "scenes": [{"name": "Floor", "nodes": [0]}],
            "nodes": [{"mesh": 0}],
            "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "indices": 1}]}],
            "accessors": [
                {
                    "bufferView": 0,
                    "componentType": 5126,
                    "count": 4,
                    "type": "VEC3",
                    "min": corners[0],
                    "max": corners[2],
                },
                {"bufferView": 1, "componentType": 5123, "count": 6, "type": "SCALAR"},
            ],
            "bufferViews": [{"buffer": 0, "byteLength": 48}, {"buffer": 0, "byteOffset": 48, "byteLength": 12}],
            "buffers": [{"byteLength": len(binary)}],
        }
    ).encode()
    text += b" " * (-len(text) % 4)
    chunks = struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", len(binary), b"BIN\0") + binary
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks
