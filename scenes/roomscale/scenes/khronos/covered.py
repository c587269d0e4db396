"""Which scenes our own checks know as well as Khronos's validator does, so that it need not be asked whether to refuse.

Rule: when in doubt, no. `is_covered` is only asked of scenes in which ours found no error, and yes means: the
validator finds none either (`tests/scenes/khronos/test_covered.py` breaks scenes in every field to prove it).

It says no to what ours read with less care than the validator, or in another way: compressed and sparse data, images
with an unusual header, weights that do not add up to 1 exactly, matrices, a few extensions. Extensions that the
validator does not know, such as OMI's and VRM's, it does not judge either.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from urllib.parse import unquote

import numpy as np

from roomscale.scenes.checks.decoded import Decoded
from roomscale.scenes.checks.skinning import influences
from roomscale.scenes.compressed import MESHOPT_EXTENSIONS
from roomscale.scenes.document import Scene
from roomscale.scenes.errors import SceneError
from roomscale.scenes.findings import Finding, Findings, Severity
from roomscale.scenes.images import AVIF, JPEG, KTX2, PNG, WEBP, media_type_of
from roomscale.scenes.jsonio import JsonObject
from roomscale.scenes.uris import DataUri, parse_resource

KNOWN_TO_BOTH = frozenset(
    {
        "EXT_texture_webp",
        "KHR_animation_pointer",
        "KHR_lights_punctual",
        "KHR_materials_clearcoat",
        "KHR_materials_dispersion",
        "KHR_materials_emissive_strength",
        "KHR_materials_ior",
        "KHR_materials_iridescence",
        "KHR_materials_pbrSpecularGlossiness",
        "KHR_materials_sheen",
        "KHR_materials_specular",
        "KHR_materials_transmission",
        "KHR_materials_unlit",
        "KHR_materials_volume",
        "KHR_mesh_quantization",
        "KHR_texture_transform",
    }
)
"""Extensions that the validator checks, and ours check in full."""
KNOWN_BETTER_TO_IT = frozenset({"KHR_materials_anisotropy", "KHR_materials_variants"})
"""Extensions that the validator checks more thoroughly."""
_HIDING = frozenset({"KHR_draco_mesh_compression", *MESHOPT_EXTENSIONS})
"""Extensions with which ours look at other bytes than the validator does."""
_HARMLESS = frozenset(
    {
        "ARRIVAL_NOT_CHECKED",
        "BUFFER_TOO_LONG",
        "CAN_BE_MIGRATED",
        "COLLIDERS_TOO_COSTLY",
        "COLLIDER_CANNOT_MOVE",
        "COLLIDER_TOO_FINE",
        "INSECURE_LINK",
        "MESH_PRIMITIVE_NO_POSITION",
        "MESH_PRIMITIVE_TANGENT_WITHOUT_NORMAL",
        "NODE_FAR_AWAY",
        "NO_SCENE",
        "NO_SPAWN_POINT",
        "SPAWN_POINT_BELOW_GROUND",
        "SPAWN_POINT_INSIDE",
        "SPAWN_POINT_IN_THE_AIR",
        "SPAWN_POINT_NO_FLOOR",
        "UNEXPECTED_PROPERTY",
        "UNPRINTABLE_NAME",
        "WORLD_SCALE_SUSPICIOUS",
        "WORLD_TOO_LARGE",
        "WORLD_TOO_SMALL",
    }
)
"""Warnings of ours in which nothing is left unsaid; with any other the validator is asked."""
_IDENTITY = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]
_STEP = 2e-7
"""What the validator lets the sum of a vertex's weights be off, for each of them."""


def is_covered(scene: Scene, findings: Iterable[Finding]) -> bool:
    """Whether the validator would find no error in a scene. `findings`: all that `check` said of it, no errors."""
    return not any(_doubts(scene, findings))


def _doubts(scene: Scene, findings: Iterable[Finding]) -> Iterator[bool]:
    """Reasons to ask, the cheap ones first."""
    yield any(finding.severity is not Severity.INFO and finding.code not in _HARMLESS for finding in findings)
    declared = {*scene.list_of("extensionsUsed"), *scene.list_of("extensionsRequired")}
    yield bool(declared & (KNOWN_BETTER_TO_IT | _HIDING))
    yield any("sparse" in accessor for accessor in scene.list_of("accessors"))
    yield any(_is_doubtful_node(node) for node in scene.list_of("nodes"))
    yield not all(scene.has_data(index) for index in range(len(scene.list_of("buffers"))))
    yield any(_is_doubtful_uri(holder) for key in ("buffers", "images") for holder in scene.list_of(key))
    yield any(_is_doubtful_image(scene, image) for image in scene.list_of("images"))
    yield any(_is_doubtful_skin(scene))


def _is_doubtful_node(node: JsonObject) -> bool:
    """The validator takes matrices apart in float32, and wants each number of a quaternion within −1 to 1."""
    matrix, rotation = node.get("matrix"), node.get("rotation")
    return (matrix is not None and matrix != _IDENTITY) or (
        rotation is not None and not all(-1.0 <= value <= 1.0 for value in rotation)
    )


def _is_doubtful_uri(holder: JsonObject) -> bool:
    """A file that the validator might ask for by another name than we do."""
    if "uri" not in holder:
        return False
    try:
        target = parse_resource(holder["uri"])
    except SceneError:
        return True
    return not isinstance(target, DataUri) and unquote(holder["uri"]) != str(target)


def _is_doubtful_image(scene: Scene, image: JsonObject) -> bool:
    try:
        data = scene.resource(image["uri"], "") if "uri" in image else scene.view(image["bufferView"])
        target = parse_resource(image["uri"]) if "uri" in image else None
    except SceneError:
        return True
    kind = media_type_of(data)
    if kind in _UNKNOWN_TO_IT:
        return isinstance(target, DataUri)
    if kind not in _HEADERS or (isinstance(target, DataUri) and target.media_type != kind):
        return True
    try:
        return not _HEADERS[kind](data)
    except struct.error:
        return True


def _is_plain_png(data: memoryview) -> bool:
    """Whether all chunks before the pixels have the lengths that the validator asks for."""
    lengths = {b"IHDR": 13, b"cHRM": 32, b"sRGB": 1, b"pHYs": 9, b"gAMA": 4}
    offset, is_first = 8, True
    while True:
        length, kind = struct.unpack_from(">I4s", data, offset)
        if kind == b"IDAT":
            return not is_first
        if length != lengths.get(kind, length) or is_first != (kind == b"IHDR"):
            return False
        offset, is_first = offset + 12 + length, False


def _is_plain_jpeg(data: memoryview) -> bool:
    """Whether segments follow one another up to the one that tells the size, which has one channel or three."""
    offset = 2
    while True:
        start, marker, length = struct.unpack_from(">BBH", data, offset)
        if start != 0xFF or not 0xC0 <= marker <= 0xFE or 0xD0 <= marker <= 0xDA or length < 3:
            return False
        if marker == 0xDE or (marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)):
            return length >= 8 and offset + 2 + length <= len(data) and data[offset + 9] in (1, 3)
        offset += 2 + length


def _is_plain_webp(data: memoryview) -> bool:
    kind = bytes(data[12:16])
    return kind in (b"VP8 ", b"VP8L", b"VP8X") and len(data) >= (25 if kind == b"VP8L" else 30)


_HEADERS = {PNG: _is_plain_png, JPEG: _is_plain_jpeg, WEBP: _is_plain_webp}
"""Media type → whether the validator reads a header without complaint."""
_UNKNOWN_TO_IT = (AVIF, KTX2)
"""Where they are files of their own or in a buffer, it says that it does not know them, and no more."""


def _is_doubtful_skin(scene: Scene) -> Iterator[bool]:
    """Whether the weights of a figure's vertices add up to 1 as exactly as the validator wants it."""
    decoded = Decoded(scene, Findings())
    meshes = {node["mesh"] for node in scene.list_of("nodes") if "skin" in node and "mesh" in node}
    for mesh in meshes:
        for primitive in scene.list_of("meshes")[mesh]["primitives"]:
            sets = influences(decoded, primitive)
            if sets is None:
                yield True
                return
            if not sets:
                continue
            total = np.zeros(len(sets[0][0]), np.float32)
            parts = 0
            with np.errstate(all="ignore"):
                for component in range(4):
                    for _, weights in sets:  # in its order, and in float32 as there
                        total = (total + weights[:, component]).astype(np.float32)
                        parts = parts + (weights[:, component] != 0.0)
                yield bool(np.any(~(np.abs(total.astype(np.float64) - 1.0) <= _STEP * parts)))
