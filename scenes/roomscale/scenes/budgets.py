"""What a scene costs whoever visits it, and whether a phone, a desktop or a headset can pay.

Rule: counted from JSON and headers, nothing is decoded; a budget is advice, so all findings are warnings.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from roomscale.scenes.checks.structure import require_sound
from roomscale.scenes.document import Scene
from roomscale.scenes.drawn import draws_of, primitive_triangles
from roomscale.scenes.errors import SceneError
from roomscale.scenes.findings import Finding, Findings, pointer
from roomscale.scenes.images import BadImage, read_header
from roomscale.scenes.jsonio import JsonObject
from roomscale.scenes.placement import world_matrices

MIPMAPS = 4 / 3
"""A texture's smaller copies on the GPU take a third of it again."""


@dataclass(frozen=True, slots=True)
class Costs:
    """What a scene asks for, as it is now, uncompressed on the GPU."""

    file_bytes: int
    """Bytes to download."""
    triangles: int
    """Triangles drawn, each as often as nodes and instances show it."""
    draws: int
    """Draw calls before the client joins static meshes: primitives shown."""
    texture_bytes: int
    """Bytes of all textures on the GPU, RGBA with mipmaps."""
    largest_edge: int
    """Pixels of the longest edge of any image."""
    lights: int
    """Punctual lights shown."""
    materials: int
    """Materials."""
    bones: int
    """Joints of the largest skin."""
    entry_bytes: int | None = None
    """Bytes that must be there before anything is seen; None: nobody knows before the scene is packed."""


@dataclass(frozen=True, slots=True)
class Budget:
    """How much of each a device takes; None: does not matter there. Units as in `Costs`."""

    file_bytes: int | None = None
    triangles: int | None = None
    draws: int | None = None
    texture_bytes: int | None = None
    largest_edge: int | None = None
    lights: int | None = None
    materials: int | None = None
    bones: int | None = None
    entry_bytes: int | None = None


PROFILES = {
    "mobile": Budget(15_000_000, 100_000, 150, 200_000_000, 2048, 4, entry_bytes=3_000_000),
    "desktop": Budget(60_000_000, 1_000_000, 1_000, 1_000_000_000, 4096, 16, entry_bytes=10_000_000),
    "vr": Budget(30_000_000, 200_000, 150, 400_000_000, 2048, 4, entry_bytes=5_000_000),
    "avatar": Budget(8_000_000, 30_000, 16, None, 1024, 0, 8, 128),
}
"""Device → what it takes and still draws smoothly."""

_MEANINGS = {
    "file_bytes": "bytes to download before anything is sharp",
    "triangles": "triangles in each frame",
    "draws": "draw calls in each frame, unless meshes can be joined",
    "texture_bytes": "bytes of textures on the GPU; past that, tabs are killed",
    "largest_edge": "pixels on the longest edge of an image",
    "lights": "lights, each of which every pixel pays for",
    "materials": "materials, each of which is a draw call",
    "bones": "bones of one skin",
    "entry_bytes": "bytes to download before anything is seen",
}


def costs(scene: Scene) -> Costs:
    """Count what a scene asks for. Raises `RejectedScene` if its structure is broken."""
    require_sound(scene)
    primitives = [primitive_triangles(scene, mesh) for mesh in scene.list_of("meshes")]
    triangles = lights = 0
    for index in world_matrices(scene):
        node = scene.list_of("nodes")[index]
        lights += "KHR_lights_punctual" in node.get("extensions", {})
        if "mesh" in node:
            copies = _instances(scene, node)
            triangles += sum(primitives[node["mesh"]]) * copies
    images = image_costs(scene)
    return Costs(
        file_bytes=_file_bytes(scene),
        triangles=triangles,
        draws=draws_of(scene),
        texture_bytes=sum(image.gpu_bytes for image in images),
        largest_edge=max((max(image.width, image.height) for image in images), default=0),
        lights=lights,
        materials=len(scene.list_of("materials")),
        bones=max((len(skin["joints"]) for skin in scene.list_of("skins")), default=0),
    )


def exceeds(actual: int | None, allowed: int | None) -> bool:
    """Whether a cost is known, bounded, and above its bound."""
    return actual is not None and allowed is not None and actual > allowed


def check_budget(counted: Costs, budget: Budget, profile: str) -> list[Finding]:
    """Compare a scene's costs with a budget; `profile`: its name, for messages."""
    findings = Findings()
    for item in fields(Budget):
        allowed, actual = getattr(budget, item.name), getattr(counted, item.name)
        if exceeds(actual, allowed):
            findings.warn(
                f"BUDGET_{item.name.upper()}",
                "",
                f"{actual:,} {_MEANINGS[item.name]}; for {profile} at most {allowed:,}",
            )
    if counted.entry_bytes is None and budget.entry_bytes is not None:
        most = f"for {profile} at most {budget.entry_bytes:,} {_MEANINGS['entry_bytes']}"
        findings.info("ENTRY_NOT_KNOWN", "", f"{most}: how many there are is known once it is packed")
    return findings.listed()


def _instances(scene: Scene, node: JsonObject) -> int:
    instancing = node.get("extensions", {}).get("EXT_mesh_gpu_instancing")
    if instancing is None:
        return 1
    return min((scene.list_of("accessors")[index]["count"] for index in instancing["attributes"].values()), default=1)


@dataclass(frozen=True, slots=True)
class ImageCosts:
    """What one image costs. `index`: into `images`; `bytes`: in the file; `gpu_bits`: of a pixel."""

    index: int
    media_type: str
    width: int
    height: int
    bytes: int
    gpu_bits: int

    @property
    def gpu_bytes(self) -> int:
        """Bytes on the GPU, mipmaps included."""
        return int(self.width * self.height * self.gpu_bits / 8 * MIPMAPS)


def image_costs(scene: Scene) -> list[ImageCosts]:
    """What each image costs, in their order; one that cannot be read costs nothing, `check` tells of it."""
    found = []
    for index, image in enumerate(scene.list_of("images")):
        try:
            data = (
                scene.resource(image["uri"], pointer("images", index))
                if "uri" in image
                else scene.view(image["bufferView"])
            )
            header = read_header(data)
        except (SceneError, BadImage, KeyError):
            continue
        if header is not None:
            size = (header.width, header.height)
            found.append(ImageCosts(index, header.media_type, *size, len(data), header.gpu_bits))
    return found


def _file_bytes(scene: Scene) -> int:
    """What a visitor would download: the file itself and all it names."""
    total = len(scene.raw) if scene.raw is not None else 0
    holders = [*scene.list_of("buffers"), *scene.list_of("images")]
    for uri in {holder["uri"] for holder in holders if "uri" in holder}:
        if uri[:5].lower() != "data:":
            try:
                total += len(scene.resource(uri, ""))
            except SceneError:
                continue
    return total
