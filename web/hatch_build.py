"""Hatchling's hook: the built client goes into the wheel as `roomscale/web`, and prebuilt into the sdist.

With it go what `roomscale.scenes` runs: meshoptimizer's WebAssembly, Basis Universal's, and Khronos's validator.

Its one rule: whatever is installed can show a client; there is no install that works but for the browser's part.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

TAKEN = ("build_meshopt", "build_basis", "build_validator")
"""The steps beside the client's."""


def _load(name: str) -> ModuleType:
    """A module beside this one; loaded by path, for a build backend has no `web` on its module path."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    if spec is None or spec.loader is None:
        raise ImportError(f"web/{name}.py is missing from this source tree")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up, and build_meshopt imports build_client
    spec.loader.exec_module(module)
    return module


class ClientHook(BuildHookInterface[Any]):
    """Builds `web/dist` before the files of a wheel or sdist are collected."""

    def dependencies(self) -> list[str]:
        """Node itself, from PyPI, but only where it is needed and none is there."""
        client = _load("build_client")
        if client.find_node() or all(step.is_fresh() for step in (client, *map(_load, TAKEN))):
            return []
        return [str(client.NODE_WHEEL)]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build, and place the client in the wheel; an editable install reads it from the checkout."""
        dist = _load("build_client").build()
        for name in TAKEN:
            _load(name).build()
        if self.target_name == "wheel" and version != "editable":
            build_data["force_include"][str(dist)] = "roomscale/web"
