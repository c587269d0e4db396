"""Takes meshoptimizer's WebAssembly out of its npm package. Owns: the three files that `roomscale.scenes.meshopt` runs.

The package carries each module as text inside a .js file: two characters for a byte, or one for a common byte, by a
table beside it. Here it becomes a plain .wasm again; nothing is compiled, nothing is committed.

Its one rule: what is there and of the locked version is not built again, so an sdist, which carries the files,
installs with no node and no npm. Run by `make`, by the build hook (`hatch_build.py`) and by hand:

    python web/build_meshopt.py                 take the files out if they are missing or of another version
    python web/build_meshopt.py --ensure-node   the same; a node that is missing is installed from PyPI first
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import build_client  # beside this file; the build hook puts it into sys.modules

WEB = Path(__file__).resolve().parent
PACKAGE = WEB / "node_modules" / "meshoptimizer"
TARGET = WEB.parent / "scenes" / "roomscale" / "scenes" / "meshopt" / "wasm"

#: File of ours → (file of the package, the variable in it that holds the module).
MODULES = {
    "encoder.wasm": ("meshopt_encoder.js", "wasm"),
    "decoder.wasm": ("meshopt_decoder.mjs", "wasm_simd"),
    "simplifier.wasm": ("meshopt_simplifier.js", "wasm"),
}
MAGIC = b"\0asm\x01\0\0\0"


def is_fresh() -> bool:
    """Whether all files are there, from the version in the lock."""
    return build_client.is_taken("meshoptimizer", TARGET, MODULES)


def unpacked(text: str, table: bytes) -> bytes:
    """The bytes of a module from its text, as `unpack` in the package does it."""
    values = [ord(char) - (97 if char > "`" else 39 if char > "@" else -4) for char in text]
    result = bytearray()
    steps = iter(values)
    for value in steps:
        result.append(table[value] if value < len(table) else (value - 60) * 64 + next(steps))
    return bytes(result)


def extract(source: str, variable: str) -> bytes:
    """The module that `variable` holds in one of the package's files. Raises ClientBuildError if it looks different."""
    text = re.search(rf"var {variable} =\s*'([^']+)'", source)
    table = re.search(r"var wasmpack = new Uint8Array\(\[([\d\s,]+)\]\)", source)
    if text and table:
        module = unpacked(text[1], bytes(int(number) for number in table[1].split(",") if number.strip()))
        if module.startswith(MAGIC):
            return module
    raise build_client.ClientBuildError(f"npm's meshoptimizer packs `{variable}` in a way that this step does not know")


def build(*, may_install_node: bool = False) -> Path:
    """Take the files out if they are not fresh, and return their folder. Raises ClientBuildError."""
    if is_fresh():
        return TARGET
    build_client.install_packages(build_client.require_node(install=may_install_node))
    TARGET.mkdir(exist_ok=True)
    for name, (file, variable) in MODULES.items():
        (TARGET / name).write_bytes(extract((PACKAGE / file).read_text("utf-8"), variable))
    (TARGET / "LICENSE.md").write_bytes((PACKAGE / "LICENSE.md").read_bytes())
    build_client.note_taken("meshoptimizer", TARGET)
    return TARGET


if __name__ == "__main__":
    sys.exit(build_client.run("meshopt", lambda may_install: build(may_install_node=may_install)))
