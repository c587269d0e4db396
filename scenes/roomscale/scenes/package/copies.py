"""Pieces of a scene in a file of their own: accessors copied one by one, what shares one shares it again.

Rule: values are copied as they are stored, never converted.
"""

from __future__ import annotations

from typing import Any

from roomscale.scenes.accessors import read
from roomscale.scenes.document import Scene
from roomscale.scenes.draft import ARRAY_BUFFER, ELEMENT_ARRAY_BUFFER, Draft
from roomscale.scenes.jsonio import JsonObject, copy

_KEPT = ("name", "extras")


def empty_scene(source: Scene, **lists: list[Any]) -> Scene:
    """A scene without data that has these top-level lists; credit (`asset.copyright`) stays with what it is for."""
    credit = {key: value for key, value in source.json["asset"].items() if key == "copyright"}
    tree: JsonObject = {"asset": {"version": "2.0", **credit}, **({"scene": 0} if lists.get("scenes") else {})}
    return Scene({**tree, **{key: value for key, value in lists.items() if value}}, limits=source.limits)


class AccessorCopier:
    """Copies accessors of one scene into the draft of another."""

    def __init__(self, source: Scene, draft: Draft) -> None:
        self._source = source
        self._draft = draft
        self._done: dict[tuple[int, int | None, bool], int] = {}

    def copy(self, index: int, *, target: int | None = None, bounds: bool = False) -> int:
        """The index in the draft of accessor `index`. Raises `BrokenData` where it cannot be read."""
        if (index, target, bounds) not in self._done:
            entry = self._source.list_of("accessors")[index]
            made = self._draft.add_accessor(
                read(self._source, index),
                normalized=entry.get("normalized", False),
                bounds=bounds,
                target=target,
            )
            self._draft.json["accessors"][made] |= {key: copy(entry[key]) for key in _KEPT if key in entry}
            self._done[index, target, bounds] = made
        return self._done[index, target, bounds]

    def geometry(self, primitive: JsonObject) -> JsonObject:
        """What a primitive is drawn from: `attributes`, `indices`, `targets`, `mode`, with accessors of the draft."""
        made: JsonObject = {"attributes": self._attributes(primitive["attributes"])}
        if "indices" in primitive:
            made["indices"] = self.copy(primitive["indices"], target=ELEMENT_ARRAY_BUFFER)
        if "mode" in primitive:
            made["mode"] = primitive["mode"]
        if "targets" in primitive:
            made["targets"] = [self._attributes(target) for target in primitive["targets"]]
        return made

    def _attributes(self, attributes: JsonObject) -> JsonObject:
        return {
            name: self.copy(index, target=ARRAY_BUFFER, bounds=name == "POSITION") for name, index in attributes.items()
        }

    def animation(self, animation: JsonObject) -> JsonObject:
        """An animation, all of it, with accessors of the draft."""
        made: JsonObject = copy(animation)
        for sampler in made["samplers"]:
            sampler["input"] = self.copy(sampler["input"], bounds=True)
            sampler["output"] = self.copy(sampler["output"])
        return made
