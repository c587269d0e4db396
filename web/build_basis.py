"""Takes Basis Universal's encoder out of npm's ktx2-encoder. Owns: the files that `roomscale.scenes.basis` runs.

The package carries the WebAssembly and the JavaScript that Emscripten wrote for it, as a module for browsers and Node.
V8 alone runs scripts, so what only a module may say is left out of it; nothing is compiled, nothing is committed.

Its one rule: what is there and of the locked version is not built again, so an sdist, which carries the files,
installs with no node and no npm. Run by `make`, by the build hook (`hatch_build.py`) and by hand:

    python web/build_basis.py                 take the files out if they are missing or of another version
    python web/build_basis.py --ensure-node   the same; a node that is missing is installed from PyPI first
"""

from __future__ import annotations

import sys
from pathlib import Path

import build_client  # beside this file; the build hook puts it into sys.modules

WEB = Path(__file__).resolve().parent
PACKAGE = WEB / "node_modules" / "ktx2-encoder"
TARGET = WEB.parent / "scenes" / "roomscale" / "scenes" / "basis" / "wasm"
SCRIPT, MODULE = "encoder.js", "encoder.wasm"
NOTICES = ("LICENSE", "THIRD_PARTY_NOTICES.md")
MAGIC = b"\0asm\x01\0\0\0"
ONLY_IN_MODULES = (("import.meta.url", '""'), ("export default BASIS;", ""))
"""What a script may not say, and what stands for it."""


def is_fresh() -> bool:
    """Whether all files are there, from the version in the lock."""
    return build_client.is_taken("ktx2-encoder", TARGET, (SCRIPT, MODULE))


def as_script(source: str) -> str:
    """The JavaScript as a script that defines `BASIS`. Raises ClientBuildError if it looks different."""
    if not source.startswith("async function BASIS("):
        raise build_client.ClientBuildError("npm's ktx2-encoder has its encoder in a form that this step does not know")
    for what, instead in ONLY_IN_MODULES:
        if what not in source:
            raise build_client.ClientBuildError(f"npm's ktx2-encoder does not say `{what}` where this step knew it to")
        source = source.replace(what, instead)
    return source


def build(*, may_install_node: bool = False) -> Path:
    """Take the files out if they are not fresh, and return their folder. Raises ClientBuildError."""
    if is_fresh():
        return TARGET
    build_client.install_packages(build_client.require_node(install=may_install_node))
    module = (PACKAGE / "dist" / "basis" / "basis_encoder.wasm").read_bytes()
    if not module.startswith(MAGIC):
        raise build_client.ClientBuildError("npm's ktx2-encoder has no WebAssembly where this step knew it to be")
    TARGET.mkdir(exist_ok=True)
    (TARGET / SCRIPT).write_text(
        as_script((PACKAGE / "dist" / "basis" / "basis_encoder.js").read_text("utf-8")), "utf-8"
    )
    (TARGET / MODULE).write_bytes(module)
    for name in NOTICES:
        (TARGET / name).write_bytes((PACKAGE / name).read_bytes())
    build_client.note_taken("ktx2-encoder", TARGET)
    return TARGET


if __name__ == "__main__":
    sys.exit(build_client.run("basis", lambda may_install: build(may_install_node=may_install)))
