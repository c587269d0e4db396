"""Scenes for the benchmark that are made, not found: many textures, many nodes, a kit's pieces in one scene.

Rule: made from seeds, the same bytes each time; nothing here is asked to be beautiful, only to weigh what worlds weigh.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from roomscale.scenes import jsonio, open_scene, parse_scene, to_glb
from roomscale.scenes.container import build_glb
from roomscale.scenes.references import Survey

Json = dict[str, Any]

_LISTS: Final = ("nodes", "meshes", "materials", "textures", "images", "samplers", "accessors", "bufferViews", "skins")
_SPACING: Final = 4.0
"""Metres between the pieces of a kit."""
_NAMED: Final = ("extensionsUsed", "extensionsRequired")


class _Builder:
    """A scene in the making: its JSON and the pieces of its buffer."""

    def __init__(self) -> None:
        self.json: Json = {"asset": {"version": "2.0", "generator": "Roomscale's benchmark"}}
        self._pieces: list[bytes | memoryview] = []
        self._length = 0

    def view(self, data: bytes | memoryview, **told: Any) -> int:
        """Append a bufferView."""
        self.json.setdefault("bufferViews", []).append(
            {"buffer": 0, "byteOffset": self._length, "byteLength": len(data), **told}
        )
        padded = bytes(data) + bytes(-len(data) % 4)
        self._pieces.append(padded)
        self._length += len(padded)
        return len(self.json["bufferViews"]) - 1

    def accessor(self, array: NDArray[Any], kind: str, component: int, *, bounds: bool = False) -> int:
        """Append an accessor with a view of its own."""
        entry: Json = {"bufferView": self.view(array.tobytes()), "componentType": component, "count": len(array)}
        entry |= {"type": kind}
        if bounds:
            entry |= {"min": array.min(axis=0).tolist(), "max": array.max(axis=0).tolist()}
        self.json.setdefault("accessors", []).append(entry)
        return len(self.json["accessors"]) - 1

    def glb(self) -> bytes:
        """All of it as a file."""
        self.json["buffers"] = [{"byteLength": self._length}]
        return build_glb(jsonio.dump(self.json), self._pieces)


def _sheet(rng: np.random.Generator, side: int) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]:
    """A bumpy sheet of `side` × `side` vertices: positions, normals, texture coordinates, indices."""
    across = np.linspace(0.0, 1.0, side, dtype=np.float32)
    u, v = np.meshgrid(across, across)
    waves = rng.uniform(2.0, 9.0, (4, 2))
    height = sum(np.sin(a * u * 6 + b * v * 6) for a, b in waves).astype(np.float32) * np.float32(0.02)
    slope_v, slope_u = np.gradient(height, 1.0 / side)
    normals: NDArray[Any] = np.stack([-slope_u, np.ones_like(height), -slope_v], axis=2).reshape(-1, 3)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    positions = np.stack([u, height, v], axis=2).reshape(-1, 3)
    corner = (np.arange(side - 1)[:, None] * side + np.arange(side - 1)).reshape(-1)
    quads = np.stack([corner, corner + side, corner + 1, corner + 1, corner + side, corner + side + 1], axis=1)
    coordinates = np.stack([u, v], axis=2).reshape(-1, 2)
    return positions, normals.astype(np.float32), coordinates, quads.reshape(-1).astype(np.uint32)


def _picture(rng: np.random.Generator, edge: int) -> bytes:
    """A JPEG with soft shapes and grain, as photographs of walls have: about a byte for each pixel."""
    colours: NDArray[Any] = np.zeros((edge, edge, 3), np.float32)
    for size in (8, 32, 128):
        noise = Image.fromarray(rng.integers(0, 256, (size, size, 3), dtype=np.uint8))
        colours += np.asarray(noise.resize((edge, edge), Image.Resampling.BICUBIC), np.float32)
    colours = colours / 3 + rng.normal(0, 12, colours.shape).astype(np.float32)
    stream = io.BytesIO()
    Image.fromarray(np.clip(colours, 0, 255).astype(np.uint8)).save(stream, "JPEG", quality=90)
    return stream.getvalue()


def textured(megabytes: int = 50, edge: int = 1024, side: int = 96) -> bytes:
    """A hall of sheets, each with a material and a JPEG of `edge` pixels of its own, until `megabytes` are full."""
    rng = np.random.default_rng(3)
    made, size = _Builder(), 0
    made.json |= {key: [] for key in ("scenes", "nodes", "meshes", "materials", "textures", "images")} | {"scene": 0}
    while size < megabytes * 1_000_000:
        number = len(made.json["nodes"])
        picture = _picture(rng, edge)
        positions, normals, coordinates, indices = _sheet(rng, side)
        attributes = {
            "POSITION": made.accessor(positions, "VEC3", 5126, bounds=True),
            "NORMAL": made.accessor(normals, "VEC3", 5126),
            "TEXCOORD_0": made.accessor(coordinates, "VEC2", 5126),
        }
        primitive = {"attributes": attributes, "indices": made.accessor(indices, "SCALAR", 5125), "material": number}
        made.json["images"].append({"bufferView": made.view(picture), "mimeType": "image/jpeg"})
        made.json["textures"].append({"source": number})
        surface = {"baseColorTexture": {"index": number}, "metallicFactor": 0, "roughnessFactor": 0.9}
        made.json["materials"].append({"name": f"wall_{number}", "pbrMetallicRoughness": surface})
        made.json["meshes"].append({"name": f"sheet_{number}", "primitives": [primitive]})
        place = [float(number % 8) * 1.5, 0.0, float(number // 8) * 1.5]
        made.json["nodes"].append({"name": f"Sheet_{number:03d}", "mesh": number, "translation": place})
        size += len(picture) + sum(array.nbytes for array in (positions, normals, coordinates, indices))
    made.json["scenes"].append({"nodes": list(range(len(made.json["nodes"])))})
    return made.glb()


def many_nodes(count: int = 20_000, meshes: int = 500) -> bytes:
    """A town of `count` named nodes, one in ten with children, `meshes` small meshes, a spawn point, seats, extras."""
    rng = np.random.default_rng(2)
    made = _Builder()
    made.json |= {"scene": 0, "scenes": [], "nodes": [], "meshes": [], "materials": []}
    for number in range(20):
        surface = {"baseColorFactor": [*rng.random(3).round(3).tolist(), 1.0], "metallicFactor": 0.0}
        made.json["materials"].append({"name": f"paint_{number}", "pbrMetallicRoughness": surface})
    for number in range(meshes):
        positions, normals, coordinates, indices = _sheet(rng, int(rng.integers(6, 24)))
        attributes = {
            "POSITION": made.accessor(positions, "VEC3", 5126, bounds=True),
            "NORMAL": made.accessor(normals, "VEC3", 5126),
            "TEXCOORD_0": made.accessor(coordinates, "VEC2", 5126),
        }
        primitive = {"attributes": attributes, "indices": made.accessor(indices, "SCALAR", 5125)}
        made.json["meshes"].append({"name": f"piece_{number}", "primitives": [primitive | {"material": number % 20}]})
    made.json["nodes"] = _town(rng, count, meshes)
    children = {child for node in made.json["nodes"] for child in node.get("children", ())}
    made.json["scenes"].append({"nodes": [index for index in range(count) if index not in children]})
    made.json["extensionsUsed"] = ["OMI_seat", "OMI_spawn_point"]
    return made.glb()


def _town(rng: np.random.Generator, count: int, meshes: int) -> list[Json]:
    turns = rng.standard_normal((count, 4))
    turns /= np.linalg.norm(turns, axis=1, keepdims=True)
    places = rng.uniform(-100, 100, (count, 3))
    nodes: list[Json] = []
    for number in range(count):
        node: Json = {"name": f"Object_{number:05d}.mesh", "mesh": number % meshes}
        node |= {"translation": places[number].tolist(), "rotation": turns[number].tolist(), "scale": [1.0, 1.0, 1.0]}
        if number % 10 == 0:
            node["children"] = list(range(number + 1, min(number + 5, count)))
        if number % 100 == 0:
            node["extras"] = {"id": number}
            node["extensions"] = {"OMI_seat": {"back": [0, 0, -0.3], "foot": [0, -0.5, 0.4], "knee": [0, 0, 0.4]}}
        nodes.append(node)
    nodes[0]["extensions"] = {"OMI_spawn_point": {"title": "gate"}}
    return nodes


def merged_kit(pieces: Sequence[Path]) -> bytes:
    """The files of a kit side by side in one scene, in a square; every entry of every file is kept, none is joined."""
    made = _Builder()
    made.json |= {"scene": 0, "scenes": [{"nodes": []}]}
    columns = max(1, round(len(pieces) ** 0.5))
    for number, path in enumerate(pieces):
        place = [number % columns * _SPACING, 0.0, number // columns * _SPACING]
        _append(made, path, place)
    for key in _NAMED:
        if key in made.json:
            made.json[key] = sorted(set(made.json[key]))
    return made.glb()


def _append(made: _Builder, path: Path, place: Iterable[float]) -> None:
    """Put one file behind what is there: all its numbers move by as many entries as there are."""
    scene = parse_scene(to_glb(open_scene(path)), name=path.name)
    tree = jsonio.copy(scene.json)
    offsets = {kind: len(made.json.get(kind, ())) for kind in _LISTS}
    for reference in Survey(tree).references:
        if reference.kind in offsets:
            reference.set(reference.index + offsets[reference.kind])
    roots = tree["scenes"][tree.get("scene", 0)]["nodes"]  # renumbered like all others
    for index in range(len(tree.get("bufferViews", ()))):
        told = tree["bufferViews"][index]
        made.view(scene.view(index), **{key: told[key] for key in ("byteStride", "target") if key in told})
    for kind in _LISTS:
        if kind != "bufferViews" and kind in tree:
            made.json.setdefault(kind, []).extend(tree[kind])
    if "animations" in tree:
        made.json.setdefault("animations", []).extend(tree["animations"])
    made.json["nodes"].append({"name": path.stem, "translation": list(place), "children": roots})
    made.json["scenes"][0]["nodes"].append(len(made.json["nodes"]) - 1)
    for key in _NAMED:
        if key in tree:
            made.json.setdefault(key, []).extend(tree[key])
