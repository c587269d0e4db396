"""A package put together again: the entry with the parts of a level in their places, as a client shows it.

Rule: what a part does not speak of stays as the entry has it. This is what PACKAGE.md asks of clients, in Python:
proofs compare its result with the scene that was packed.
"""

from __future__ import annotations

from collections.abc import Mapping

from roomscale.scenes.document import Scene, parse_scene
from roomscale.scenes.draft import Draft
from roomscale.scenes.embed import sound_entries
from roomscale.scenes.errors import BadManifest
from roomscale.scenes.images import EXTENSION_OF
from roomscale.scenes.jsonio import JsonObject
from roomscale.scenes.limits import DEFAULT_LIMITS, Limits
from roomscale.scenes.package.copies import AccessorCopier
from roomscale.scenes.package.levels import replacements
from roomscale.scenes.package.manifest import Manifest, Part

_QUANTIZATION = "KHR_mesh_quantization"


def apply(
    entry: Scene,
    manifest: Manifest,
    files: Mapping[str, bytes | memoryview],
    level: int,
    limits: Limits = DEFAULT_LIMITS,
) -> Scene:
    """The scene at `level`. `files`: SHA-256 → a part's bytes, hashes checked (`read_package` does).

    Raises `BadManifest` for a part that names what the entry has not, or that holds less than it names.
    """
    assembly = _Assembly(entry, files, limits)
    for target, part in replacements(manifest, level).items():
        place, number = target.rsplit("/", 1)
        getattr(assembly, part.kind)(place, int(number), part, part.targets.index(target))
    return assembly.finished(manifest)


class _Assembly:
    """The scene being put together; a method for each kind of part."""

    def __init__(self, entry: Scene, files: Mapping[str, bytes | memoryview], limits: Limits) -> None:
        self._draft = Draft(entry)
        self._json = self._draft.json
        self._files = files
        self._limits = limits
        self._copiers: dict[str, tuple[Scene, AccessorCopier]] = {}
        self._animations: dict[int, JsonObject] = {}
        self._types: dict[int, str] = {}

    def images(self, _place: str, index: int, part: Part, _position: int) -> None:
        """Another file for an image."""
        _item(self._json.get("images", []), index, part)
        self._draft.replace_image(index, self._files[part.sha256], part.type)
        self._types[index] = part.type

    def meshes(self, _place: str, index: int, part: Part, position: int) -> None:
        """Another geometry for the primitives of a mesh."""
        scene, copier = self._opened(part)
        primitives = _item(self._json.get("meshes", []), index, part)["primitives"]
        sharper = _item(scene.list_of("meshes"), position, part)["primitives"]
        if len(primitives) != len(sharper):
            raise BadManifest("PART_MISMATCH", "/parts", f"/meshes/{index} has not as many primitives as its part")
        for primitive, other in zip(primitives, sharper, strict=True):
            for key in ("attributes", "indices", "targets", "mode"):
                primitive.pop(key, None)
            primitive.update(copier.geometry(other))

    def animations(self, _place: str, index: int, part: Part, position: int) -> None:
        """An animation, of which the entry has none."""
        scene, copier = self._opened(part)
        self._animations[index] = copier.animation(_item(scene.list_of("animations"), position, part))

    def audio(self, place: str, index: int, part: Part, _position: int) -> None:
        """Another file for a sound."""
        sound = _item(sound_entries(self._json, place.split("/")[2]), index, part)
        sound.pop("uri", None)
        sound |= {"bufferView": self._draft.add_view(self._files[part.sha256]), "mimeType": part.type}

    def _opened(self, part: Part) -> tuple[Scene, AccessorCopier]:
        if part.sha256 not in self._copiers:
            scene = parse_scene(self._files[part.sha256], name=part.sha256, limits=self._limits)
            self._copiers[part.sha256] = scene, AccessorCopier(scene, self._draft)
            if _QUANTIZATION in scene.list_of("extensionsUsed"):
                self._declare(_QUANTIZATION, required=True)
        return self._copiers[part.sha256]

    def finished(self, manifest: Manifest) -> Scene:
        """The scene, with its animations in their order and its extensions declared."""
        if self._animations:
            if sorted(self._animations) != list(range(len(self._animations))):
                raise BadManifest("PART_MISMATCH", "/parts", "the animations have gaps between them")
            self._json["animations"] = [self._animations[index] for index in sorted(self._animations)]
        for texture in self._json.get("textures", []):
            extension = EXTENSION_OF.get(self._types.get(texture.get("source"), ""))
            if extension is not None:
                texture.setdefault("extensions", {})[extension] = {"source": texture.pop("source")}
                self._declare(extension, required=True)
        for name in manifest.required:
            self._declare(name, required=True)
        return self._draft.finish()

    def _declare(self, name: str, *, required: bool) -> None:
        for key in ("extensionsUsed", "extensionsRequired") if required else ("extensionsUsed",):
            names = self._json.setdefault(key, [])
            if name not in names:
                names.append(name)


def _item(items: list[JsonObject], index: int, part: Part) -> JsonObject:
    if index >= len(items):
        raise BadManifest("PART_MISMATCH", "/parts", f"the part {part.sha256[:16]} names more than there is")
    return items[index]
