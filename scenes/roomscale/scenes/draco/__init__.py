"""Geometry that Draco compressed (KHR_draco_mesh_compression), made plain: Blender exports it where Compression is on.

Rule: an accessor keeps its index, name, type and count, and gets contents; what it says to decode to is compared with
the limits before anything is decoded. Draco is C++ that reads hostile bytes, so `worker` runs it in a process of its
own, and `runner` bounds that. Nothing here writes Draco.
"""

from __future__ import annotations

from dataclasses import dataclass

from roomscale.scenes import jsonio
from roomscale.scenes.accessors import Layout, layout_of
from roomscale.scenes.document import Scene
from roomscale.scenes.draco.runner import Compressed, DracoError, decode
from roomscale.scenes.draft import ARRAY_BUFFER, ELEMENT_ARRAY_BUFFER, Draft
from roomscale.scenes.errors import BrokenData, UnpackableScene
from roomscale.scenes.findings import pointer
from roomscale.scenes.jsonio import JsonObject
from roomscale.scenes.transforms.declare import undeclare

DRACO = "KHR_draco_mesh_compression"
TRIANGLES = 4


def without_draco(scene: Scene) -> Scene:
    """The scene with plain geometry only. Copies in Draco's form of what is there plainly are left out.

    Raises `UnpackableScene` for strips of triangles, which no exporter makes, `BrokenData` for what does not decode.
    """
    if DRACO not in scene.list_of("extensionsUsed"):
        return scene
    jobs = [job for job in _jobs(scene) if not _is_plain(scene, job.primitive)]
    draft = Draft(scene)
    if jobs:
        _fill(draft, scene, jobs)
    for mesh in draft.json.get("meshes", []):
        for primitive in mesh["primitives"]:
            if primitive.get("extensions", {}).pop(DRACO, None) is not None and not primitive["extensions"]:
                del primitive["extensions"]
    undeclare(draft.json, (DRACO,))
    return draft.finish()


@dataclass(frozen=True)
class _Job:
    """A primitive that Draco compressed, the `place`-th of a mesh."""

    mesh: int
    place: int
    primitive: JsonObject

    @property
    def where(self) -> str:
        return pointer("meshes", self.mesh, "primitives", self.place)

    @property
    def draco(self) -> JsonObject:
        told: JsonObject = self.primitive["extensions"][DRACO]
        return told


def _jobs(scene: Scene) -> list[_Job]:
    return [
        _Job(number, place, primitive)
        for number, mesh in enumerate(scene.list_of("meshes"))
        for place, primitive in enumerate(mesh["primitives"])
        if DRACO in primitive.get("extensions", {})
    ]


def _is_plain(scene: Scene, primitive: JsonObject) -> bool:
    """Whether what Draco compressed is there without it, too."""
    compressed = primitive["extensions"][DRACO]["attributes"]
    indices = [index for name, index in primitive["attributes"].items() if name in compressed]
    indices += [primitive["indices"]] if "indices" in primitive else []
    return all("bufferView" in scene.list_of("accessors")[index] for index in indices)


def _fill(draft: Draft, scene: Scene, jobs: list[_Job]) -> None:
    """Give the accessors of these primitives their contents."""
    questions = [_question(scene, job) for job in jobs]
    total = sum(layout.decoded_bytes for question in questions for layout in question.layouts())
    stored = sum(len(question.data) for question in questions)
    if total > min(scene.limits.decoded_bytes, scene.limits.zero_bytes + scene.limits.draco_ratio * stored):
        raise BrokenData("DECODED_TOO_LARGE", "/meshes", f"Draco unpacks to {total:,} bytes, too many")
    try:
        answers = decode(questions)
    except DracoError as error:
        where = pointer("meshes") if error.at is None else jobs[error.at].where
        raise BrokenData("DRACO_MALFORMED", where, f"Draco: {error}") from error
    filled: dict[int, tuple[int, int]] = {}
    for job, arrays in zip(jobs, answers, strict=True):
        primitive = draft.json["meshes"][job.mesh]["primitives"][job.place]
        for (holder, name, unique), array in zip(_slots(primitive), arrays, strict=True):
            source = (job.draco["bufferView"], unique)
            index = holder[name]
            if filled.setdefault(index, source) != source:  # two meshes share an accessor, and differ
                draft.json["accessors"].append(jsonio.copy(draft.json["accessors"][index]))
                index = holder[name] = len(draft.json["accessors"]) - 1
                filled[index] = source
            old = draft.json["accessors"][index]
            draft.replace_accessor(
                index,
                array,
                normalized=old.get("normalized", False),
                bounds="min" in old,  # Draco moved them a little
                target=ELEMENT_ARRAY_BUFFER if holder is primitive else ARRAY_BUFFER,
            )


def _slots(primitive: JsonObject) -> list[tuple[JsonObject, str, int]]:
    """(what names an accessor, by which key, its id in the Draco mesh), in the order in which arrays are asked for."""
    attributes = primitive["extensions"][DRACO]["attributes"]
    slots = [(primitive["attributes"], name, unique) for name, unique in attributes.items()]
    return slots + ([(primitive, "indices", -1)] if "indices" in primitive else [])


def _question(scene: Scene, job: _Job) -> Compressed:
    if job.primitive.get("mode", TRIANGLES) != TRIANGLES:
        raise UnpackableScene(
            f"{job.where} is a strip of triangles that Draco compressed; export it without compression"
        )
    accessors, attributes = scene.list_of("accessors"), job.draco["attributes"]
    if missing := sorted(set(attributes) - set(job.primitive["attributes"])):
        raise BrokenData("UNRESOLVED_REFERENCE", job.where, f"Draco holds {missing[0][:40]!a}, the primitive does not")

    def layout(index: int) -> Layout:
        if "sparse" in accessors[index]:
            raise UnpackableScene(f"{job.where} is sparse beneath Draco; export it without compression")
        return layout_of(accessors[index], pointer("accessors", index))

    return Compressed(
        scene.view(job.draco["bufferView"]),
        tuple((unique, layout(job.primitive["attributes"][name])) for name, unique in attributes.items()),
        layout(job.primitive["indices"]) if "indices" in job.primitive else None,
    )
