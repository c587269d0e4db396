"""Takes Khronos's glTF-Validator out of its npm package, to where `roomscale.scenes.khronos` finds it.

Its one rule: the file is never committed, and never taken again while it is of the version that package.json pins, so
that an sdist, which carries it, installs with no node and no npm.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

WEB = Path(__file__).resolve().parent
PACKAGE = "gltf-validator"
SCRIPT = "gltf_validator.dart.js"
TARGET = WEB.parent / "scenes" / "roomscale" / "scenes" / "khronos" / "validator.js"
"""Inside the package: a wheel, an sdist and an editable install have it in the same place."""


def is_there() -> bool:
    """Whether the script is there, and of the version that package.json pins."""
    try:
        with TARGET.open(encoding="utf-8") as file:
            return file.readline().rstrip("\n") == _first_line()
    except (OSError, ValueError):
        return False


def take(install_packages: Callable[[], None]) -> Path:
    """Write the script if it is not there. `install_packages`: brings `node_modules`, called only when it is needed.

    The licence and the notices of what is compiled into it stand before the code.
    """
    if is_there():
        return TARGET
    source = WEB / "node_modules" / PACKAGE
    install_packages()
    texts = [(source / name).read_text("utf-8").replace("*/", "* /").rstrip() for name in ("LICENSE", "NOTICES")]
    notices = "".join(f"/*\n{text}\n*/\n" for text in texts)
    TARGET.write_text(f"{_first_line()}\n{notices}{(source / SCRIPT).read_text('utf-8')}", "utf-8")
    return TARGET


def _first_line() -> str:
    pinned = json.loads((WEB / "package.json").read_text("utf-8"))["devDependencies"][PACKAGE]
    return f"// npm {PACKAGE} {pinned}, by the Khronos Group, Apache-2.0"
