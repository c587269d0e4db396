"""Runs Khronos's validator in V8 (mini-racer) for `confined`, with no Node: it gets bytes, it gives a report.

Rule: a scene that breaks the validator breaks this process, and nothing else.

A question is `paths`, that of each file, the scene itself first with the path "". The answer is `report`, or `error`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from py_mini_racer import DEFAULT_V8_FLAGS, JSPromise, MiniRacer, init_mini_racer

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


Answer = tuple[dict[str, Any], list[bytes]]


def start(arguments: list[str]) -> Callable[[dict[str, Any], list[bytes]], Answer]:
    """What answers a question. `arguments`: the script's path, issues to list, bytes of V8's heap."""
    script, most_issues, heap_bytes = Path(arguments[0]), int(arguments[1]), int(arguments[2])
    init_mini_racer(flags=(*DEFAULT_V8_FLAGS, *LEAN, f"--max-heap-size={heap_bytes >> 20}"))
    context = MiniRacer()
    context.eval(SURROUNDINGS)
    context.eval(script.read_text("utf-8") + "\n;0")
    return lambda question, files: (_answer(context, question["paths"], files, most_issues), [])


def _answer(context: MiniRacer, paths: list[str], files: list[bytes], most_issues: int) -> dict[str, object]:
    context.eval("given.clear()")
    for number, path in enumerate(paths):
        name = json.dumps(path)
        buffer = context.eval(f"given.set({name}, new ArrayBuffer({len(files[number])})); given.get({name})")
        if files[number] and isinstance(buffer, memoryview):  # V8 gives an empty buffer no memory
            buffer[:] = files[number]
        files[number] = b""  # V8 has it: no name here may keep it, which would double a large scene
    try:
        promise = context.eval(ASK % most_issues)
        report = promise.get() if isinstance(promise, JSPromise) else None
        return {"report": json.loads(report)} if isinstance(report, str) else {"error": "it gave no report"}
    except Exception as error:  # of V8 or of the script, whatever it is: the answer is that it failed
        return {"error": f"{type(error).__name__}: {str(error)[:200]}"}
