"""The packers that are compared, each as the command that a creator would type.

Rule: one process tree per packing, the same cap on textures for all that know one, nothing tuned to a file.
"""

from __future__ import annotations

import compileall
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import roomscale
from roomscale.scenes.cachefolder import OVERRIDE
from roomscale.scenes.kept import IMAGES
from tests.benchmarks.rivals import NotAvailable

RIVALS: Final = Path(__file__).with_name("rivals")
_CHECKOUT: Final = Path(__file__).parents[3]
TEXTURE_EDGE: Final = 2048
"""Pixels: the cap of all that know one. gltf-transform's own default, and that of `roomscale pack`."""
KEEPING: Final = ["--flatten", "false", "--join", "false", "--instance", "false", "--palette", "false"]
"""What gltf-transform must be told so that nodes, their names and materials stay."""

Command = Callable[[Path, Path], list[str]]
"""The command line for an input and an output."""


@dataclass(frozen=True, slots=True)
class Tool:
    """One packer. `name`: as on the command line of the benchmark. `ours`: it is Roomscale.

    `again`: it has packed the same file before, and takes from its store what it made then; all else start with none.
    """

    name: str
    title: str
    command: Command
    ours: bool = False
    again: bool = False


def _ours(source: Path, target: Path) -> list[str]:
    pack = [sys.executable, "-m", "roomscale.cli.app", "pack", str(source), "-o", str(target)]
    return [*pack, "--single", "--fix", "--limit", "500M", "--texture-size", str(TEXTURE_EDGE)]


def _gltfpack(source: Path, target: Path) -> list[str]:
    return [_node(), str(RIVALS / "node_modules/gltfpack/cli.js"), "-i", str(source), "-o", str(target), "-cc"]


def _gltf_transform(*options: str) -> Command:
    def command(source: Path, target: Path) -> list[str]:
        cli = RIVALS / "node_modules/@gltf-transform/cli/bin/cli.js"
        how = ["--compress", "meshopt", "--texture-compress", "webp", "--texture-size", str(TEXTURE_EDGE)]
        return [_node(), str(cli), "optimize", str(source), str(target), *how, *options]

    return command


TOOLS: Final = {
    tool.name: tool
    for tool in (
        Tool("roomscale", "roomscale pack --single", _ours, ours=True),
        Tool("again", "roomscale, again", _ours, ours=True, again=True),
        Tool("keeping", "gltf-transform, structure kept", _gltf_transform(*KEEPING)),
        Tool("gltf-transform", "gltf-transform", _gltf_transform()),
        Tool("gltfpack", "gltfpack -cc", _gltfpack),
    )
}
"""Name → packer. npm's gltfpack cannot compress textures: its figures are of geometry alone."""


def _node() -> str:
    found = shutil.which("node")
    if found is None:
        raise NotAvailable("no node on PATH")
    return found


def compile_ours() -> None:
    """Compile Roomscale's modules to bytecode, as pip does when it installs a package; a checkout may have none."""
    for folder in roomscale.__path__:
        if Path(folder).is_relative_to(_CHECKOUT):
            compileall.compile_dir(folder, quiet=1)


@contextmanager
def own_cache(folder: Path) -> Iterator[None]:
    """Give Roomscale, in this process and in those that it starts, a cache folder that nobody else uses.

    It has meshoptimizer's machine code in it, which is made once for all scenes, but no images.
    """
    before = os.environ.get(OVERRIDE)
    os.environ[OVERRIDE] = str(folder)
    try:
        subprocess.run([sys.executable, "-c", _COMPILE], check=True)
        yield
    finally:
        if before is None:
            del os.environ[OVERRIDE]
        else:
            os.environ[OVERRIDE] = before


_COMPILE: Final = """
import numpy as np
from roomscale.scenes import meshopt
meshopt.decode(meshopt.encode_vertices(np.zeros((16, 4), np.float32)), 16, 16, "ATTRIBUTES")
"""


def forget_images() -> None:
    """Empty the store of encoded images: what a creator has who packs a scene for the first time.

    Within `own_cache` alone: the user's is not ours to empty.
    """
    shutil.rmtree(Path(os.environ[OVERRIDE]) / IMAGES, ignore_errors=True)
