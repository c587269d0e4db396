"""Sound: KHR_audio_emitter, and KHR_audio in both its drafts.

Rule: one value for each source that an emitter plays at a place; gains are multiplied, so the value is what is heard.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from roomscale.scenes.document import Scene
from roomscale.scenes.jsonio import JsonObject
from roomscale.scenes.view.values import index, indices, items, number, record, records

FORMS = ("KHR_audio_emitter", "KHR_audio")


@dataclass(frozen=True, slots=True)
class Sound:
    """A sound that is heard.

    `node`: where from, None for everywhere. `audio`: index of the file in the extension's list (in the first draft of
    KHR_audio: of `sources`). `gain`: linear. `radius`: metres at which it is gone or no longer fades, 0 for never.
    """

    node: int | None
    form: str
    audio: int | None
    is_positional: bool
    gain: float
    loops: bool
    starts_itself: bool
    radius: float = 0.0


def sounds(scene: Scene) -> Iterator[Sound]:
    """All sounds that are placed on a scene or a node."""
    for form in FORMS:
        content = scene.extension(form)
        emitters, sources = records(content.get("emitters")), records(content.get("sources"))
        files = len(records(content.get("audio", content.get("sources"))))
        holders: list[tuple[int | None, JsonObject]] = [(None, entry) for entry in scene.list_of("scenes")]
        holders += enumerate(scene.list_of("nodes"))
        for node, holder in holders:
            told = record(record(holder.get("extensions")).get(form))
            placed = indices([*items(told.get("emitters")), told.get("emitter")], len(emitters)) if told else []
            for number_ in placed:
                yield from _played(node, form, emitters[number_], sources, files)


def _played(node: int | None, form: str, emitter: JsonObject, sources: list[JsonObject], files: int) -> Iterator[Sound]:
    if "source" in emitter:  # KHR_audio's first draft: the emitter plays one file itself
        playing: list[JsonObject] = [emitter | {"audio": emitter["source"], "gain": 1.0}]
    else:
        playing = [sources[at] for at in indices(emitter.get("sources"), len(sources))]
    positional = record(emitter.get("positional"))
    for source in playing:
        yield Sound(
            node,
            form,
            index(source.get("audio"), files),
            emitter.get("type") == "positional",
            number(emitter.get("gain"), 1.0) * number(source.get("gain"), 1.0),
            source.get("loop") is True,
            any(source.get(key) is True for key in ("autoplay", "autoPlay", "playing")),
            number(positional.get("maxDistance"), 0.0),
        )
