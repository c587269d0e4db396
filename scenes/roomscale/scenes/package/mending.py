"""A package with all mended that needs no choice: in its entry, in its parts, and in what its manifest says of them.

Rule: what is mended has other bytes, so another hash, another name and another row; nothing else changes, and nothing
is written here. A file that is missing, or is not the one that the manifest names, nobody can make out of what is
left: the scene must be packed again. `mend` never renumbers, so what parts replace is still where they say.
"""

from __future__ import annotations

from dataclasses import replace

from roomscale.scenes.document import Scene, parse_scene
from roomscale.scenes.drawn import mesh_triangles
from roomscale.scenes.embed import to_glb
from roomscale.scenes.errors import SceneError
from roomscale.scenes.findings import Finding, Severity, pointer
from roomscale.scenes.images import BadImage, media_type_of, read_header
from roomscale.scenes.mend import mend
from roomscale.scenes.package.manifest import ENTRY_TYPE, FileRef, Manifest, Part
from roomscale.scenes.package.verify import PackageFiles
from roomscale.scenes.package.write import MANIFEST, SUFFIXES, entry_name, file_ref


def mend_package(manifest: Manifest, files: PackageFiles) -> tuple[Manifest, PackageFiles, list[Finding]]:
    """The package mended, and a note for each change; as it is, if there is none. Never raises for what it holds."""
    mender = _Mender(files)
    entry = mender.model(manifest.entry, entry_name(manifest))
    parts = tuple(mender.part(part, index) for index, part in enumerate(manifest.parts))
    if not mender.notes:
        return manifest, files, []
    place = manifest.entry_mxc if entry == manifest.entry else ""
    mended = replace(manifest, entry=entry, parts=parts, entry_mxc=place)
    return mended, files.changed(mended, mender.made), mender.notes


class _Mender:
    """`made`: SHA-256 → the file, of what was mended. `notes`: what that was."""

    def __init__(self, files: PackageFiles) -> None:
        self._files = files
        self._done: dict[str, FileRef] = {}
        self.made: dict[str, bytes] = {}
        self.notes: list[Finding] = []

    def model(self, ref: FileRef, name: str) -> FileRef:
        """The mended form of a .glb of the package; the same where there is nothing to mend."""
        if ref.sha256 not in self._done:
            self._done[ref.sha256] = self._mended(ref, name)
        return self._done[ref.sha256]

    def _mended(self, ref: FileRef, name: str) -> FileRef:
        try:
            scene = self._scene(ref)
            mended, notes = mend(scene)
            data = to_glb(mended) if notes else b""
        except SceneError:
            return ref  # `verify` says what is wrong
        if not notes:
            return ref
        self.notes += [Finding(note.code, note.severity, f"{name}#{note.pointer}", note.message) for note in notes]
        new = file_ref(data)
        self.made[new.sha256] = data
        return new

    def _scene(self, ref: FileRef) -> Scene:
        return parse_scene(self.made.get(ref.sha256) or self._files.read(ref))

    def part(self, part: Part, index: int) -> Part:
        """A row, for the mended file, that says what the file is."""
        old = FileRef(part.sha256, part.bytes)
        if part.type == ENTRY_TYPE:
            new = self.model(old, self._files.name(part.sha256))
            if new != old:
                part = replace(part, sha256=new.sha256, bytes=new.bytes, mxc="")
        try:
            return self._row(part, pointer("parts", index))
        except (SceneError, BadImage):
            return part

    def _row(self, part: Part, place: str) -> Part:
        """A row with the type and the size that its file has."""
        ref = FileRef(part.sha256, part.bytes)
        kind, size = part.type, part.size
        if part.kind == "meshes" and size:
            scene = self._scene(ref)
            size = (sum(mesh_triangles(scene, mesh) for mesh in range(len(scene.list_of("meshes")))),)
        elif part.kind == "images":
            data = self._files.read(ref)
            actual, header = media_type_of(data), read_header(data)
            if header is not None and size:
                size = (header.width, header.height)
            if actual in SUFFIXES and actual != kind:
                kind = actual
                self.made[part.sha256] = bytes(data)  # it has another name then
        for key, old, new in (("type", part.type, kind), ("size", part.size, size)):
            if new != old:
                told = f"it is {new} now, as the file is"
                self.notes.append(Finding("MENDED_PACKAGE_ROW", Severity.INFO, f"{MANIFEST}#{place}/{key}", told))
        return replace(part, type=kind, size=size)
