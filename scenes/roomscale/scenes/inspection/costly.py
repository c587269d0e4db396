"""What the bytes of a scene are for, and which images, meshes, animations and sounds have the most of them.

Rule: bytes as they lie in the file (compressed ones as such); what several entries share counts with each of them, so
lists add up to more than the file, `shares` add up to it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from roomscale.scenes import jsonio
from roomscale.scenes.accessors import layout_of
from roomscale.scenes.budgets import image_costs
from roomscale.scenes.compressed import MESHOPT_EXTENSIONS
from roomscale.scenes.document import AUDIO_EXTENSIONS, Scene
from roomscale.scenes.drawn import mesh_triangles
from roomscale.scenes.errors import BrokenData, SceneError
from roomscale.scenes.findings import pointer
from roomscale.scenes.images import media_type_of
from roomscale.scenes.jsonio import JsonObject
from roomscale.scenes.placement import world_matrices

DRACO = "KHR_draco_mesh_compression"


@dataclass(frozen=True, slots=True)
class NamedImage:
    """An image. `bytes`: in the file; `gpu_bytes`: with mipmaps; `textures`: how many use it."""

    index: int
    name: str
    media_type: str
    width: int
    height: int
    bytes: int
    gpu_bytes: int
    textures: int


@dataclass(frozen=True, slots=True)
class MeshCosts:
    """A mesh. `triangles`: of one copy; `shown`: by how many nodes of the scene; `draws`: calls for one copy."""

    index: int
    name: str
    triangles: int
    draws: int
    shown: int
    bytes: int


@dataclass(frozen=True, slots=True)
class AnimationCosts:
    """An animation. `seconds`: by its declared times; `keys`: values of all its samplers."""

    index: int
    name: str
    seconds: float
    channels: int
    keys: int
    bytes: int


@dataclass(frozen=True, slots=True)
class SoundCosts:
    """A sound. `form`: the extension that holds it."""

    form: str
    index: int
    name: str
    media_type: str
    bytes: int


def images(scene: Scene) -> list[NamedImage]:
    """All images whose header can be read, those that take most of the GPU first."""
    uses = Counter(source for texture in scene.list_of("textures") for source in _sources(texture))
    found = [
        NamedImage(
            image.index,
            _name(scene, "images", image.index),
            image.media_type,
            image.width,
            image.height,
            image.bytes,
            image.gpu_bytes,
            uses[image.index],
        )
        for image in image_costs(scene)
    ]
    return sorted(found, key=lambda image: (-image.gpu_bytes, -image.bytes, image.index))


def _sources(texture: JsonObject) -> set[int]:
    held = [texture, *texture.get("extensions", {}).values()]
    return {part["source"] for part in held if isinstance(part, dict) and isinstance(part.get("source"), int)}


def meshes(scene: Scene) -> list[MeshCosts]:
    """All meshes, those with most triangles on the screen first."""
    nodes = scene.list_of("nodes")
    shown = Counter(nodes[index]["mesh"] for index in world_matrices(scene) if "mesh" in nodes[index])
    found = [
        MeshCosts(
            index,
            _name(scene, "meshes", index),
            mesh_triangles(scene, index),
            len(mesh["primitives"]),
            shown[index],
            _bytes_of(scene, _mesh_accessors(mesh), _draco_views(mesh)),
        )
        for index, mesh in enumerate(scene.list_of("meshes"))
    ]
    return by_triangles(found)


def by_triangles(found: Iterable[MeshCosts]) -> list[MeshCosts]:
    """Those with most triangles on the screen first, of several those with most bytes."""
    return sorted(found, key=lambda mesh: (-mesh.triangles * mesh.shown, -mesh.bytes, mesh.index))


def _mesh_accessors(mesh: JsonObject) -> set[int]:
    found: set[int] = set()
    for primitive in mesh["primitives"]:
        found.update(primitive["attributes"].values())
        found.update(index for target in primitive.get("targets", ()) for index in target.values())
        if "indices" in primitive:
            found.add(primitive["indices"])
    return found


def _draco_views(mesh: JsonObject) -> set[int]:
    held = (primitive.get("extensions", {}).get(DRACO) for primitive in mesh["primitives"])
    return {draco["bufferView"] for draco in held if draco is not None}


def animations(scene: Scene) -> list[AnimationCosts]:
    """All animations, those of most bytes first."""
    accessors = scene.list_of("accessors")
    found = []
    for index, animation in enumerate(scene.list_of("animations")):
        samplers = animation["samplers"]
        ends = [bound for sampler in samplers for bound in accessors[sampler["input"]].get("max", ())[:1]]
        found.append(
            AnimationCosts(
                index,
                _name(scene, "animations", index),
                float(max(ends, default=0.0)),
                len(animation["channels"]),
                sum(accessors[sampler["output"]]["count"] for sampler in samplers),
                _bytes_of(scene, {sampler[end] for sampler in samplers for end in ("input", "output")}),
            )
        )
    return by_bytes(found)


def by_bytes(found: Iterable[AnimationCosts]) -> list[AnimationCosts]:
    """Those of most bytes first."""
    return sorted(found, key=lambda animation: (-animation.bytes, animation.index))


def sounds(scene: Scene) -> list[SoundCosts]:
    """All sounds that can be read, the largest first."""
    found = []
    for form, index, audio in _audio(scene):
        try:
            data = scene.resource(audio["uri"], "") if "uri" in audio else scene.view(audio["bufferView"])
        except (SceneError, KeyError):
            continue
        name = audio.get("name") or str(audio.get("uri", ""))
        shown = "" if str(name)[:5].lower() == "data:" else str(name)
        found.append(SoundCosts(form, index, shown, media_type_of(data) or "", len(data)))
    return sorted(found, key=lambda sound: (-sound.bytes, sound.form, sound.index))


def _audio(scene: Scene) -> Iterable[tuple[str, int, JsonObject]]:
    for form in AUDIO_EXTENSIONS:
        for index, audio in enumerate(scene.extension(form).get("audio", ())):
            yield form, index, audio


def shares(scene: Scene) -> dict[str, int]:
    """What the bytes of the scene and its files are for: JSON, images, meshes, animations, sounds, and what is left.

    A bufferView of several uses counts for the first of them; data: URIs count as what they hold.
    """
    uses = _uses(scene)
    found = Counter({"JSON": _json_bytes(scene)})
    for index in range(len(scene.list_of("bufferViews"))):
        found[uses.get(index, "unused or unknown")] += _stored_bytes(scene, index)
    for image in image_costs(scene):
        if "uri" in scene.list_of("images")[image.index]:
            found["images"] += image.bytes
    outside = {(form, index) for form, index, audio in _audio(scene) if "uri" in audio}
    found["sounds"] += sum(sound.bytes for sound in sounds(scene) if (sound.form, sound.index) in outside)
    return {use: count for use, count in found.most_common() if count}


def _uses(scene: Scene) -> dict[int, str]:
    """bufferView → what it is for."""
    uses: dict[int, str] = {}
    views_of = [_accessor_views(accessor) for accessor in scene.list_of("accessors")]
    for image in scene.list_of("images"):
        if "bufferView" in image:
            uses[image["bufferView"]] = "images"
    for _, _, audio in _audio(scene):
        if "bufferView" in audio:
            uses.setdefault(audio["bufferView"], "sounds")
    by_use = (
        ("meshes", (index for mesh in scene.list_of("meshes") for index in _mesh_accessors(mesh))),
        ("animations", _sampler_accessors(scene)),
        ("skins", (skin["inverseBindMatrices"] for skin in scene.list_of("skins") if "inverseBindMatrices" in skin)),
        ("instances", _instance_accessors(scene)),
    )
    for use, accessors in by_use:
        for accessor in accessors:
            for view in views_of[accessor]:
                uses.setdefault(view, use)
    for mesh in scene.list_of("meshes"):
        for view in _draco_views(mesh):
            uses.setdefault(view, "meshes")
    return uses


def _sampler_accessors(scene: Scene) -> Iterable[int]:
    for animation in scene.list_of("animations"):
        for sampler in animation["samplers"]:
            yield from (sampler["input"], sampler["output"])


def _instance_accessors(scene: Scene) -> Iterable[int]:
    for node in scene.list_of("nodes"):
        yield from node.get("extensions", {}).get("EXT_mesh_gpu_instancing", {}).get("attributes", {}).values()


def _accessor_views(accessor: JsonObject) -> list[int]:
    sparse = accessor.get("sparse", {})
    holders = [accessor, sparse.get("indices", {}), sparse.get("values", {})]
    return [holder["bufferView"] for holder in holders if "bufferView" in holder]


def _bytes_of(scene: Scene, accessors: set[int], views: Iterable[int] = ()) -> int:
    """Bytes in the file of accessors, those of compressed views as such, and of whole views."""
    whole, total = set(views), 0
    for index in accessors:
        accessor = scene.list_of("accessors")[index]
        for view in _accessor_views(accessor):
            if _is_compressed(scene, view):
                whole.add(view)
        if "bufferView" in accessor and accessor["bufferView"] not in whole:
            try:
                total += layout_of(accessor, pointer("accessors", index)).decoded_bytes
            except BrokenData:  # of a type from the future
                continue
    return total + sum(_stored_bytes(scene, view) for view in whole)


def _is_compressed(scene: Scene, view: int) -> bool:
    return any(name in scene.list_of("bufferViews")[view].get("extensions", {}) for name in MESHOPT_EXTENSIONS)


def _stored_bytes(scene: Scene, view: int) -> int:
    entry = scene.list_of("bufferViews")[view]
    held = [entry["extensions"][name] for name in MESHOPT_EXTENSIONS if name in entry.get("extensions", {})]
    count: int = (held[0] if held else entry)["byteLength"]
    return count


def _json_bytes(scene: Scene) -> int:
    """Bytes of the JSON without what data: URIs in it hold."""
    if scene.glb is not None:
        return len(scene.glb.json)
    holders = [*scene.list_of("buffers"), *scene.list_of("images"), *(audio for _, _, audio in _audio(scene))]
    uris = [holder["uri"] for holder in holders if "uri" in holder]
    return len(jsonio.dump(scene.json)) - sum(len(uri) for uri in uris if uri[:5].lower() == "data:")


def _name(scene: Scene, key: str, index: int) -> str:
    """The name of an entry; of an image without one, that of its file."""
    entry = scene.list_of(key)[index]
    name, uri = entry.get("name", ""), entry.get("uri", "")
    return str(name or (uri if uri[:5].lower() != "data:" else ""))
