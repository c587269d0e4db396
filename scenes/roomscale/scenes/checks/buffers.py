"""Buffers, bufferViews and accessors: do they fit one another, and what would they unpack to.

Rule: arithmetic on the JSON, plus the length of each resource; no content is looked at here.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from roomscale.scenes.accessors import (
    COMPONENT_TYPES,
    FLOAT,
    UNSIGNED_INT,
    Layout,
    layout_of,
)
from roomscale.scenes.compressed import MESHOPT_EXTENSIONS, is_compressed, is_placeholder, least_bytes
from roomscale.scenes.document import Scene
from roomscale.scenes.errors import BrokenData, MalformedUri, SceneError, UnreadableScene, UnsafeUri, printable
from roomscale.scenes.findings import Findings, pointer
from roomscale.scenes.jsonio import JsonObject
from roomscale.scenes.uris import DataUri, parse_resource

_BUFFER_TYPES = ("application/octet-stream", "application/gltf-buffer")
_SPARE_BYTES = 4_096
"""Bytes past `byteLength` that are let pass: some writers pad to a page. More is cargo that nobody asked for."""


def check_buffers(scene: Scene, findings: Findings) -> None:
    """Check buffers, views and accessors against one another and against the limits."""
    used = {view["buffer"] for view in scene.list_of("bufferViews")} | _compressed_sources(scene)
    for index, buffer in enumerate(scene.list_of("buffers")):
        _check_buffer(scene, index, buffer, is_used=index in used, findings=findings)
    for index, view in enumerate(scene.list_of("bufferViews")):
        _check_view(scene, index, view, findings)
    total = 0
    for index, accessor in enumerate(scene.list_of("accessors")):
        total += _check_accessor(scene, index, accessor, findings)
    if total > scene.limits.decoded_bytes:
        findings.error(
            "DECODED_TOO_LARGE",
            "/accessors",
            f"all accessors together decode to {total:,} bytes, more than {scene.limits.decoded_bytes:,}",
        )


def _compressed_sources(scene: Scene) -> set[int]:
    return {
        view["extensions"][name]["buffer"]
        for view in scene.list_of("bufferViews")
        for name in MESHOPT_EXTENSIONS
        if name in view.get("extensions", {})
    }


def _check_buffer(scene: Scene, index: int, buffer: JsonObject, *, is_used: bool, findings: Findings) -> None:
    where = pointer("buffers", index)
    if not scene.has_data(index):
        if is_used and not is_placeholder(buffer):
            _report_no_data(scene, where, findings)
        return
    try:
        data = scene.whole_buffer(index)
        scene.buffer(index)
        _check_media_type(buffer, index in scene.buffers, f"{where}/uri", findings)
    except UnsafeUri as error:
        if is_used or isinstance(error, MalformedUri):
            findings.error(_code_of(error), f"{where}/uri", str(error))
        else:
            findings.warn("UNSAFE_URI", f"{where}/uri", f"{error}; nothing uses it, so it is left out")
    except UnreadableScene as error:
        findings.error(error.code, f"{where}/uri", str(error))
    except BrokenData as error:
        findings.error(error.code, error.pointer, error.message)
    else:
        spare = len(data) - buffer["byteLength"]
        if spare > _SPARE_BYTES and str(buffer.get("uri", ""))[:5].lower() == "data:":
            findings.error("BUFFER_TOO_LONG", where, f"{spare:,} bytes more are there than byteLength says")
        elif spare > 3:
            findings.warn("BUFFER_TOO_LONG", where, f"{spare:,} bytes more are there than byteLength says")


def _check_media_type(buffer: JsonObject, is_replaced: bool, where: str, findings: Findings) -> None:
    target = None if is_replaced or "uri" not in buffer else parse_resource(buffer["uri"])
    if isinstance(target, DataUri) and target.media_type not in _BUFFER_TYPES:
        told = printable(target.media_type or "none, which is text", 40)
        findings.error("BUFFER_DATA_URI_MIME_TYPE_INVALID", where, f"the data: URI says that it is {told}, no buffer")


def _report_no_data(scene: Scene, where: str, findings: Findings) -> None:
    message = "the buffer has no contents: no uri, and no BIN chunk for it"
    if scene.glb is not None:
        findings.error("BUFFER_WITHOUT_DATA", where, message)
    else:  # glTF allows it, for applications that know the contents otherwise
        findings.warn("BUFFER_WITHOUT_DATA", where, message)


def _check_view(scene: Scene, index: int, view: JsonObject, findings: Findings) -> None:
    where = f"/bufferViews/{index}"
    length = scene.list_of("buffers")[view["buffer"]]["byteLength"]
    end = view.get("byteOffset", 0) + view["byteLength"]
    if end > length:
        findings.error("BUFFER_VIEW_TOO_LONG", where, f"its end at {end:,} is past its buffer's {length:,} bytes")
    stride = view.get("byteStride")
    if stride is not None and (stride % 4 or stride > view["byteLength"]):
        findings.error(
            "BUFFER_VIEW_TOO_BIG_BYTE_STRIDE", where, f"byteStride {stride} is no multiple of 4, or too long"
        )
    if stride is not None and view.get("target") == 34963:
        findings.error("BUFFER_VIEW_INVALID_BYTE_STRIDE", where, "only vertex data may have a byteStride")
    for name in MESHOPT_EXTENSIONS:
        if name in view.get("extensions", {}):
            _check_compressed(scene, view, view["extensions"][name], f"{where}/extensions/{name}", findings)


def _check_compressed(scene: Scene, view: JsonObject, compressed: JsonObject, where: str, findings: Findings) -> None:
    """EXT_meshopt_compression: what it says to unpack to is what the view says, and its bytes could hold that."""
    source = scene.list_of("buffers")[compressed["buffer"]]["byteLength"]
    start, length = compressed.get("byteOffset", 0), compressed["byteLength"]
    if start + length > source:
        findings.error("BUFFER_VIEW_TOO_LONG", where, f"its end at {start + length:,} is past {source:,} bytes")
    stride, count, mode = compressed["byteStride"], compressed["count"], compressed["mode"]
    unpacked = stride * count
    if unpacked != view["byteLength"]:
        findings.error(
            "MESHOPT_SIZE_MISMATCH", where, f"it unpacks to {unpacked:,} bytes, the view has {view['byteLength']:,}"
        )
    if mode == "ATTRIBUTES":
        well_formed = stride % 4 == 0
    else:
        well_formed = stride in (2, 4) and (mode == "INDICES" or count % 3 == 0)
    if not well_formed:
        findings.error("MESHOPT_INVALID", where, f"byteStride {stride} and count {count:,} do not go with {mode}")
    if length < least_bytes(mode, count, stride):
        findings.error(
            "MESHOPT_BOMB", where, f"{length:,} bytes cannot hold what it says they unpack to, {unpacked:,} bytes"
        )
    if compressed.get("filter", "NONE") != "NONE" and mode != "ATTRIBUTES":
        findings.error("MESHOPT_INVALID", where, "a filter goes with ATTRIBUTES only")


def _check_accessor(scene: Scene, index: int, accessor: JsonObject, findings: Findings) -> int:
    """Check one accessor; returns the bytes it decodes to."""
    where = f"/accessors/{index}"
    try:
        layout = layout_of(accessor, where)
    except BrokenData:
        return 0  # of a type from the future; whoever uses it is told in `meshes` and `animations`
    if layout.count > scene.limits.vertices:
        findings.error("ACCESSOR_TOO_LARGE", where, f"{layout.count:,} elements are too many")
    if accessor.get("normalized") and accessor["componentType"] in (FLOAT, UNSIGNED_INT):
        findings.error("ACCESSOR_NORMALIZED_INVALID", f"{where}/normalized", "only bytes and shorts can be normalised")
    if layout.columns > 1 and accessor.get("byteOffset", 0) % 4:
        findings.error("ACCESSOR_MATRIX_ALIGNMENT", f"{where}/byteOffset", "matrices begin at multiples of 4 bytes")
    for key in ("min", "max"):
        if key in accessor:
            _check_bound(accessor[key], layout, f"{where}/{key}", findings)
    if "bufferView" in accessor:
        _check_fit(scene, accessor, layout, where, findings)
    elif layout.decoded_bytes > scene.limits.zero_bytes:
        findings.error(
            "ACCESSOR_ZERO_BOMB", where, f"{layout.count:,} elements of zeros, which no byte of the file stands for"
        )
    if "sparse" in accessor:
        _check_sparse(scene, accessor["sparse"], layout, f"{where}/sparse", findings)
    return layout.decoded_bytes


def _check_bound(bound: list[float], layout: Layout, where: str, findings: Findings) -> None:
    if len(bound) != layout.components:
        findings.error("ARRAY_LENGTH_NOT_IN_LIST", where, f"{layout.components} numbers are expected")
    if layout.dtype.kind == "f":
        return
    least, most = np.iinfo(layout.dtype).min, np.iinfo(layout.dtype).max
    if not all(value == int(value) and least <= value <= most for value in bound):
        findings.error("INVALID_GL_VALUE", where, f"it is no bound of whole numbers from {least:,} to {most:,}")


def _check_fit(scene: Scene, accessor: JsonObject, layout: Layout, where: str, findings: Findings) -> None:
    view = scene.list_of("bufferViews")[accessor["bufferView"]]
    offset, stride = accessor.get("byteOffset", 0), view.get("byteStride", layout.element_bytes)
    if stride < layout.element_bytes:
        findings.error(
            "ACCESSOR_SMALL_BYTESTRIDE",
            where,
            f"byteStride {stride} is less than an element's {layout.element_bytes} bytes",
        )
        return
    _check_alignment(view, offset, layout, where, findings)
    end = layout.end(offset, stride)
    if end > view["byteLength"]:
        findings.error("ACCESSOR_TOO_LONG", where, f"it needs {end:,} bytes, its bufferView has {view['byteLength']:,}")


def _check_alignment(view: JsonObject, offset: int, layout: Layout, where: str, findings: Findings) -> None:
    size = layout.dtype.itemsize
    if offset % size or view.get("byteStride", 0) % size:
        findings.error("ACCESSOR_OFFSET_ALIGNMENT", where, f"its elements do not begin at multiples of {size} bytes")
    elif (view.get("byteOffset", 0) + offset) % size and not is_compressed(view):
        findings.error("ACCESSOR_TOTAL_OFFSET_ALIGNMENT", where, f"it does not begin at a multiple of {size} bytes")


def _check_sparse(scene: Scene, sparse: JsonObject, layout: Layout, where: str, findings: Findings) -> None:
    count = sparse["count"]
    if count > layout.count:
        findings.error(
            "ACCESSOR_SPARSE_COUNT_OUT_OF_RANGE",
            f"{where}/count",
            f"it replaces {count:,} elements, there are {layout.count:,}",
        )
    index_size = COMPONENT_TYPES.get(sparse["indices"]["componentType"], COMPONENT_TYPES[UNSIGNED_INT]).itemsize
    for key, size in (("indices", index_size), ("values", layout.element_bytes)):
        part: dict[str, Any] = sparse[key]
        view = scene.list_of("bufferViews")[part["bufferView"]]
        if "byteStride" in view:
            findings.error(
                "BUFFER_VIEW_INVALID_BYTE_STRIDE", f"{where}/{key}/bufferView", "sparse data have no byteStride"
            )
        end = part.get("byteOffset", 0) + size * count
        if end > view["byteLength"]:
            findings.error(
                "ACCESSOR_TOO_LONG", f"{where}/{key}", f"it needs {end:,} bytes, its view has {view['byteLength']:,}"
            )


def resource_problem(error: SceneError, where: str, findings: Findings) -> None:
    """Report that a resource (an image, a sound) cannot be had."""
    findings.error(_code_of(error), where, str(error))


def _code_of(error: SceneError) -> str:
    if isinstance(error, MalformedUri):
        return "INVALID_URI"
    return "UNSAFE_URI" if isinstance(error, UnsafeUri) else getattr(error, "code", "IO_ERROR")
