"""Which images show the same though their files differ: one picture, saved by two exporters.

Rule: only what was stored without loss is compared, and only PNG, for two lossy files of one picture differ in their
pixels; every pixel counts, alpha, size and profile too. One image at a time is unpacked, and only where another might
be equal: by its header, its use, and then its first rows.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping

from roomscale.scenes.errors import BrokenData
from roomscale.scenes.images import PNG, BadImage, media_type_of, read_header
from roomscale.scenes.kept import Store, digest
from roomscale.scenes.limits import Limits
from roomscale.scenes.roles import ImageUse

_HEAD_ROWS = 16
"""Rows that tell most pictures apart; unpacking them takes a hundredth of the time that an image of 2,048² does."""
_HEIGHT_AT, _DEPTH_AT, _INTERLACE_AT, _HEADER_CRC_AT = 20, 24, 28, 29
"""Where these stand in a PNG, whose first chunk is IHDR (PNG, third edition, §11.2.1)."""


def joined_by_pixels(
    groups: Collection[list[int]],
    files: Mapping[int, memoryview],
    uses: Mapping[int, ImageUse],
    limits: Limits,
    store: Store | None = None,
) -> list[list[int]]:
    """Groups of images of equal bytes, those of equal pixels joined, the one with the smallest file first.

    `files`: image → its bytes. `uses`: image → what it is for; images that something else than a texture names have
    none, and stay as they are. Images that cannot be unpacked are equal to no other. `store`: of what they show.
    """

    def header(group: list[int]) -> Hashable:
        return _header(files[group[0]], uses.get(group[0]))

    def head(group: list[int]) -> Hashable:
        data = files[group[0]]
        return whole(group) if data[_INTERLACE_AT] else shown("head", data, lambda: _first_rows(data))

    def whole(group: list[int]) -> Hashable:
        data = files[group[0]]
        return shown("whole", data, lambda: data)

    def shown(part: str, data: memoryview, seen: Callable[[], bytes | memoryview]) -> Hashable:
        asked = (part, limits.image_pixels, limits.image_edge)
        try:
            return digest(store, data, asked, lambda: _fingerprint(seen(), limits))
        except BrokenData:
            return None

    result: dict[int, list[int]] = {}
    for similar in _alike(groups, (header, head, whole)):
        first = min(similar, key=lambda group: (len(files[group[0]]), group[0]))
        everyone = sorted(index for group in similar for index in group)
        for group in similar:
            result[id(group)] = []
        result[id(first)] = [first[0], *(index for index in everyone if index != first[0])]
    return [joined for group in groups if (joined := result.get(id(group), group))]


def _alike(
    groups: Iterable[list[int]], tellers: tuple[Callable[[list[int]], Hashable], ...]
) -> Iterable[list[list[int]]]:
    """Two or more groups of which each teller says the same, the cheapest asked first; None is like nothing."""
    if not tellers:
        yield list(groups)
        return
    found: dict[Hashable, list[list[int]]] = {}
    for group in groups:
        if (told := tellers[0](group)) is not None:
            found.setdefault(told, []).append(group)
    for similar in found.values():
        if len(similar) > 1:
            yield from _alike(similar, tellers[1:])


def _header(data: memoryview, use: ImageUse | None) -> Hashable:
    """Size and use of a PNG of 8 bits or fewer, since of more the last are not looked at; None for all else."""
    if use is None or media_type_of(data) != PNG:
        return None
    try:
        told = read_header(data)
    except BadImage:
        return None
    if told is None or told.problems or data[_DEPTH_AT] > 8:
        return None
    return told.width, told.height, use


def _first_rows(data: memoryview) -> bytes:
    """The same PNG, which says that it ends after a few rows: decoders read no further."""
    header = bytearray(data[: _HEADER_CRC_AT + 4])
    height = min(_HEAD_ROWS, struct.unpack_from(">I", header, _HEIGHT_AT)[0])
    struct.pack_into(">I", header, _HEIGHT_AT, height)
    struct.pack_into(">I", header, _HEADER_CRC_AT, zlib.crc32(header[12:_HEADER_CRC_AT]))
    return bytes(header) + bytes(data[_HEADER_CRC_AT + 4 :])


def _fingerprint(data: bytes | memoryview, limits: Limits) -> bytes:
    from roomscale.scenes.pixels import fingerprint  # noqa: PLC0415 - most scenes need no Pillow for this

    return fingerprint(data, limits)
