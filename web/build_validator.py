"""Takes Khronos's glTF-Validator out of its npm package. Owns: the one file that `roomscale.scenes.khronos` runs.

Its one rule: the file is never committed, and never taken again while it is of the locked version, so an sdist, which
carries it, installs with no node and no npm. Run by `make`, by the build hook (`hatch_build.py`) and by hand:

    python web/build_validator.py                 take the file out if it is missing or of another version
    python web/build_validator.py --ensure-node   the same; a node that is missing is installed from PyPI first
"""

from __future__ import annotations

import sys
from pathlib import Path

import build_client  # beside this file; the build hook puts it into sys.modules

WEB = Path(__file__).resolve().parent
PACKAGE = WEB / "node_modules" / "gltf-validator"
TARGET = WEB.parent / "scenes" / "roomscale" / "scenes" / "khronos" / "validator.js"
"""Inside the package: a wheel, an sdist and an editable install have it in the same place."""


def first_line() -> str:
    """What the file begins with: where it comes from, in which version, and what it must hash to."""
    version, integrity = build_client.locked("gltf-validator")
    return f"// npm gltf-validator {version}, by the Khronos Group, Apache-2.0; {integrity}"


def is_fresh() -> bool:
    """Whether the file is there, of the version in the lock."""
    try:
        with TARGET.open(encoding="utf-8") as file:
            return file.readline().rstrip("\n") == first_line()
    except (OSError, ValueError):
        return False


def build(*, may_install_node: bool = False) -> Path:
    """Take the file out if it is not fresh, and return it. Raises ClientBuildError.

    The licence, and the notices of what is compiled into it, stand before the code.
    """
    if is_fresh():
        return TARGET
    build_client.install_packages(build_client.require_node(install=may_install_node))
    texts = [(PACKAGE / name).read_text("utf-8").replace("*/", "* /").rstrip() for name in ("LICENSE", "NOTICES")]
    notices = "".join(f"/*\n{text}\n*/\n" for text in texts)
    TARGET.write_text(f"{first_line()}\n{notices}{(PACKAGE / 'gltf_validator.dart.js').read_text('utf-8')}", "utf-8")
    return TARGET


if __name__ == "__main__":
    sys.exit(build_client.run("validator", lambda may_install: build(may_install_node=may_install)))
