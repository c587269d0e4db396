"""What a KTX2 file says of itself in its header: size, levels, which of Basis Universal's two forms, sRGB or linear.

Rule: nothing is unpacked; a fixed number of bytes is read, whatever the header claims.
Follows KTX File Format 2.0 §3 and Khronos Data Format 1.3 §5.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

ETC1S, UASTC = 163, 166
"""`colorModel` of a data format descriptor: the two that KHR_texture_basisu allows."""
ZSTD = 2
"""`supercompressionScheme`: each level by zstd, as UASTC may be."""
_TRANSFER_SRGB = 2
_ALPHA_CHANNELS = {ETC1S: 15, UASTC: 3}
"""`channelType` of a sample that has alpha; UASTC's one sample has it along with the colours."""
_LEVEL_INDEX = 80
_MOST_LEVELS = 15
"""Of 16,384 pixels; larger ones are refused for their size."""
_MOST_PIXEL_BYTES = 16
"""Bytes of a pixel in the widest of all formats: what unpacks to more was made to fill memory."""


class Ktx2Header(NamedTuple):
    """A header. `model`: ETC1S, UASTC or another. `levels`: (offset, bytes, bytes unpacked), the largest first."""

    width: int
    height: int
    model: int
    is_srgb: bool
    has_alpha: bool
    supercompression: int
    levels: tuple[tuple[int, int, int], ...]

    @property
    def gpu_bits(self) -> int:
        """Bits of a pixel on the GPU: ETC1S without alpha becomes ETC1 or BC1, all else BC7, ASTC 4 × 4 or the like."""
        return 4 if self.model == ETC1S and not self.has_alpha else 8

    def problems(self, size: int) -> tuple[tuple[str, bool, str], ...]:
        """What is wrong with it in a file of `size` bytes, as `images.ImageHeader` has it."""
        if len(self.levels) > max(self.width, self.height).bit_length():
            return (("IMAGE_DATA_INVALID", True, f"it says that it has {len(self.levels)} sizes"),)
        if any(offset + length > size for offset, length, _ in self.levels):
            return (("IMAGE_UNEXPECTED_EOS", True, "it is cut off"),)
        if sum(unpacked for *_, unpacked in self.levels) > 2 * _MOST_PIXEL_BYTES * max(16, self.width * self.height):
            return (("IMAGE_DATA_INVALID", True, "it unpacks to more than its pixels take"),)
        return ()


def read_ktx2(view: memoryview) -> Ktx2Header:
    """The header of a KTX2 file. Raises `struct.error` for one that is cut off."""
    width, height, _depth, _layers, _faces, count, scheme, descriptor = struct.unpack_from("<8I", view, 20)
    levels = tuple(
        struct.unpack_from("<3Q", view, _LEVEL_INDEX + 24 * number)
        for number in range(min(max(count, 1), _MOST_LEVELS))
    )
    # The basic block follows the total size; its samples, 16 bytes each, begin 28 bytes into the descriptor.
    block_bytes = struct.unpack_from("<H", view, descriptor + 10)[0]
    model, _primaries, transfer = struct.unpack_from("<3B", view, descriptor + 12)
    samples = range(min((block_bytes - 24) // 16, 4))
    channels = {struct.unpack_from("<B", view, descriptor + 31 + 16 * sample)[0] & 15 for sample in samples}
    return Ktx2Header(
        width=width,
        height=max(height, 1),
        model=model,
        is_srgb=transfer == _TRANSFER_SRGB,
        has_alpha=_ALPHA_CHANNELS.get(model, -1) in channels,
        supercompression=scheme,
        levels=levels,
    )
