"""What came out of a packing: what its bytes are, and which extension objects of the source are still there.

An extension object counts as kept if an object of that extension stands where one stood: for nodes on a node of the
same name, elsewhere on an entry of the same list (packers join equal materials, and may). What it says is not compared
here: that is in the rivals' favour, and the tests of the transforms compare ours.
Rule: extensions that only say how bytes are stored do not count; a packer may choose them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

from roomscale.scenes import Scene, jsonio

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
