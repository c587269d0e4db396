"""Makes scenes that hurt: much of one thing, and small files that stand for much.

Rule: made from seeds, the same bytes each time. Each maker takes how much of it, so that a short test has a little and
a proof has the whole.
"""

from __future__ import annotations

import io
import zlib
from struct import pack

import DracoPy
import numpy as np
from PIL import Image

from tests.scenes.crafted import png_chunk
from tests.scenes.worlds import World


def picture(edge: int, seed: int = 0) -> bytes:
    """A JPEG of soft shapes and grain."""
    rng = np.random.default_rng(seed)
    soft = Image.fromarray(rng.integers(0, 256, (64, 64, 3), np.uint8)).resize((edge, edge), Image.Resampling.BICUBIC)
    grain = np.tile(rng.integers(0, 24, (256, 256, 3), np.uint8), (edge // 256, edge // 256, 1))
    stream = io.BytesIO()
    Image.fromarray(np.asarray(soft) // 2 + grain).save(stream, "JPEG", quality=85)
    return stream.getvalue()


def blank(edge: int, number: int = 0) -> bytes:
    """A PNG of edge² pixels with alpha, all zeros: 250 kB stand for 268 MB. `number`: makes its bytes others."""
    packer = zlib.compressobj(9)
    rows = b"".join(packer.compress(bytes(1 + 4 * edge)) for _ in range(edge)) + packer.flush()
    header = png_chunk(b"IHDR", pack(">IIBBBBB", edge, edge, 8, 6, 0, 0, 0))
    told = png_chunk(b"tEXt", b"number\0%d" % number)
    return b"\x89PNG\r\n\x1a\n" + header + told + png_chunk(b"IDAT", rows) + png_chunk(b"IEND", b"")


def sheet(world: World, side: int) -> dict[str, int]:
    """What 2 · side² triangles of noisy ground are drawn from."""
    x, z = np.meshgrid(np.linspace(0, 10, side + 1), np.linspace(0, 10, side + 1), indexing="ij")
    rough = np.random.default_rng(side).normal(0, 0.01, x.shape)
    positions = np.stack([x, np.sin(x) * np.cos(z) + rough, z], axis=-1).reshape(-1, 3).astype(np.float32)
    normals = np.tile(np.array([0, 1, 0], np.float32), (len(positions), 1))
    coordinates = (positions[:, ::2] / 10).astype(np.float32)
    corner = (np.arange(side)[:, None] * (side + 1) + np.arange(side)).reshape(-1)
    steps = np.array([0, 1, side + 1, 1, side + 2, side + 1])
    return {
        "POSITION": world.accessor(positions, "VEC3"),
        "NORMAL": world.accessor(normals, "VEC3"),
        "TEXCOORD_0": world.accessor(coordinates, "VEC2"),
        "indices": world.accessor((corner[:, None] + steps).reshape(-1).astype(np.uint32), "SCALAR"),
    }


def _stand(world: World, parts: dict[str, int], **more: object) -> None:
    attributes = {name: index for name, index in parts.items() if name != "indices"}
    primitive = {"attributes": attributes, "indices": parts["indices"], **more}
    world.node(mesh=world.add("meshes", {"primitives": [primitive]}))


def mesh(side: int) -> bytes:
    """One mesh of 2 · side² triangles."""
    world = World()
    _stand(world, sheet(world, side))
    return world.glb()


def painted(images: list[bytes], media_type: str) -> bytes:
    """A small sheet for each image, which is its colour."""
    world = World()
    parts = sheet(world, 4)
    for number, data in enumerate(images):
        image = world.add("images", {"bufferView": world.view(data), "mimeType": media_type})
        surface = {"baseColorTexture": {"index": world.add("textures", {"source": image})}}
        _stand(world, parts, material=world.add("materials", {"pbrMetallicRoughness": surface, "name": f"m{number}"}))
    return world.glb()


def clips(bones: int, keys: int) -> bytes:
    """One long clip that turns and moves many nodes, with noise in every key."""
    world, rng = World(), np.random.default_rng(1)
    _stand(world, sheet(world, 4))
    times = world.accessor((np.arange(keys) / 30).astype(np.float32), "SCALAR")
    animation: dict[str, list[object]] = {"channels": [], "samplers": []}
    for _ in range(bones):
        node = world.node()
        for path, kind in (("rotation", "VEC4"), ("translation", "VEC3")):
            values = rng.normal(size=(keys, int(kind[-1]))).astype(np.float32)
            values /= np.linalg.norm(values, axis=1, keepdims=True)
            animation["channels"].append(
                {"sampler": len(animation["samplers"]), "target": {"node": node, "path": path}}
            )
            animation["samplers"].append({"input": times, "output": world.accessor(values, kind)})
    world.add("animations", dict(animation))
    return world.glb()


def faces(side: int, targets: int, told: int) -> bytes:
    """A mesh with `targets` sparse morph targets, each of which moves `told` of its vertices."""
    world = World()
    parts = sheet(world, side)
    count = (side + 1) ** 2
    made = []
    for number in range(targets):
        rng = np.random.default_rng(number)
        rows = np.sort(rng.choice(count, told, replace=False)).astype(np.uint32)
        moved = rng.normal(0, 0.1, (told, 3)).astype(np.float32)
        sparse = {
            "count": told,
            "indices": {"bufferView": world.view(rows.tobytes()), "componentType": 5125},
            "values": {"bufferView": world.view(moved.tobytes())},
        }
        low, high = np.minimum(moved.min(axis=0), 0), np.maximum(moved.max(axis=0), 0)
        entry = {"componentType": 5126, "count": count, "type": "VEC3", "sparse": sparse}
        made.append(world.add("accessors", entry | {"min": low.tolist(), "max": high.tolist()}))
    _stand(world, parts, targets=[{"POSITION": index} for index in made])
    return world.glb()


def nothing_but_zeros(accessors: int, count: int) -> bytes:
    """A file of a few kilobytes whose accessors are `count` zeros each, sparse, of which one is told."""
    world = World()
    parts = sheet(world, 4)
    row, value = world.view(bytes(4)), world.view(bytes(12))
    sparse = {"count": 1, "indices": {"bufferView": row, "componentType": 5125}, "values": {"bufferView": value}}
    zeros = {"componentType": 5126, "count": count, "type": "VEC3", "sparse": sparse}
    for _ in range(accessors):
        index = world.add("accessors", zeros | {"min": [0, 0, 0], "max": [0, 0, 0]})
        world.node(mesh=world.add("meshes", {"primitives": [{"attributes": {"POSITION": index}}]}))
    _stand(world, parts)
    return world.glb()


def draco(side: int) -> bytes:
    """One mesh of 2 · side² flat triangles, which Draco brings down to a bit for each."""
    world = World()
    x, z = np.meshgrid(np.arange(side + 1), np.arange(side + 1), indexing="ij")
    points = np.stack([x, 0 * x, z], axis=-1).reshape(-1, 3).astype(np.float32)
    corner = (np.arange(side)[:, None] * (side + 1) + np.arange(side)).reshape(-1)
    steps = np.array([0, 1, side + 1, 1, side + 2, side + 1])
    triangles = (corner[:, None] + steps).reshape(-1, 3).astype(np.uint32)
    view = world.view(DracoPy.encode(points, triangles, quantization_bits=16))
    at = {"componentType": 5126, "count": len(points), "type": "VEC3", "min": [0, 0, 0], "max": [side, 0, side]}
    indices = world.add("accessors", {"componentType": 5125, "count": triangles.size, "type": "SCALAR"})
    name = "KHR_draco_mesh_compression"
    primitive = {"attributes": {"POSITION": world.add("accessors", at)}, "indices": indices}
    primitive["extensions"] = {name: {"bufferView": view, "attributes": {"POSITION": 0}}}
    world.node(mesh=world.add("meshes", {"primitives": [primitive]}))
    world.tree["extensionsUsed"] = world.tree["extensionsRequired"] = [name]
    return world.glb()


def written_out(megabytes: int) -> bytes:
    """A .gltf whose buffer is a data: URI with `megabytes` of noise that nothing names."""
    world = World()
    _stand(world, sheet(world, 4))
    world.view(np.random.default_rng(0).integers(0, 256, megabytes << 20, np.uint8).tobytes())
    return world.gltf()
