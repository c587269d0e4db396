"""What a joined mesh says of the meshes that it was made of, in its extras: how many, and how large they were.

It is far larger than they were, and what is done to a mesh by its size (rounding, simplifying) would do too much to it.
Rule: extras are anybody's, so what stands there is believed only where it can be true.
"""

from __future__ import annotations

import math

from roomscale.scenes.jsonio import JsonObject

_MARK = "roomscale"
LEAST_SIZE = 1.0
"""Metres. Of smaller parts a mesh says this: it would be rounded to more digits than anybody sees."""


def mark(mesh: JsonObject, parts: int, size: float) -> None:
    """Say that a mesh is made of `parts` meshes, the smallest of which is `size` metres long; changes `mesh`."""
    mesh["extras"] = {_MARK: {"joined": parts, "size": float(f"{max(size, LEAST_SIZE):.3g}")}}


def part_size(mesh: JsonObject) -> float:
    """The length of the smallest mesh in a joined one, in its units; infinite where a mesh says nothing of it."""
    extras = mesh.get("extras")
    told = extras.get(_MARK) if isinstance(extras, dict) else None
    size = told.get("size") if isinstance(told, dict) else None
    return float(size) if isinstance(size, (int, float)) and LEAST_SIZE <= size < 1e6 else math.inf
