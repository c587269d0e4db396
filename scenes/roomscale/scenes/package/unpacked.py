"""A scene without compressed data: what an entry, which every viewer opens, is made from.

Rule: accessors stay as they are; only the bytes that they look at are stored plainly.
"""

from __future__ import annotations

from roomscale.scenes import jsonio
from roomscale.scenes.compressed import MESHOPT_EXTENSIONS, decoded_view, is_compressed
from roomscale.scenes.document import Scene
from roomscale.scenes.draft import Draft
from roomscale.scenes.errors import UnpackableScene
from roomscale.scenes.findings import pointer
from roomscale.scenes.references import references

DRACO = "KHR_draco_mesh_compression"


def unpacked(scene: Scene) -> Scene:
    """The scene with all that meshopt compressed decoded, and Draco's copies of plain geometry left out.

    Raises `UnpackableScene` for geometry that Draco alone holds, `BrokenData` for what does not decode.
    """
    scene = _without_draco(scene)
    views = [index for index, view in enumerate(scene.list_of("bufferViews")) if is_compressed(view)]
    if not views:
        return scene
    draft = Draft(scene)
    moved: dict[int, int] = {}
    for index in views:
        view = scene.list_of("bufferViews")[index]
        moved[index] = draft.add_view(
            decoded_view(scene, index), stride=view.get("byteStride"), target=view.get("target")
        )
    for reference in references(draft.json):
        if reference.kind == "bufferViews" and reference.index in moved:
            reference.set(moved[reference.index])
    undeclare(draft.json, MESHOPT_EXTENSIONS)
    return draft.finish()


def _without_draco(scene: Scene) -> Scene:
    if DRACO not in scene.list_of("extensionsUsed"):
        return scene
    json = jsonio.copy(scene.json)
    for number, mesh in enumerate(json.get("meshes", [])):
        for place, primitive in enumerate(mesh["primitives"]):
            if primitive.get("extensions", {}).pop(DRACO, None) is None:
                continue
            where = pointer("meshes", number, "primitives", place)
            indices = [*primitive["attributes"].values(), *([primitive["indices"]] if "indices" in primitive else [])]
            if any("bufferView" not in json["accessors"][index] for index in indices):
                raise UnpackableScene(
                    f"{where} is compressed by Draco alone, which cannot be unpacked here: export it without "
                    "compression (Blender: Geometry > Compression off); packing compresses it"
                )
            if not primitive["extensions"]:
                del primitive["extensions"]
    undeclare(json, (DRACO,))
    return scene.changed(json)


def undeclare(json: jsonio.JsonObject, names: tuple[str, ...]) -> None:
    """Take extensions out of the lists of those that are used; changes `json`."""
    for key in ("extensionsUsed", "extensionsRequired"):
        if key in json:
            json[key] = [name for name in json[key] if name not in names]
            if not json[key]:
                del json[key]
