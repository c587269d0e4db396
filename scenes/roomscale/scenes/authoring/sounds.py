"""Sounds: KHR_audio_emitter from `audio` on a node, which is then heard from there, or on the scene, heard everywhere.

Rule: the sound file lies beside the scene and is embedded later like an image; one that cannot be read makes no
emitter.
"""

from __future__ import annotations

from roomscale.scenes.authoring.said import Said
from roomscale.scenes.authoring.work import Work
from roomscale.scenes.jsonio import JsonObject

EMITTER = "KHR_audio_emitter"
LOUDEST = 10.0
"""Linear gain: +20 dB; a browser stops at +6 dB."""
NEAR = 1.0
"""Metres up to which a sound has its full volume, where nothing is told."""


def sound(work: Work, said: Said) -> None:
    """`audio`: a file, its gain, whether it loops and starts by itself; `radius`: metres at which it is gone."""
    if "audio" not in said or not work.is_free(said.path, EMITTER):
        return
    uri = said.text("audio", "file")
    if not uri:
        said.refuse("audio", "file", "audio must name a sound file", hint='e.g. audio = "water.mp3"')
        return
    if not work.has_file(said, "audio", uri):
        return
    gain = said.number("audio", "gain", 0.0, LOUDEST)
    source: JsonObject = {"audio": work.edit.entry(EMITTER, "audio", {"uri": uri})}
    source |= {} if gain is None else {"gain": gain}
    source |= {"loop": said.flag("audio", "loop", default=True)}
    source |= {"autoplay": said.flag("audio", "autoplay", default=True)}
    emitter: JsonObject = {"type": "global", "sources": [work.edit.entry(EMITTER, "sources", source)]}
    on_node = said.kind == "nodes"
    if on_node and not said.flag("audio", "everywhere", default=False):
        emitter |= {"type": "positional", "positional": _positional(said)}
    number = work.edit.entry(EMITTER, "emitters", emitter)
    work.edit.extend(said.path, EMITTER, {"emitter": number} if on_node else {"emitters": [number]})
    work.note("sounds" if on_node else "a sound everywhere", said)


def _positional(said: Said) -> JsonObject:
    """With a radius it fades in a straight line to silence there; without one by distance, for ever (inverse)."""
    near = said.number("audio", "near", 0.01, 1e5)
    radius = said.number("audio", "radius", 0.01, 1e5)
    content: JsonObject = {"refDistance": near or NEAR}
    if radius is not None and radius <= content["refDistance"]:
        if near is not None:
            said.refuse("audio", "radius", "radius must be greater than near")
        content["refDistance"] = radius / 10
    return content if radius is None else {"distanceModel": "linear", "maxDistance": radius} | content
