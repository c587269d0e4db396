"""The process that runs Draco's decoder: it gets compressed meshes, it gives arrays.

Rule: C++ that reads hostile bytes does it here, in a process that gives itself limits of memory and of time, reads its
standard input alone and writes its standard output alone. What it gives has the sizes that it was asked for, or it
gives an error. It is run by its path with nothing of ours imported.

The question is JSON after its length in four bytes: `primitives`, of each the `bytes` of its Draco mesh, its
`attributes` (`id`, `type`, `components`, `count`) and `indices` (`type`, `count`, or null); then the meshes, one after
another. The answer is JSON after its length: `{}`, and then all arrays in the order asked for, or `error` and `at`.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

LENGTH_BYTES = 4


def main(data_bytes: int, cpu_seconds: int) -> None:
    """Answer the one question."""
    ask, answer = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever else prints does not get into the answer
    _limit(data_bytes, cpu_seconds)
    question = json.loads(ask.read(int.from_bytes(ask.read(LENGTH_BYTES), "big")))
    files = [ask.read(primitive["bytes"]) for primitive in question["primitives"]]
    arrays: list[bytes] = []
    told: dict[str, object] = {}
    for number, (primitive, data) in enumerate(zip(question["primitives"], files, strict=True)):
        try:
            arrays += _decoded(data, primitive)
        except Exception as error:  # whatever the decoder raises is an answer
            told, arrays = {"error": str(error)[:200] or type(error).__name__, "at": number}, []
            break
    header = json.dumps(told).encode()
    answer.write(len(header).to_bytes(LENGTH_BYTES, "big") + header)
    answer.writelines(arrays)
    answer.flush()


def _limit(data_bytes: int, cpu_seconds: int) -> None:
    if sys.platform == "linux":
        import resource  # noqa: PLC0415 - there is none on Windows

        resource.setrlimit(resource.RLIMIT_DATA, (data_bytes, data_bytes))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform != "win32":
        import resource  # noqa: PLC0415 - there is none on Windows

        resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))


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


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
