"""The process that runs Khronos's validator in V8 (mini-racer), with no Node: it gets bytes, it gives a report.

Rule: once its script is loaded it reads its standard input alone and writes its standard output alone, and it gives
itself the limits that it was started with: a scene that breaks the validator breaks this process, and nothing else.
It is run by its path with nothing of ours imported, so that it starts as fast as V8 does.

A question is a header (JSON after its length in four bytes: `seconds` of work allowed, `resources`, a list of
[path, size], the scene itself first with the path "") and then their bytes, one after another. An answer is JSON
after its length: `report`, or `error`.
"""

from __future__ import annotations

import json
import os
import sys
import time
from io import BufferedReader
from pathlib import Path

from py_mini_racer import DEFAULT_V8_FLAGS, JSPromise, MiniRacer, init_mini_racer

LENGTH_BYTES = 4
LEAN = ("--max-semi-space-size=2", "--no-opt")
"""Megabytes of the space for fresh objects, which V8 would let grow to 16; and no second compiler. Together a fifth of
what a large scene takes here; most of the time goes into reading JSON, which is V8's own code."""
# What the script expects of its surroundings. `given`: path → ArrayBuffer, of the question at hand.
SURROUNDINGS = """
var exports = {}, setImmediate = (task) => void Promise.resolve().then(task), given = new Map();
"""
# With a path that was not given the promise is rejected, which the validator reports as IO_ERROR.
ASK = """
exports.validateBytes(new Uint8Array(given.get("")), {
  maxIssues: %d,
  writeTimestamp: false,
  externalResourceFunction: async (uri) =>
    new Uint8Array(given.get(decodeURIComponent(uri).split("/").filter((part) => part !== ".").join("/")).slice()),
}).then((report) => JSON.stringify(report))
"""


def main(script: str, most_issues: int, heap_bytes: int, data_bytes: int) -> None:
    """Answer questions until the input ends."""
    ask, answer = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever else prints does not get between the answers
    _limit_memory(data_bytes)
    init_mini_racer(flags=(*DEFAULT_V8_FLAGS, *LEAN, f"--max-heap-size={heap_bytes >> 20}"))
    context = MiniRacer()
    context.eval(SURROUNDINGS)
    context.eval(Path(script).read_text("utf-8") + "\n;0")
    while header := _message(ask):
        question = json.loads(header)
        _limit_time(question["seconds"])
        reply = json.dumps(_answer(context, question["resources"], ask, most_issues)).encode()
        answer.write(len(reply).to_bytes(LENGTH_BYTES, "big") + reply)
        answer.flush()


def _answer(
    context: MiniRacer, resources: list[tuple[str, int]], ask: BufferedReader, most_issues: int
) -> dict[str, object]:
    context.eval("given.clear()")
    for path, size in resources:
        buffer = context.eval(f"given.set({json.dumps(path)}, new ArrayBuffer({size})); given.get({json.dumps(path)})")
        if size and isinstance(buffer, memoryview):  # V8 gives an empty buffer no memory
            ask.readinto(buffer)
    try:
        promise = context.eval(ASK % most_issues)
        report = promise.get() if isinstance(promise, JSPromise) else None
        return {"report": json.loads(report)} if isinstance(report, str) else {"error": "it gave no report"}
    except Exception as error:  # of V8 or of the script, whatever it is: the answer is that it failed
        return {"error": f"{type(error).__name__}: {str(error)[:200]}"}


def _message(stream: BufferedReader) -> bytes:
    length = stream.read(LENGTH_BYTES)
    return stream.read(int.from_bytes(length, "big")) if len(length) == LENGTH_BYTES else b""


def _limit_memory(data_bytes: int) -> None:
    """Of what is written to: V8 reserves terabytes. Only Linux counts so; elsewhere the bound is that of V8's heap."""
    if sys.platform == "linux":
        import resource  # noqa: PLC0415 - there is none on Windows

        resource.setrlimit(resource.RLIMIT_DATA, (data_bytes, data_bytes))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _limit_time(cpu_seconds: float) -> None:
    """Seconds of work for one more question; the kernel ends the process past them."""
    if sys.platform != "win32":
        import resource  # noqa: PLC0415 - there is none on Windows

        resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time() + cpu_seconds) + 1, resource.RLIM_INFINITY))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
