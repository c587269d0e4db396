"""Which transforms a package is made by, and the form that they start from.

Rule: the base is the scene as it is at the highest level, uncompressed; entry and parts share its indices.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from roomscale.scenes.accessors import layout_of
from roomscale.scenes.document import Scene
from roomscale.scenes.draft import Draft
from roomscale.scenes.extent import bounds
from roomscale.scenes.findings import pointer
from roomscale.scenes.kept import Store
from roomscale.scenes.package.copies import AccessorCopier
from roomscale.scenes.package.sources import with_one_source
from roomscale.scenes.package.unpacked import unpacked
from roomscale.scenes.transforms.compress import compress
from roomscale.scenes.transforms.dedupe import dedupe
from roomscale.scenes.transforms.merge import merge
from roomscale.scenes.transforms.pipeline import FEWER_DRAWS
from roomscale.scenes.transforms.prune import prune
from roomscale.scenes.transforms.quantise import quantise
from roomscale.scenes.transforms.reorder import reorder
from roomscale.scenes.transforms.resample import resample
from roomscale.scenes.transforms.shrink import shrink
from roomscale.scenes.transforms.simplify import simplify
from roomscale.scenes.transforms.sparse import dense, sparse
from roomscale.scenes.transforms.unread import without_unread
from roomscale.scenes.transforms.weld import weld

ENTRY_RATIO = 0.25
"""Of the triangles, what the entry keeps if shapes allow it."""
ENTRY_ERROR = 0.01
"""How far a surface of the entry may be from where it is, by the length of its mesh."""
GROUND_ERROR = 0.03
"""Metres. The same where visitors walk on what they see, because no collider says what is solid: feet must not sink."""
WORTH_A_PART = 0.75
"""A mesh that keeps more of its bytes than this stays whole: its part would repeat it."""
_COLLIDERS = frozenset({"OMI_physics_body", "OMI_collider", "KHR_physics_rigid_bodies", "MOZ_hubs_components"})


def _rounded(scene: Scene) -> Scene:
    """The scene with rounded numbers, and what that made equal joined."""
    result = weld(quantise(scene))
    return scene if result is scene else prune(dedupe(result))


Step = tuple[str, Callable[[Scene], Scene]]


def base_steps(*, join: bool, store: Store | None = None) -> list[Step]:
    """Name → transform, in this order. Rounding needs the whole scene: how large a mesh stands in it is said by nodes.

    `join`: still meshes of one material too. `store`: where it may stand what images show.
    """
    return [
        ("unpack", unpacked),
        ("one image per texture", with_one_source),
        ("dedupe", lambda scene: dedupe(scene, store=store)),
        ("prune", lambda scene: prune(without_unread(scene))),
        ("dense", dense),
        *([("join", FEWER_DRAWS["join"])] if join else []),
        ("resample", resample),
        ("round", _rounded),
    ]


def simplified(base: Scene) -> tuple[Scene, list[int]]:
    """The base with its static meshes simplified, and which they are. Raises `BrokenData`."""
    simple = simplify(base, ratio=ENTRY_RATIO, error=_entry_error(base))
    if simple is base:
        return base, []
    changed = [index for index in range(len(base.list_of("meshes"))) if _counts(base, index) != _counts(simple, index)]
    whole = [index for index in changed if mesh_bytes(simple, index) > WORTH_A_PART * mesh_bytes(base, index)]
    if whole:
        simple = _with_meshes_of(base, simple, whole)
    return simple, [index for index in changed if index not in set(whole)]


def as_entry(simple: Scene) -> Scene:
    """The entry's numbers in the smallest types that every viewer reads. Raises `BrokenData`."""
    return shrink(merge(sparse(quantise(simple, integers=True))))


def as_part(scene: Scene) -> Scene:
    """A part's scene, whose numbers are rounded already, with its data compressed. Raises `BrokenData`."""
    return shrink(merge(compress(sparse(reorder(scene), compressed=True))))


def mesh_bytes(scene: Scene, mesh: int) -> int:
    """What the vertices and triangles of a mesh take uncompressed."""
    accessors = scene.list_of("accessors")
    return sum(
        layout_of(accessors[index], pointer("accessors", index)).decoded_bytes for index in set(_accessors(scene, mesh))
    )


def _entry_error(base: Scene) -> float:
    """What simplifying may do to a mesh, as a part of its length."""
    if _COLLIDERS.intersection(base.list_of("extensionsUsed")):
        return ENTRY_ERROR
    low, high = bounds(base)
    size = float(np.max(high - low))
    return min(ENTRY_ERROR, GROUND_ERROR / size) if np.isfinite(size) and size > 0 else ENTRY_ERROR


def _with_meshes_of(base: Scene, simple: Scene, meshes: list[int]) -> Scene:
    """`simple`, but for some meshes, which get their geometry from `base` again."""
    draft = Draft(simple)
    copier = AccessorCopier(base, draft)
    for index in meshes:
        pairs = zip(draft.json["meshes"][index]["primitives"], base.list_of("meshes")[index]["primitives"], strict=True)
        for primitive, original in pairs:
            primitive.update(copier.geometry(original))
    return draft.finish()


def _counts(scene: Scene, mesh: int) -> list[int]:
    accessors = scene.list_of("accessors")
    return [accessors[index]["count"] for index in _accessors(scene, mesh)]


def _accessors(scene: Scene, mesh: int) -> Iterator[int]:
    """The accessors of a mesh but for its morph targets, which what is simplified has not."""
    for primitive in scene.list_of("meshes")[mesh]["primitives"]:
        yield from primitive["attributes"].values()
        if "indices" in primitive:
            yield primitive["indices"]
