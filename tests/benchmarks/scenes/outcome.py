"""What came out of a packing: what its bytes are, which extension objects of the source are still there, their cost.

An extension object counts as kept if an object of that extension stands where one stood: for nodes on a node of the
same name, elsewhere on an entry of the same list (packers join equal materials, and may). What it says is not compared
here: that is in the rivals' favour, and the tests of the transforms compare ours.
Rule: extensions that only say how bytes are stored do not count; a packer may choose them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from roomscale.scenes import Scene, jsonio, to_glb
from roomscale.scenes.draft import Draft
from roomscale.scenes.transforms.prune import prune

STORAGE: Final = frozenset(
    {
        "EXT_meshopt_compression",
        "EXT_texture_avif",
        "EXT_texture_webp",
        "KHR_draco_mesh_compression",
        "KHR_mesh_quantization",
        "KHR_meshopt_compression",
        "KHR_texture_basisu",
    }
)
Standing = tuple[str, str, str]
"""An extension, the list of the entry that has it, and the entry's name if it is a node."""


@dataclass(frozen=True, slots=True)
class Weights:
    """Bytes of a .glb by what they are. `geometry`: all of the BIN chunk but images, animations with it."""

    total: int
    json: int
    images: int

    @property
    def geometry(self) -> int:
        """What is neither JSON nor image."""
        return self.total - self.json - self.images


def weights(scene: Scene) -> Weights:
    """The weights of a scene that was read from one .glb."""
    views = [image["bufferView"] for image in scene.list_of("images") if "bufferView" in image]
    images = sum(len(scene.view(view)) for view in set(views))
    return Weights(len(scene.raw or b""), len(jsonio.dump(scene.json)), images)


def kept_share(before: Scene, after: Scene) -> tuple[int, int]:
    """How many extension objects of `before` stand in `after` too, and how many there are."""
    old, new = _standing(before), _standing(after)
    return sum((old & new).values()), sum(old.values())


def like_bytes(ours: Scene, theirs: Scene) -> int:
    """Bytes of ours like for like: without the extension objects that theirs has no more, and without what only those
    lead to: images, sounds, textures, the channels of KHR_animation_pointer.

    What lies in a compressed view with other things stays counted: that is in favour of who dropped it.
    """
    missing = _standing(ours) - _standing(theirs)
    if not missing:
        return len(ours.raw or b"")
    draft = Draft(ours)
    for holder, standings in _holders(draft.json):
        for standing in standings:
            if missing[standing] > 0:
                missing[standing] -= 1 if standing[1] == "nodes" else 0
                _remove(holder, standing[0])
    if not draft.json.get("extensions", True):
        del draft.json["extensions"]
    _remove_channels(draft.json)
    return len(to_glb(prune(draft.finish())))


def _holders(json: dict[str, Any]) -> Iterator[tuple[Any, list[Standing]]]:
    """The root's own extensions and each entry of its lists, with what stands there."""
    for kind, entries in list(json.items()):
        if kind == "extensions":
            yield {kind: entries}, [(name, "", "") for name in sorted((entries.keys() - STORAGE) | _inside(entries))]
        for entry in entries if isinstance(entries, list) else ():
            name = str(entry.get("name", "")) if kind == "nodes" and isinstance(entry, dict) else ""
            yield entry, [(extension, kind, name) for extension in sorted(_inside(entry))]


def _remove(holder: Any, extension: str) -> None:
    """Remove an extension's objects from a value and all below it, `extras` apart."""
    todo = [holder]
    while todo:
        item = todo.pop()
        if isinstance(item, dict):
            if isinstance(item.get("extensions"), dict):
                item["extensions"].pop(extension, None)
                if not item["extensions"]:
                    del item["extensions"]
            todo += [child for key, child in item.items() if key != "extras"]
        elif isinstance(item, list):
            todo += item


def _remove_channels(json: dict[str, Any]) -> None:
    """Remove channels that move nothing any more, samplers that no channel has, and clips without any."""
    for clip in json.get("animations", ()):
        clip["channels"] = [
            channel
            for channel in clip["channels"]
            if channel["target"]["path"] != "pointer" or "extensions" in channel["target"]
        ]
        used = sorted({channel["sampler"] for channel in clip["channels"]})
        clip["samplers"] = [clip["samplers"][number] for number in used]
        for channel in clip["channels"]:
            channel["sampler"] = used.index(channel["sampler"])
    if clips := [clip for clip in json.get("animations", ()) if clip["channels"]]:
        json["animations"] = clips
    else:
        json.pop("animations", None)


def _standing(scene: Scene) -> Counter[Standing]:
    found: Counter[Standing] = Counter()
    for kind, entries in scene.json.items():
        if kind == "extensions":
            found.update((name, "", "") for name in (entries.keys() - STORAGE) | _inside(entries))
        elif isinstance(entries, list):
            for entry in entries:
                places = [
                    (name, kind, str(entry.get("name", "")) if kind == "nodes" else "") for name in _inside(entry)
                ]
                if kind == "nodes":
                    found.update(places)
                elif places:
                    found |= Counter(places)  # of equal entries one is enough
    return found


def _inside(value: Any) -> set[str]:
    """The extensions at any depth below a value, `extras` apart."""
    names: set[str] = set()
    todo = [value]
    while todo:
        item = todo.pop()
        if isinstance(item, dict):
            names |= item["extensions"].keys() if isinstance(item.get("extensions"), dict) else set()
            todo += [child for key, child in item.items() if key != "extras"]
        elif isinstance(item, list):
            todo += item
    return names - STORAGE
