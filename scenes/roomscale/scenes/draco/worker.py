"""Runs Draco's decoder for `confined`: it gets compressed meshes, it gives arrays.

Rule: C++ that reads hostile bytes does it here. It gives what has the sizes that were asked for, or an error.

The question is `primitives`, of each its `attributes` (`id`, `type`, `components`, `count`) and `indices` (`type`,
`count`, or null), and as files their Draco meshes. The answer is all arrays in that order, or `error` and `at`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Answer = tuple[dict[str, Any], list[bytes]]


def start(arguments: list[str]) -> Callable[[dict[str, Any], list[bytes]], Answer]:
    """What answers a question."""
    return _answer


def _answer(question: dict[str, Any], files: list[bytes]) -> Answer:
    arrays: list[bytes] = []
    for number, (primitive, data) in enumerate(zip(question["primitives"], files, strict=True)):
        try:
            arrays += _decoded(data, primitive)
        except Exception as error:  # whatever the decoder raises is an answer
            return {"error": str(error)[:200] or type(error).__name__, "at": number}, []
    return {}, arrays


def _decoded(data: bytes, wanted: dict[str, Any]) -> list[bytes]:
    """The attributes and the indices of one mesh. Raises `ValueError` for another mesh than the one that was told."""
    import DracoPy  # noqa: PLC0415 - after the limits

    mesh = DracoPy.decode(data)
    found = {attribute["unique_id"]: attribute["data"] for attribute in mesh.attributes}
    arrays = []
    for attribute in wanted["attributes"]:
        if attribute["id"] not in found:
            raise ValueError(f"it has no attribute {attribute['id']}")
        shape = (attribute["count"], attribute["components"])
        arrays.append(_as(found[attribute["id"]], attribute["type"], shape, f"attribute {attribute['id']}"))
    if wanted["indices"] is not None:
        faces, count = mesh.faces, wanted["indices"]["count"]
        indices = _as(faces.reshape(-1, 1), wanted["indices"]["type"], (count, 1), "indices")
        if faces.size and int(faces.max()) >= len(mesh.points):
            raise ValueError("its triangles name vertices that it has not")
        arrays.append(indices)
    return arrays


def _as(array: Any, kind: str, shape: tuple[int, int], what: str) -> bytes:
    """The bytes of an array in the type that the accessor says. Raises `ValueError` where values would change."""
    import numpy as np  # noqa: PLC0415 - after the limits

    array = np.asarray(array)
    if array.shape != shape:
        raise ValueError(f"{what}: {array.shape[0]:,} elements of {array.shape[-1]}, the accessor says {shape}")
    made = array.astype(kind)
    is_number = array.dtype.kind in "iuf" and (array.dtype.kind == "f") == (made.dtype.kind == "f")
    if not is_number or not np.array_equal(made, array):  # not a number is equal to nothing
        raise ValueError(f"{what}: values of {array.dtype} that {kind} cannot hold, or no numbers at all")
    data: bytes = made.tobytes()
    return data
