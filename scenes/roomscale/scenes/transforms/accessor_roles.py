"""What each accessor is for: told from all that names it.

Rule: an accessor that serves two purposes, or that an extension names (save EXT_mesh_gpu_instancing), has no role;
the transforms that ask leave its numbers alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping

from roomscale.scenes.jsonio import JsonObject
from roomscale.scenes.references import Survey
from roomscale.scenes.transforms.pointed import POINTER, UNKNOWN, moved

TRIANGLES = 4
POSITION, NORMAL, TANGENT = "POSITION", "NORMAL", "TANGENT"
TEXCOORD, COLOR, JOINTS, WEIGHTS = "TEXCOORD", "COLOR", "JOINTS", "WEIGHTS"
TRIANGLE_INDICES, INDICES, INVERSE_BIND = "triangles", "indices", "inverseBindMatrices"
TIMES, TRANSLATIONS, ROTATIONS, SCALES, MORPH_WEIGHTS = "times", "translation", "rotation", "scale", "weights"
KEYFRAMES = "keyframes"
"""Outputs of a sampler that say something else: with tangents (CUBICSPLINE), or what a pointer leads to."""
POINTED = "pointer "
"""Before what a channel of KHR_animation_pointer moves, where that is known (`pointed.moved`)."""
TARGET = "target "
"""Before the semantic of a morph target's accessor."""
INSTANCE = "instance "
"""Before the name of an attribute of EXT_mesh_gpu_instancing."""


def accessor_roles(json: JsonObject, survey: Survey | None = None) -> dict[int, str]:
    """Accessor → its one role: a constant of this module, or the name of an application's own attribute.

    `survey`: of `json`, if the caller has one.
    """
    survey = survey or Survey(json)
    seen = Counter(index for index, _ in _named(survey))
    named = survey.counts("accessors")
    return {
        index: next(iter(found))
        for index, found in sorted(accessor_uses(survey).items())
        if len(found) == 1 and seen[index] == named.get(index, 0)
    }


def accessor_uses(survey: Survey) -> dict[int, frozenset[str]]:
    """Accessor → all its roles, for those that something but an unknown extension names."""
    uses: dict[int, frozenset[str]] = {}
    alone: dict[str, frozenset[str]] = {}
    for index, role in _named(survey):
        if role not in alone:
            alone[role] = frozenset({role})
        known = uses.setdefault(index, alone[role])
        if role not in known:
            uses[index] = known | alone[role]
    return uses


def _named(survey: Survey) -> Iterator[tuple[int, str]]:
    """Each place that names an accessor, with what it is for there."""
    for kind, uses_of in _USES.items():
        part = survey.parts.get(kind)
        if part is not None:
            if part.accessor_uses is None:
                part.accessor_uses = list(uses_of(part.entries))
            yield from part.accessor_uses


def vertex_accessors(primitive: JsonObject) -> Iterator[tuple[str, int]]:
    """The (role, accessor) of each attribute of a primitive, and of its morph targets."""
    for name, index in primitive["attributes"].items():
        yield _role_of(name), index
    for target in primitive.get("targets", ()):
        for name, index in target.items():
            yield TARGET + _role_of(name), index


def is_vertex_role(role: str) -> bool:
    """Whether accessors of this role hold one element for each vertex."""
    own = (POSITION, NORMAL, TANGENT, TEXCOORD, COLOR, JOINTS, WEIGHTS)
    return role in own or role.startswith((TARGET, "_"))


def _role_of(semantic: str) -> str:
    return semantic if semantic.startswith("_") else semantic.split("_", maxsplit=1)[0]


def _of_meshes(meshes: Iterable[JsonObject]) -> Iterator[tuple[int, str]]:
    for mesh in meshes:
        for primitive in mesh["primitives"]:
            yield from ((index, role) for role, index in vertex_accessors(primitive))
            if "indices" in primitive:
                is_list = primitive.get("mode", TRIANGLES) == TRIANGLES
                yield primitive["indices"], TRIANGLE_INDICES if is_list else INDICES


def _of_skins(skins: Iterable[JsonObject]) -> Iterator[tuple[int, str]]:
    for skin in skins:
        if "inverseBindMatrices" in skin:
            yield skin["inverseBindMatrices"], INVERSE_BIND


def _of_nodes(nodes: Iterable[JsonObject]) -> Iterator[tuple[int, str]]:
    for node in nodes:
        if "extensions" in node:
            instancing = node["extensions"].get("EXT_mesh_gpu_instancing", {})
            for name, index in instancing.get("attributes", {}).items():
                yield index, INSTANCE + name


def _of_animations(animations: Iterable[JsonObject]) -> Iterator[tuple[int, str]]:
    for animation in animations:
        yield from _keyframes(animation)


def _keyframes(animation: JsonObject) -> Iterator[tuple[int, str]]:
    paths: dict[int, set[str]] = {}
    for channel in animation["channels"]:
        paths.setdefault(channel["sampler"], set()).add(_moved(channel["target"]))
    for number, sampler in enumerate(animation["samplers"]):
        yield sampler["input"], TIMES
        found = paths.get(number, set())
        is_plain = len(found) == 1 and sampler.get("interpolation") != "CUBICSPLINE" and KEYFRAMES not in found
        yield sampler["output"], next(iter(found)) if is_plain else KEYFRAMES


def _moved(target: JsonObject) -> str:
    if target["path"] != POINTER:
        return str(target["path"])
    what, _ = moved(target)
    return KEYFRAMES if what == UNKNOWN else POINTED + what


_USES: Mapping[str, Callable[[Iterable[JsonObject]], Iterator[tuple[int, str]]]] = {
    "meshes": _of_meshes,
    "skins": _of_skins,
    "nodes": _of_nodes,
    "animations": _of_animations,
}
"""A list of the root → the accessors that its entries name, each with its role, as often as it is named."""
