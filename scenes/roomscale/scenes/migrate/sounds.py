"""KHR_audio, in both its drafts, to KHR_audio_emitter.

The first draft had sources with a `uri`, each emitter one `source` and `loop`, `playing`; the second has the lists of
KHR_audio_emitter. Rule: names and whatever else an entry says go along.
"""

from __future__ import annotations

from typing import Any

from roomscale.scenes import jsonio
from roomscale.scenes.edit import Edit
from roomscale.scenes.findings import Findings, pointer
from roomscale.scenes.jsonio import JsonObject

OLD, NEW = "KHR_audio", "KHR_audio_emitter"


def sounds(edit: Edit, notes: Findings) -> None:
    """Move the lists, and what nodes and scenes name of them."""
    root = edit.scene.extension(OLD)
    if not root:
        return
    if edit.scene.extension(NEW):
        notes.warn("NOT_MIGRATED", pointer("extensions", OLD), f"the file has {NEW} as well, so {OLD} stays")
        return
    is_first = "audio" not in root and any("source" in emitter for emitter in root.get("emitters", ()))
    content = _from_first_draft(root) if is_first else jsonio.copy(root)
    for source in content.get("sources", ()):
        if "autoPlay" in source:
            source["autoplay"] = source.pop("autoPlay")
    edit.extend((), NEW, content)
    edit.drop((), OLD)
    for kind in ("scenes", "nodes"):
        for index, holder in enumerate(edit.scene.list_of(kind)):
            if isinstance(told := holder.get("extensions", {}).get(OLD), dict):
                edit.extend((kind, index), NEW, told)
                edit.drop((kind, index), OLD)
    notes.info("MIGRATED", pointer("extensions", NEW), f"{OLD} is {NEW} now")


def _from_first_draft(root: JsonObject) -> JsonObject:
    audio: list[Any] = jsonio.copy(root.get("sources", []))
    sources: list[JsonObject] = []
    emitters: list[JsonObject] = []
    for old in root.get("emitters", ()):
        emitter = jsonio.copy(old)
        playing = {"loop": emitter.pop("loop", False), "autoplay": emitter.pop("playing", False)}
        if type(number := emitter.pop("source", None)) is int and 0 <= number < len(audio):
            emitter["sources"] = [len(sources)]
            sources.append({"audio": number} | playing)
        emitters.append(emitter)
    rest = {key: value for key, value in root.items() if key not in ("sources", "emitters")}
    return {"audio": audio, "sources": sources, "emitters": emitters, **jsonio.copy(rest)}
