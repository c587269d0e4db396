"""How images are to be written, and what was: all that can be said of it without unpacking one.

Rule: no Pillow here. Importing it takes 25 ms, and most of what speaks of encodings never unpacks an image.
"""

from __future__ import annotations

from typing import NamedTuple

from roomscale.scenes.images import AVIF, JPEG, PNG, WEBP
from roomscale.scenes.roles import Role

READABLE = {PNG: "PNG", JPEG: "JPEG", WEBP: "WEBP", AVIF: "AVIF"}
"""Media types that Pillow unpacks, with its name for each."""


class Encoding(NamedTuple):
    """How an image is written.

    `format`: webp, avif, ktx2, png, jpeg, or "plain": JPEG where there is no alpha, else PNG.

    `colour`, `normal`, `data`: quality by role, 1 to 100. `effort`: WebP's method, 0 (quick) to 6 (small).
    The defaults are those of sharp, and so of gltf-transform: where nothing is scaled, libwebp gives the same bytes for
    them. 82 for normals and data took 10% more for 3% less error (tests/benchmarks/scenes/quality.py).
    """

    format: str = "webp"
    colour: int = 80
    normal: int = 80
    data: int = 80
    effort: int = 4

    def quality_for(self, role: Role) -> int:
        """The quality for an image of this role."""
        return {Role.COLOUR: self.colour, Role.NORMAL: self.normal, Role.DATA: self.data}[role]

    def as_format(self, name: str) -> Encoding:
        """The same in another format."""
        return self._replace(format=name)


class Picture(NamedTuple):
    """An encoded image. `width`, `height`: pixels."""

    data: bytes
    media_type: str
    width: int
    height: int


WEBP_DEFAULT, PLAIN = Encoding(), Encoding("plain", colour=85, normal=92, data=92)
