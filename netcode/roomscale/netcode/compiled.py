"""The hot rooms of the netcode as machine code: built from these very sources by mypyc, found, and put in their place.

Rule: nobody has to have it, and nobody gets one that does not fit. What was built lies in a folder named by the hash of
the sources, the Python and the machine; when any of them is another, the sources run as they are.

`activate` comes before the import of what it replaces. It reads the folder and nothing else: building is a command of
its own, `roomscale compile`, because it takes a C compiler and a minute or two.

Left out is what runs once a second or less. Headless visitors are compiled too: in load tests they come by the
hundred.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator, Sequence
from importlib.machinery import ExtensionFileLoader, ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Final

from roomscale.netcode.errors import CannotCompile

_HERE: Final = Path(__file__).parent
_PACKAGE: Final = "roomscale.netcode"
_SUFFIX: Final[str] = sysconfig.get_config_var("EXT_SUFFIX") or ".so"
_PATIENCE: Final = 1800.0
"""Seconds that a build may take: fifty times what it took on a quiet core."""
_TAIL: Final = 600
"""Characters of a compiler's words that are shown."""
_LEFT_OUT: Final = frozenset({"webrtc/ladder.py"})
HOT: Final = (
    *sorted(
        str(path.relative_to(_HERE).as_posix())
        for folder in ("core", "webrtc", "webrtc/sctp")
        for path in (_HERE / folder).glob("*.py")
        if path.name != "__init__.py" and path.relative_to(_HERE).as_posix() not in _LEFT_OUT
    ),
    *(f"node/{name}.py" for name in ("addresses", "lean", "loop", "node", "transport", "transports", "udp")),
    *(f"testing/{name}.py" for name in ("talker", "lean_visitor")),
)
"""What is compiled: paths below this package."""


def home() -> Path:
    """Where builds are kept: with the installed packages, whose end is theirs."""
    return Path(sys.prefix) / "share" / "roomscale" / "compiled"


def fingerprint(modules: Sequence[str] = HOT) -> str:
    """A name for what a build of these modules depends on."""
    digest = hashlib.sha256(f"{sys.version}\n{sysconfig.get_platform()}\n{_SUFFIX}\n".encode())
    for path in sorted(_HERE.rglob("*.py")):
        digest.update(f"{path.relative_to(_HERE).as_posix()} {path.stat().st_size}\n".encode())
        digest.update(path.read_bytes())
    digest.update("\n".join(modules).encode())
    return digest.hexdigest()[:32]


def find(modules: Sequence[str] = HOT, folder: Path | None = None) -> Path | None:
    """The build of these very sources, if there is one."""
    built = (folder or home()) / fingerprint(modules)
    return built if built.is_dir() else None


def activate(modules: Sequence[str] = HOT, folder: Path | None = None) -> bool:
    """Let the modules that are imported from now on be the compiled ones. Whether there are any.

    None are when one of them has been imported already: compiled and interpreted classes do not mix.
    """
    names = [f"{_PACKAGE}.{module.removesuffix('.py').replace('/', '.')}" for module in modules]
    built = find(modules, folder)
    if built is None or any(name in sys.modules for name in names):
        return False
    sys.meta_path.insert(0, _Finder(built))
    return True


def build(modules: Sequence[str] = HOT, folder: Path | None = None) -> Path:
    """Compile for this machine, whole or not at all. Raises CannotCompile, with what to do.

    Builds of other sources are removed from the folder.
    """
    folder = folder or home()
    for needed in ("mypyc", "setuptools"):
        if importlib.util.find_spec(needed) is None:
            raise CannotCompile(f"{needed} is not installed: pip install 'roomscale[compile]'")
    target = folder / fingerprint(modules)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix="build-") as work:
            product = _compiled(Path(work), modules)
            shutil.rmtree(target, ignore_errors=True)
            product.rename(target)
    except OSError as error:
        raise CannotCompile(f"{folder}: {error.strerror or error}") from error
    for other in folder.iterdir():
        if other != target and other.is_dir() and not other.name.startswith("build-"):
            shutil.rmtree(other, ignore_errors=True)
    return target


def _compiled(work: Path, modules: Sequence[str]) -> Path:
    """A folder in `work` with the compiled modules and nothing else."""
    sources = work / "sources"
    package = sources / _PACKAGE.replace(".", "/")
    shutil.copytree(_HERE, package, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
    paths = [str((package / module).relative_to(sources)) for module in modules]
    command = [sys.executable, "-m", "mypyc", "--explicit-package-bases", "--namespace-packages", *paths]
    environment = {**os.environ, "MYPYPATH": str(sources), "PYTHONHASHSEED": "0"}
    environment.pop("PYTHONPATH", None)  # mypy would see each module twice
    try:
        done = subprocess.run(
            command, cwd=sources, env=environment, capture_output=True, text=True, timeout=_PATIENCE, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise CannotCompile(f"it was not done after {_PATIENCE / 60:.0f} minutes") from error
    if done.returncode:
        words = (done.stdout + done.stderr).strip()
        if shutil.which(os.environ.get("CC", "cc")) is None:
            raise CannotCompile("there is no C compiler; on Debian: apt install gcc python3-dev")
        raise CannotCompile(f"mypyc says: …{words[-_TAIL:]}")
    product = work / "product"
    for path in _built(sources):
        there = product / path.relative_to(sources)
        there.parent.mkdir(parents=True, exist_ok=True)
        path.rename(there)
    return product


def _built(sources: Path) -> Iterator[Path]:
    for path in sorted(sources.rglob(f"*{_SUFFIX}")):
        if path.relative_to(sources).parts[0] != "build":  # setuptools keeps a copy of each there
            yield path


class _Finder:
    """Finds what a build holds: our modules, and the one without a package that mypyc puts their code into."""

    def __init__(self, built: Path) -> None:
        self._built = built

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """See `importlib.abc.MetaPathFinder`."""
        if not name.startswith(_PACKAGE + ".") and not name.endswith("__mypyc"):
            return None
        file = self._built / (name.replace(".", "/") + _SUFFIX)
        if not file.is_file():
            return None
        return importlib.util.spec_from_file_location(name, file, loader=ExtensionFileLoader(name, str(file)))


__all__ = ["HOT", "activate", "build", "find", "fingerprint", "home"]
