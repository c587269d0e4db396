"""A scene without compressed data: what an entry, which every viewer opens, is made from.

Rule: accessors stay as they are; only the bytes that they look at are stored plainly.
"""

from __future__ import annotations

from roomscale.scenes.compressed import MESHOPT_EXTENSIONS, decoded_view, is_compressed
from roomscale.scenes.document import Scene
from roomscale.scenes.draco import without_draco
from roomscale.scenes.draft import Draft
from roomscale.scenes.references import references
from roomscale.scenes.transforms.declare import undeclare


def unpacked(scene: Scene) -> Scene:
    """The scene with all that meshopt or Draco compressed decoded.

    Raises `BrokenData` for what does not decode, `UnpackableScene` as `without_draco` does.
    """
    scene = without_draco(scene)
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
