"""What an image file says of itself in its header: type, size, and whether it would unpack to something monstrous.

Rule: nothing is ever decoded here; what is read is bounded, whatever the header claims.
"""

from __future__ import annotations

import struct
import zlib
from typing import NamedTuple

from roomscale.scenes.ktx2 import read_ktx2
from roomscale.scenes.limits import DEFAULT_LIMITS

PNG, JPEG, WEBP, AVIF, KTX2, GIF = "image/png", "image/jpeg", "image/webp", "image/avif", "image/ktx2", "image/gif"
CORE_TYPES = frozenset({PNG, JPEG})
"""What every viewer shows."""
EXTENSION_OF = {WEBP: "EXT_texture_webp", AVIF: "EXT_texture_avif", KTX2: "KHR_texture_basisu"}
"""The extension by which a texture must name an image of another type."""

_PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
_MAGICS = (
    (_PNG_MAGIC, PNG),
    (b"\xff\xd8\xff", JPEG),
    (b"\xabKTX 20\xbb\r\n\x1a\n", KTX2),
    (b"GIF8", GIF),
    (b"OggS", "audio/ogg"),
    (b"ID3", "audio/mpeg"),
    (b"fLaC", "audio/flac"),
)
_MOST_CHUNKS = 100_000
"""PNG chunks or JPEG segments looked at before giving up; real files have tens to thousands."""


class ImageHeader(NamedTuple):
    """What a header says. `width`, `height`: pixels. `problems`: (code, is it an error, sentence)."""

    media_type: str
    width: int
    height: int
    problems: tuple[tuple[str, bool, str], ...] = ()
    gpu_bits: int = 32
    """Bits of a pixel on the GPU: a browser unpacks all but KTX2."""


class BadImage(Exception):
    """The bytes are no image of the type that their first bytes tell."""


def media_type_of(data: bytes | memoryview) -> str | None:
    """The media type of an image or sound by its first bytes, None if they tell nothing."""
    head = bytes(data[:16])
    for magic, media_type in _MAGICS:
        if head.startswith(magic):
            return media_type
    if head[:4] == b"RIFF":
        return {b"WEBP": WEBP, b"WAVE": "audio/wav"}.get(head[8:12])
    if head[4:8] == b"ftyp":
        return {b"avif": AVIF, b"avis": AVIF, b"M4A ": "audio/mp4"}.get(head[8:12])
    if len(head) > 2 and head[0] == 0xFF and head[1] & 0xE6 == 0xE2:
        return "audio/mpeg"
    return None


def read_header(data: bytes | memoryview) -> ImageHeader | None:
    """The header of an image, None for types whose size this module cannot read. Raises `BadImage`."""
    view = memoryview(data)
    media_type = media_type_of(view)
    try:
        if media_type == PNG:
            return _png(view)
        if media_type == JPEG:
            return ImageHeader(JPEG, *_jpeg(view))
        if media_type == WEBP:
            return _webp(view)
        if media_type == KTX2:
            header = read_ktx2(view)
            return ImageHeader(KTX2, header.width, header.height, header.problems(len(view)), header.gpu_bits)
        if media_type == GIF:
            return ImageHeader(GIF, *struct.unpack_from("<HH", view, 6))
        if media_type == AVIF:
            return _avif(view)
    except struct.error as error:
        raise BadImage("it is cut off inside its header") from error
    return None


def _png(view: memoryview) -> ImageHeader:
    length, kind, width, height = struct.unpack_from(">I4sII", view, 8)
    if kind != b"IHDR" or length != 13:
        raise BadImage("its first chunk is not IHDR")
    problems: list[tuple[str, bool, str]] = []
    offset, ended = 8, False
    for _ in range(_MOST_CHUNKS):
        if offset + 12 > len(view):
            break
        length, kind = struct.unpack_from(">I4s", view, offset)
        body = view[offset + 8 : offset + 8 + length]
        if len(body) < length or offset + 12 + length > len(view):
            break
        if struct.unpack_from(">I", view, offset + 8 + length)[0] != zlib.crc32(view[offset + 4 : offset + 8 + length]):
            problems.append(("IMAGE_DATA_INVALID", False, f"its {_shown(kind)} chunk has a wrong checksum"))
        if kind in (b"zTXt", b"iTXt", b"iCCP") and _unpacks_too_far(kind, body):
            problems.append(("IMAGE_TEXT_BOMB", True, f"its {_shown(kind)} chunk unpacks to megabytes"))
        offset += 12 + length
        if kind == b"IEND":
            ended = True
            break
    if not ended:
        problems.append(("IMAGE_UNEXPECTED_EOS", True, "it is cut off"))
    return ImageHeader(PNG, width, height, tuple(dict.fromkeys(problems)))


def _shown(kind: bytes) -> str:
    return kind.decode("ascii", "replace") if kind.isalpha() else "unnamed"


def _unpacks_too_far(kind: bytes, body: memoryview) -> bool:
    """Whether a compressed text or colour profile exceeds the limit; it is unpacked no further than that."""
    keyword_end = bytes(body[:80]).find(b"\0")
    if keyword_end < 0:
        return False
    start = keyword_end + 2
    if kind == b"iTXt":
        if bytes(body[keyword_end + 1 : keyword_end + 2]) != b"\1":
            return False
        rest = bytes(body[keyword_end + 3 : keyword_end + 1_003])
        language = rest.find(b"\0")
        keyword = rest.find(b"\0", language + 1)
        start = keyword_end + 3 + keyword + 1
    try:
        unpacker = zlib.decompressobj()
        limit = DEFAULT_LIMITS.image_text_bytes
        return len(unpacker.decompress(body[start:], limit + 1)) > limit
    except zlib.error:
        return False


_STANDALONE = frozenset({0x01, *range(0xD0, 0xD9)})
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def _jpeg(view: memoryview) -> tuple[int, int]:
    offset = 2
    for _ in range(_MOST_CHUNKS):
        if offset + 4 > len(view):
            break
        if view[offset] != 0xFF:
            raise BadImage("it has no marker where one must be")
        marker = view[offset + 1]
        if marker == 0xFF:
            offset += 1
        elif marker in _STANDALONE:
            offset += 2
        elif marker in _FRAMES:
            height, width = struct.unpack_from(">HH", view, offset + 5)
            return width, height
        elif marker in (0xDA, 0xD9):
            break
        else:
            offset += 2 + struct.unpack_from(">H", view, offset + 2)[0]
    raise BadImage("it names no size")


def _webp(view: memoryview) -> ImageHeader:
    size = struct.unpack_from("<I", view, 4)[0]
    kind = bytes(view[12:16])
    if kind == b"VP8X":
        width, height = 1 + _u24(view, 24), 1 + _u24(view, 27)
    elif kind == b"VP8L":
        bits = struct.unpack_from("<I", view, 21)[0]
        width, height = 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    elif kind == b"VP8 ":
        width, height = (value & 0x3FFF for value in struct.unpack_from("<HH", view, 26))
    else:
        raise BadImage("its first chunk is no image")
    cut = (("IMAGE_UNEXPECTED_EOS", True, "it is cut off"),) if size + 8 > len(view) else ()
    return ImageHeader(WEBP, width, height, cut)


def _u24(view: memoryview, offset: int) -> int:
    low, high = struct.unpack_from("<HB", view, offset)
    return int(low | high << 16)


def _avif(view: memoryview) -> ImageHeader:
    """The largest `ispe` (image spatial extent) property; it stands within the first kilobytes."""
    head, offset, best = bytes(view[:65_536]), 0, (0, 0)
    while (offset := head.find(b"ispe", offset)) >= 0:
        if offset + 16 > len(head):
            break
        width, height = struct.unpack_from(">II", head, offset + 8)
        best = max(best, (width, height), key=lambda size: size[0] * size[1])
        offset += 4
    if best == (0, 0):
        raise BadImage("it names no size")
    return ImageHeader(AVIF, *best)
