"""The shape of the JSON: types, required properties, ranges, references, declared extensions.

Rule: everything that runs after this one may rely on types and references, because it only runs when they are right.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from roomscale.scenes import jsonio
from roomscale.scenes.checks.extensions import EXTENSIONS
from roomscale.scenes.checks.gltf import ROOT
from roomscale.scenes.checks.walk import Walk
from roomscale.scenes.document import Scene
from roomscale.scenes.errors import RejectedScene, printable
from roomscale.scenes.findings import Findings, pointer

REQUIRABLE = frozenset(
    {name for _, name in EXTENSIONS} | {"KHR_mesh_quantization", "KHR_xmp_json_ld", "VRMC_vrm", "KHR_interactivity"}
)
"""Extensions that a scene may require: the visitor's browser knows them, or shows the rest without harm."""
ONLY_REQUIRED = frozenset({"KHR_mesh_quantization"})
"""Extensions that make no sense as optional ones: without them the data mean something else."""


@dataclass(frozen=True, slots=True)
class _Structure:
    """What one look at a scene gave. `used`: extensions, each with the pointer where it is met first."""

    findings: Findings
    used: dict[str, str]
    is_sound: bool


_structures = WeakKeyDictionary[Scene, _Structure]()
"""A scene is looked at once: it never changes."""


def check_structure(scene: Scene, findings: Findings) -> bool:
    """Compare the JSON with the tables of glTF and its extensions; whether types and references are in order."""
    structure = _structure_of(scene)
    findings.include(structure.findings)
    return structure.is_sound


def _structure_of(scene: Scene) -> _Structure:
    if (known := _structures.get(scene)) is None:
        findings = Findings()
        walk = Walk(scene.json, EXTENSIONS, findings)
        ROOT.check(scene.json, walk)
        is_sound = _look_further(scene, walk, findings)
        known = _structures[scene] = _Structure(findings, walk.used, is_sound)
    return known


def _look_further(scene: Scene, walk: Walk, findings: Findings) -> bool:
    """What no table says; whether the scene is sound."""
    _check_version(scene, findings)
    if len(scene.list_of("nodes")) > scene.limits.nodes:
        findings.error("TOO_MANY_NODES", "/nodes", f"{len(scene.list_of('nodes')):,} nodes are too many")
        return False
    if walk.sound:
        _check_declarations(scene, walk.used, findings)
        _check_names(scene, findings)
    _check_prototype_keys(scene, findings)
    return walk.sound


def require_sound(scene: Scene) -> None:
    """Raise `RejectedScene` unless types and references are in order; for code that changes scenes."""
    structure = _structure_of(scene)
    if not structure.is_sound:
        raise RejectedScene(structure.findings.listed())


def used_extensions(scene: Scene) -> dict[str, str]:
    """The extensions that really stand in the scene, each with the pointer where it is met first."""
    return dict(_structure_of(scene).used)


def _check_version(scene: Scene, findings: Findings) -> None:
    asset = scene.json.get("asset")
    if not isinstance(asset, dict):
        return
    version, least = _version(asset.get("version")), _version(asset.get("minVersion"))
    if version is not None and version[0] != 2:
        findings.error("UNKNOWN_ASSET_MAJOR_VERSION", "/asset/version", "only glTF 2 is read")
    elif version is not None and version[1] != 0:
        findings.warn("UNKNOWN_ASSET_MINOR_VERSION", "/asset/version", "this is a newer glTF than 2.0")
    if least is None:
        return
    if version is not None and least > version:
        findings.error("ASSET_MIN_VERSION_GREATER_THAN_VERSION", "/asset/minVersion", "minVersion exceeds version")
    elif least > (2, 0) and scene.list_of("nodes"):
        findings.error("UNKNOWN_ASSET_MIN_VERSION", "/asset/minVersion", "it asks for a newer glTF than 2.0")
    elif least > (2, 0):
        findings.warn("UNKNOWN_ASSET_MIN_VERSION", "/asset/minVersion", "it asks for a newer glTF than 2.0")


def _version(value: Any) -> tuple[int, int] | None:
    if not isinstance(value, str):
        return None
    major, _, minor = value.partition(".")
    return (int(major), int(minor)) if _short_number(major) and _short_number(minor) else None


def _short_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10


def _check_declarations(scene: Scene, used: dict[str, str], findings: Findings) -> None:
    declared, required = scene.list_of("extensionsUsed"), scene.list_of("extensionsRequired")
    for name, where in used.items():
        if name not in declared:
            findings.error(
                "UNDECLARED_EXTENSION",
                where,
                f"{printable(name)} is used but not listed in extensionsUsed",
                mendable=True,
            )
    for index, name in enumerate(required):
        where, shown = pointer("extensionsRequired", index), printable(name)
        if name not in declared:
            findings.error(
                "UNUSED_EXTENSION_REQUIRED",
                where,
                f"{shown} is required but not listed in extensionsUsed",
                mendable=True,
            )
        if name not in REQUIRABLE:
            findings.error(
                "UNSUPPORTED_REQUIRED_EXTENSION",
                where,
                f"{shown} is required, and a visitor's browser does not know it",
                hint="export without it; if the scene shows without, list it in extensionsUsed only",
            )
    for index, name in enumerate(declared):
        if name in ONLY_REQUIRED and name not in required:
            findings.error(
                "NON_REQUIRED_EXTENSION",
                pointer("extensionsUsed", index),
                f"{name} cannot be optional; list it in extensionsRequired too",
                mendable=True,
            )


def _check_names(scene: Scene, findings: Findings) -> None:
    for key in ("scenes", "nodes", "meshes", "materials", "images", "textures", "animations", "cameras", "skins"):
        for index, item in enumerate(scene.list_of(key)):
            name = item.get("name", "")
            if not name.isprintable() or len(name) > scene.limits.name_chars:
                findings.warn(
                    "UNPRINTABLE_NAME",
                    pointer(key, index, "name"),
                    f"the name {printable(name)} is too long, or holds control or invisible characters",
                )


def _check_prototype_keys(scene: Scene, findings: Findings) -> None:
    """`{"constructor": {"prototype": …}}` is how careless scripts in browsers are made to change all objects."""
    if not jsonio.may_hold(scene.json, "constructor"):
        return
    todo: list[Any] = [scene.json]
    while todo:
        item = todo.pop()
        if type(item) is dict:
            inner = item.get("constructor")
            if type(inner) is dict and "prototype" in inner:
                findings.error("FORBIDDEN_KEY", "", 'the keys "constructor" and "prototype" inside it are refused')
            item = item.values()
        todo += [child for child in item if type(child) is dict or type(child) is list]
