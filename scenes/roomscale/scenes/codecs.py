"""Images read and written in every format: by Pillow, and KTX2 by Basis Universal.

Rule: whoever needs images in a format asks here; processes that it takes end with the context. Who has no image makes
no `Codecs`: what encodes and decodes is imported with the first.
"""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Self

from roomscale.scenes.encoding import Encoding, Picture
from roomscale.scenes.errors import BrokenData
from roomscale.scenes.images import KTX2, media_type_of
from roomscale.scenes.limits import Limits
from roomscale.scenes.roles import ImageUse

if TYPE_CHECKING:
    from PIL.Image import Image

SMALL_EDGE = 64
"""Pixels of the longest edge up to which an image takes 22 kB on a GPU at most: too little to be made KTX2."""


class Codecs:
    """For several threads; a context manager."""

    def __init__(self) -> None:
        from roomscale.scenes.basis import Encoders  # noqa: PLC0415 - see the rule above

        self._basis = Encoders()

    def __enter__(self) -> Self:
        self._basis.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._basis.__exit__(kind, error, at)

    def decode(self, data: bytes | memoryview, where: str, limits: Limits, edge: int | None = None) -> Image:
        """As `pixels.decode`, KTX2 too; it has no smaller form that is quicker to unpack."""
        from roomscale.scenes import pixels  # noqa: PLC0415 - Pillow only where an image is unpacked

        if media_type_of(data) != KTX2:
            return pixels.decode(data, where, limits, edge)
        size = pixels.checked_size(data, where, limits)
        rgba = self._basis.decode(data, size, where)
        if rgba is None:
            raise BrokenData("IMAGE_DATA_INVALID", where, "the KTX2 file is broken, or not of Basis Universal")
        return pixels.from_rgba(rgba, size)

    def encode(self, image: Image, encoding: Encoding, use: ImageUse, where: str) -> Picture:
        """As `pixels.encode`, KTX2 too; what is small becomes WebP instead. Raises `UnpackableScene`."""
        from roomscale.scenes import pixels  # noqa: PLC0415 - Pillow only where an image is unpacked

        if encoding.format != "ktx2":
            return pixels.encode(image, encoding, use)
        if max(image.size) <= SMALL_EDGE:
            return pixels.encode(image, encoding.as_format("webp"), use)
        from roomscale.scenes.basis import settings  # noqa: PLC0415 - see the rule above

        rgba, size = pixels.to_rgba(image, use)
        return Picture(self._basis.encode(rgba, size, settings(encoding, use.role), where), KTX2, *size)
