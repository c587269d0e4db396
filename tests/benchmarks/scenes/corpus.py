"""What is packed: every real asset above 500 kB, each kit in one scene, and two made ones.

Rule: nothing is left out because of how a packer does on it. Real files come from `../shared/gltf`; a checkout without
it has the made ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from roomscale.scenes import open_scene
from tests.benchmarks.scenes.generate import many_nodes, merged_kit, textured

SHARED: Final = Path(__file__).parents[4] / "shared" / "gltf"
LEAST_BYTES: Final = 500_000
"""Of an asset with all that it names: below it, start-up is all that there is to be seen."""
_PIECES: Final = 8
"""A folder right below `shared` with this many .glb files and more is a kit."""
_MADE: Final[dict[str, Callable[[], bytes]]] = {"textured-50MB": textured, "20000-nodes": many_nodes}


@dataclass(frozen=True, slots=True)
class Asset:
    """Something to pack. `bytes`: of the file and all files that it names."""

    name: str
    path: Path
    bytes: int


def assets(folder: Path, shared: Path = SHARED) -> Iterator[Asset]:
    """All of the corpus; what is made is put into `folder`."""
    if shared.is_dir():
        found = sorted(path for path in shared.rglob("*") if path.suffix in {".glb", ".gltf", ".vrm"})
        for path in found:
            if "ValidatorFixtures" not in path.parts and (size := _weight(path)) > LEAST_BYTES:
                yield Asset(f"{path.parent.name}/{path.name}" if path.stem == "scene" else path.name, path, size)
        for kit in _kits(found, shared):
            yield _made(folder, f"{kit.name} (kit)", merged_kit(sorted(kit.glob("*.glb"))))
    for name, make in _MADE.items():
        yield _made(folder, name, make())


def _kits(found: list[Path], shared: Path) -> list[Path]:
    folders = sorted({path.parent for path in found if path.suffix == ".glb" and path.parent.parent == shared})
    return [folder for folder in folders if len(list(folder.glob("*.glb"))) >= _PIECES]


def _made(folder: Path, name: str, data: bytes) -> Asset:
    path = folder / f"{name.replace(' ', '-').strip('()').replace('(', '')}.glb"
    path.write_bytes(data)
    return Asset(name, path, len(data))


def _weight(path: Path) -> int:
    named = {path, *(path.parent / name for name in open_scene(path).named_files())}
    return sum(file.stat().st_size for file in named if file.is_file())
