"""Sounds of a scene: where they stand, and the silence that an entry has in their place.

Rule: of a sound only the bytes and their media type change; sources and emitters are never touched.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from roomscale.scenes.document import AUDIO_EXTENSIONS, Scene
from roomscale.scenes.embed import sound_entries
from roomscale.scenes.findings import pointer
from roomscale.scenes.images import media_type_of

KEPT_BYTES = 32 << 10
"""A sound up to this size stays in the entry: a part of its own would cost a request and save nothing."""
_FRAME_BYTES = 104
"""Bytes of an MPEG-1 layer III frame of 32 kbit/s at 44.1 kHz: 144 · 32,000 / 44,100, rounded down."""
SILENCE_TYPE = "audio/mpeg"
SILENCE = (bytes((0xFF, 0xFB, 0x10, 0xC4)) + bytes(_FRAME_BYTES - 4)) * 8
"""0.2 s of nothing as MP3 (ISO 11172-3): frames whose side information says that no value follows."""


@dataclass(frozen=True, slots=True)
class SoundFile:
    """A sound's bytes. `target`: its JSON pointer; `told`: the mimeType that the scene gives it, perhaps ""."""

    target: str
    extension: str
    index: int
    data: memoryview
    told: str

    @property
    def media_type(self) -> str:
        """What its first bytes say, else what the scene does."""
        return media_type_of(self.data) or self.told or "audio/mpeg"


def sound_files(scene: Scene) -> Iterator[SoundFile]:
    """The sounds that a scene holds or names. Raises `SceneError`s for those that cannot be had."""
    for extension in AUDIO_EXTENSIONS:
        for index, entry in enumerate(sound_entries(scene.json, extension)):
            target = pointer("extensions", extension, "audio", index)
            if "uri" in entry:
                data = scene.resource(entry["uri"], f"{target}/uri")
            elif "bufferView" in entry:
                data = scene.view(entry["bufferView"])
            else:
                continue
            yield SoundFile(target, extension, index, data, entry.get("mimeType", ""))
