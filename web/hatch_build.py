"""Hatchling's hook: the built client goes into the wheel as `roomscale/web`, and prebuilt into the sdist.

Its one rule: whatever is installed can show a client; there is no install that works but for the browser's part.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


def _build_client() -> ModuleType:
    """`web/build_client.py`; loaded by path, for a build backend has no `web` on its module path."""
    folder = str(Path(__file__).parent)
    if folder not in sys.path:
        sys.path.append(folder)  # for what it imports from beside it
    spec = importlib.util.spec_from_file_location("build_client", Path(__file__).with_name("build_client.py"))
    if spec is None or spec.loader is None:
        raise ImportError("web/build_client.py is missing from this source tree")
    module = importlib.util.module_from_spec(spec)
    sys.modules["build_client"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


class ClientHook(BuildHookInterface[Any]):
    """Builds `web/dist` before the files of a wheel or sdist are collected."""

    def dependencies(self) -> list[str]:
        """Node itself, from PyPI, but only where it is needed and none is there."""
        client = _build_client()
        return [] if client.is_complete() or client.find_node() else [str(client.NODE_WHEEL)]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build, and place the client in the wheel; an editable install reads it from the checkout."""
        dist = _build_client().build()
        if self.target_name == "wheel" and version != "editable":
            build_data["force_include"][str(dist)] = "roomscale/web"
