"""What goes wrong with meshoptimizer.

Rule: light to import: who only wants to catch an error needs no WebAssembly.
"""

from __future__ import annotations

from roomscale.scenes.errors import SceneError


class MeshoptError(SceneError):
    """meshoptimizer could not do what it was asked: malformed data, or more memory than it may have."""


class MeshoptMissing(SceneError):
    """The WebAssembly files are not there: this checkout was never built."""
