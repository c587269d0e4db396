"""The process that `Confined` starts: it limits itself, loads a worker by its path, and answers its questions.

Rule: it reads its standard input alone and writes its standard output alone, and nothing of ours is imported, so that
it starts fast; and what breaks the worker breaks this process and nothing else.

A worker is a module with `start(arguments)`, which gives a function from a question (JSON) and its files to a reply
(JSON) and its files. On the wire a question or a reply is a header, JSON after its length in four bytes, with `said`,
the sizes of its `files` and, in a question, the `seconds` of work allowed; then the files, one after another.
"""

from __future__ import annotations

import json
import os
import runpy
import sys
import time
from typing import BinaryIO

LENGTH_BYTES = 4


def main(worker: str, data_bytes: int, arguments: list[str]) -> None:
    """Answer questions until the input ends."""
    ask, answer = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever else prints does not get between the answers
    _limit_memory(data_bytes)
    work = runpy.run_path(worker)["start"](arguments)
    while header := _header(ask):
        question = json.loads(header)
        files = [ask.read(size) for size in question["files"]]
        _limit_time(question["seconds"])
        said, made = work(question["said"], files)
        reply = json.dumps({"said": said, "files": [len(data) for data in made]}).encode()
        answer.write(len(reply).to_bytes(LENGTH_BYTES, "big") + reply)
        answer.writelines(made)
        answer.flush()


def _header(stream: BinaryIO) -> bytes:
    length = stream.read(LENGTH_BYTES)
    return stream.read(int.from_bytes(length, "big")) if len(length) == LENGTH_BYTES else b""


def _limit_memory(data_bytes: int) -> None:
    """Of what is written to: V8 reserves terabytes. Only Linux counts so; elsewhere a worker's own bounds must do."""
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
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3:])
    os._exit(0)  # V8's threads would keep it
