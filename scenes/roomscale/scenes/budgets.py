"""What a scene costs whoever visits it, and whether a phone, a desktop or a headset can pay.

Rule: counted from JSON and headers, nothing is decoded; a budget is advice, so all findings are warnings.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from itertools import product

import numpy as np
from numpy.typing import NDArray

from roomscale.scenes.checks.structure import require_sound
from roomscale.scenes.document import Scene
from roomscale.scenes.errors import SceneError
from roomscale.scenes.findings import Finding, Findings, pointer
from roomscale.scenes.images import BadImage, read_header
from roomscale.scenes.jsonio import JsonObject
from roomscale.scenes.placement import Matrix, world_matrices

Points = NDArray[np.float64]

MIPMAPS = 4 / 3
"""A texture's smaller copies on the GPU take a third of it again."""
TRIANGLES, TRIANGLE_STRIP, TRIANGLE_FAN = 4, 5, 6
LARGEST_WORLD = 10_000.0
"""Metres. A world that is wider was probably modelled in centimetres."""
SMALLEST_WORLD = 0.05
"""Metres. One that is smaller cannot be walked in."""


@dataclass(frozen=True, slots=True)
class Costs:
    """What a scene asks for, as it is now, uncompressed on the GPU."""

    file_bytes: int
    """Bytes to download."""
    triangles: int
    """Triangles drawn, each as often as nodes and instances show it."""
    draws: int
    """Draw calls before the client joins static meshes: primitives shown."""
    texture_bytes: int
    """Bytes of all textures on the GPU, RGBA with mipmaps."""
    largest_edge: int
    """Pixels of the longest edge of any image."""
    lights: int
    """Punctual lights shown."""
    materials: int
    """Materials."""
    bones: int
    """Joints of the largest skin."""


@dataclass(frozen=True, slots=True)
class Budget:
    """How much of each a device takes; None: does not matter there. Units as in `Costs`."""

    file_bytes: int | None = None
    triangles: int | None = None
    draws: int | None = None
    texture_bytes: int | None = None
    largest_edge: int | None = None
    lights: int | None = None
    materials: int | None = None
    bones: int | None = None


PROFILES = {
    "mobile": Budget(15_000_000, 100_000, 150, 200_000_000, 2048, 4),
    "desktop": Budget(60_000_000, 1_000_000, 1_000, 1_000_000_000, 4096, 16),
    "vr": Budget(30_000_000, 200_000, 150, 400_000_000, 2048, 4),
    "avatar": Budget(8_000_000, 30_000, 16, None, 1024, 0, 8, 128),
}
"""Device → what it takes and still draws smoothly."""

_MEANINGS = {
    "file_bytes": "bytes to download before anything is sharp",
    "triangles": "triangles in each frame",
    "draws": "draw calls in each frame, unless meshes can be joined",
    "texture_bytes": "bytes of textures on the GPU; past that, tabs are killed",
    "largest_edge": "pixels on the longest edge of an image",
    "lights": "lights, each of which every pixel pays for",
    "materials": "materials, each of which is a draw call",
    "bones": "bones of one skin",
}


def costs(scene: Scene) -> Costs:
    """Count what a scene asks for. Raises `RejectedScene` if its structure is broken."""
    require_sound(scene)
    primitives = [_primitive_triangles(scene, mesh) for mesh in scene.list_of("meshes")]
    triangles = draws = lights = 0
    for index in world_matrices(scene):
        node = scene.list_of("nodes")[index]
        lights += "KHR_lights_punctual" in node.get("extensions", {})
        if "mesh" in node:
            copies = _instances(scene, node)
            triangles += sum(primitives[node["mesh"]]) * copies
            draws += len(primitives[node["mesh"]])
    pixels, edge = _pixels(scene)
    return Costs(
        file_bytes=_file_bytes(scene),
        triangles=triangles,
        draws=draws,
        texture_bytes=int(pixels * 4 * MIPMAPS),
        largest_edge=edge,
        lights=lights,
        materials=len(scene.list_of("materials")),
        bones=max((len(skin["joints"]) for skin in scene.list_of("skins")), default=0),
    )


def check_budget(scene: Scene, budget: Budget, profile: str) -> list[Finding]:
    """Compare a scene's costs with a budget; `profile`: its name, for messages."""
    findings, counted = Findings(), costs(scene)
    for item in fields(Budget):
        allowed, actual = getattr(budget, item.name), getattr(counted, item.name)
        if allowed is not None and actual > allowed:
            findings.warn(
                f"BUDGET_{item.name.upper()}",
                "",
                f"{actual:,} {_MEANINGS[item.name]}; for {profile} at most {allowed:,}",
            )
    return findings.listed()


def check_scale(scene: Scene) -> list[Finding]:
    """Warn of a world that is far too large or small, the usual sign of centimetres taken for metres."""
    findings = Findings()
    low, high = bounds(scene)
    width = float(np.max(high - low)) if np.all(np.isfinite(low) & np.isfinite(high)) else 0.0
    if width > LARGEST_WORLD:
        findings.warn(
            "WORLD_TOO_LARGE",
            "",
            f"it is {width / 1000:,.0f} km wide; visitors are 1.7 m tall",
            hint="glTF is in metres; in Blender set Unit Scale to 1 and apply scale (Ctrl+A)",
        )
    elif 0.0 < width < SMALLEST_WORLD:
        findings.warn(
            "WORLD_TOO_SMALL",
            "",
            f"it is {width * 1000:.1f} mm wide; visitors are 1.7 m tall",
            hint="glTF is in metres; scale the scene up and apply the scale (Blender: Ctrl+A)",
        )
    return findings.listed()


def bounds(scene: Scene) -> tuple[Points, Points]:
    """The box around all that is shown, in metres, by the accessors' declared bounds; infinite for an empty scene."""
    require_sound(scene)
    low, high = np.full(3, np.inf), np.full(3, -np.inf)
    with np.errstate(all="ignore"):  # matrices of absurd scale give infinite boxes, which is an answer
        for index, matrix in world_matrices(scene).items():
            for placed in _boxes(scene, scene.list_of("nodes")[index], matrix):
                low, high = np.minimum(low, placed.min(axis=0)), np.maximum(high, placed.max(axis=0))
    return low, high


def _boxes(scene: Scene, node: JsonObject, matrix: Matrix) -> Iterator[Points]:
    """The eight corners in the world of each primitive of a node; of skinned ones the skeleton decides, so none."""
    if "mesh" not in node or "skin" in node:
        return
    for primitive in scene.list_of("meshes")[node["mesh"]]["primitives"]:
        if "POSITION" not in primitive["attributes"]:
            continue
        accessor = scene.list_of("accessors")[primitive["attributes"]["POSITION"]]
        if len(accessor.get("min", ())) == len(accessor.get("max", ())) == 3:
            x, y, z = zip(accessor["min"], accessor["max"], strict=True)
            corners = np.array(list(product(x, y, z)), np.float64)
            yield corners @ matrix[:3, :3].T + matrix[:3, 3]


def _primitive_triangles(scene: Scene, mesh: JsonObject) -> list[int]:
    counts = []
    for primitive in mesh["primitives"]:
        mode, attributes = primitive.get("mode", TRIANGLES), primitive["attributes"]
        index = primitive.get("indices", attributes.get("POSITION", next(iter(attributes.values()), None)))
        corners = scene.list_of("accessors")[index]["count"] if index is not None else 0
        if mode == TRIANGLES:
            counts.append(corners // 3)
        else:
            counts.append(max(corners - 2, 0) if mode in (TRIANGLE_STRIP, TRIANGLE_FAN) else 0)
    return counts


def _instances(scene: Scene, node: JsonObject) -> int:
    instancing = node.get("extensions", {}).get("EXT_mesh_gpu_instancing")
    if instancing is None:
        return 1
    return min((scene.list_of("accessors")[index]["count"] for index in instancing["attributes"].values()), default=1)


def _pixels(scene: Scene) -> tuple[int, int]:
    """Pixels of all images and the longest edge; images that cannot be read count nothing, `check` tells them."""
    total = edge = 0
    for index, image in enumerate(scene.list_of("images")):
        try:
            data = (
                scene.resource(image["uri"], pointer("images", index))
                if "uri" in image
                else scene.view(image["bufferView"])
            )
            header = read_header(data)
        except (SceneError, BadImage, KeyError):
            continue
        if header is not None:
            total += header.width * header.height
            edge = max(edge, header.width, header.height)
    return total, edge


def _file_bytes(scene: Scene) -> int:
    """What a visitor would download: the file itself and all it names."""
    total = len(scene.raw) if scene.raw is not None else 0
    holders = [*scene.list_of("buffers"), *scene.list_of("images")]
    for uri in {holder["uri"] for holder in holders if "uri" in holder}:
        if uri[:5].lower() != "data:":
            try:
                total += len(scene.resource(uri, ""))
            except SceneError:
                continue
    return total
