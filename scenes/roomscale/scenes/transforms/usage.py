"""What accessors are used for, as far as glTF itself says; what shares bytes must be used alike.

Rule: reading only. Accessors that only extensions name have the use "".
"""

from __future__ import annotations

from roomscale.scenes.jsonio import JsonObject

VERTICES, INDICES, TIMES, BINDS = "vertices", "indices", "times", "binds"


def uses_of(json: JsonObject) -> dict[int, set[str]]:
    """Accessor → its uses: `VERTICES:NORMAL` and the like, `INDICES`, `TIMES`, `BINDS`, or the path that it animates.

    Attributes that come in sets (`TEXCOORD_1`) are named without the number; those of morph targets begin with
    `TARGET:` instead. Paths: translation, rotation, scale, weights, pointer.
    """
    uses: dict[int, set[str]] = {}
    for mesh in json.get("meshes", ()):
        for primitive in mesh["primitives"]:
            for name, index in primitive["attributes"].items():
                uses.setdefault(index, set()).add(f"{VERTICES}:{_set_free(name)}")
            for target in primitive.get("targets", ()):
                for name, index in target.items():
                    uses.setdefault(index, set()).add(f"TARGET:{_set_free(name)}")
            if "indices" in primitive:
                uses.setdefault(primitive["indices"], set()).add(INDICES)
    for skin in json.get("skins", ()):
        if "inverseBindMatrices" in skin:
            uses.setdefault(skin["inverseBindMatrices"], set()).add(BINDS)
    for animation in json.get("animations", ()):
        _animation_uses(animation, uses)
    return uses


def _animation_uses(animation: JsonObject, uses: dict[int, set[str]]) -> None:
    paths: dict[int, set[str]] = {}
    for channel in animation["channels"]:
        paths.setdefault(channel["sampler"], set()).add(str(channel["target"].get("path", "")))
    for number, sampler in enumerate(animation["samplers"]):
        uses.setdefault(sampler["input"], set()).add(TIMES)
        uses.setdefault(sampler["output"], set()).update(paths.get(number, {""}))


def _set_free(name: str) -> str:
    head, _, number = name.rpartition("_")
    return head if head and number.isdigit() and not name.startswith("_") else name
