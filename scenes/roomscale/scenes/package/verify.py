"""Whether a packed folder is what its manifest says: every file, the entry, each part by itself, all of them together.

Rule: nothing that is in the folder stops the others; findings name the file that they are in, `file#/pointer` (RFC
3986, 3.5). One file is looked at after another, and what a visitor would hold at once is bounded as a scene is.
Images are judged by their headers, as everywhere; that a sound plays nobody looks at. Follows PACKAGE.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from roomscale.scenes.checks import check
from roomscale.scenes.document import Scene, parse_scene
from roomscale.scenes.drawn import mesh_triangles
from roomscale.scenes.embed import names_files
from roomscale.scenes.errors import BadManifest, SceneError, UnreadableScene, printable
from roomscale.scenes.files import file_names, read_file
from roomscale.scenes.findings import Finding, Findings, Severity, errors_of, pointer
from roomscale.scenes.images import BadImage, media_type_of, read_header
from roomscale.scenes.judgement import judge
from roomscale.scenes.khronos import Validator, merge
from roomscale.scenes.limits import DEFAULT_LIMITS, Limits
from roomscale.scenes.package import manifest as manifests
from roomscale.scenes.package.apply import apply
from roomscale.scenes.package.entry import ALLOWED, is_entry
from roomscale.scenes.package.levels import download_bytes
from roomscale.scenes.package.manifest import ENTRY_TYPE, FileRef, Manifest, Part, read_manifest
from roomscale.scenes.package.write import MANIFEST, PARTS, entry_name, file_ref, is_entry_name, part_names

_URIS = "it holds a URI: all that it needs must be inside"
_AGAIN = "nobody can make it out of the rest: pack the scene again, `roomscale pack SCENE -o FOLDER`"


@dataclass(frozen=True)
class Verified:
    """`findings`: errors first. `manifest`: None if there is none that can be read.

    `scenes`: level → the scene with its parts, as somebody at that level sees it, level 0 being the entry; only those
    that can be put together.
    """

    findings: list[Finding]
    manifest: Manifest | None = None
    scenes: Mapping[int, Scene] = field(default_factory=dict)


class PackageFiles(Mapping[str, memoryview]):
    """A package's files by their SHA-256, each read when it is asked for, and compared with what the manifest says.

    Asking raises `BadManifest` for a file that is another, `UnreadableScene` for one that is not there.
    `made`: files that are not in the folder yet, by their SHA-256.
    """

    def __init__(self, folder: Path, manifest: Manifest, made: Mapping[str, bytes] | None = None) -> None:
        self._folder = folder
        self._made = {} if made is None else made
        self._names = {digest: f"{PARTS}/{name}" for digest, name in part_names(manifest).items()}
        self._refs = {part.sha256: FileRef(part.sha256, part.bytes) for part in manifest.parts}
        self._names[manifest.entry.sha256] = entry_name(manifest)
        self._refs[manifest.entry.sha256] = manifest.entry

    def __getitem__(self, digest: str) -> memoryview:
        return self.read(self._refs[digest])

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def name(self, digest: str) -> str:
        """The path in the folder of a file, with `/`."""
        return self._names[digest]

    def changed(self, manifest: Manifest, made: Mapping[str, bytes]) -> PackageFiles:
        """The files of another manifest, of which the folder has some and `made` the others."""
        return PackageFiles(self._folder, manifest, {**self._made, **made})

    def read(self, ref: FileRef) -> memoryview:
        """A file of which a row of the manifest says `ref`."""
        if ref.sha256 in self._made:
            return memoryview(self._made[ref.sha256])
        name = self._names[ref.sha256]
        try:
            data = read_file(self._folder / name, ref.bytes)
        except UnreadableScene as error:
            if error.code != "FILE_TOO_LARGE":
                raise
            raise BadManifest("PACKAGE_FILE_MISMATCH", "", f"{name} is larger than the manifest says") from error
        if file_ref(data) != ref:
            raise BadManifest("PACKAGE_FILE_MISMATCH", "", f"{name} is not the file that the manifest names")
        return data


def is_package(folder: Path) -> bool:
    """Whether `roomscale pack` made a folder, whole or broken; one that has a manifest.json of another kind is none."""
    if not (folder / MANIFEST).is_file():
        return False
    if any(is_entry_name(name) for name in file_names(folder)):
        return True
    try:
        return manifests.FORMAT.encode() in bytes(read_file(folder / MANIFEST, manifests.MOST_BYTES))
    except UnreadableScene:
        return False


def open_package(folder: Path) -> tuple[Manifest, PackageFiles]:
    """A packed folder's manifest, and its files. Raises `BadManifest`, `UnreadableScene`."""
    manifest = read_manifest(read_file(folder / MANIFEST, manifests.MOST_BYTES))
    return manifest, PackageFiles(folder, manifest)


def scene_at(files: Mapping[str, memoryview], manifest: Manifest, level: int, limits: Limits = DEFAULT_LIMITS) -> Scene:
    """The scene as somebody at `level` sees it.

    Raises what reading `files` and `apply` raise, and `BadManifest` for more than a visitor can hold.
    """
    total = download_bytes(manifest, level)
    if total > limits.file_bytes:
        told = f"level {level} takes {total:,} bytes, more than {limits.file_bytes:,}"
        raise BadManifest("PACKAGE_TOO_LARGE", "/parts", told)
    entry = parse_scene(files[manifest.entry.sha256], name=entry_name(manifest), limits=limits)
    return apply(entry, manifest, files, level, limits) if level else entry


def verify(folder: Path, validator: Validator | None = None, limits: Limits = DEFAULT_LIMITS) -> Verified:
    """Look at all of a packed folder. Never raises for what it holds. `validator`: Khronos's, for its opinion too."""
    try:
        manifest, files = open_package(folder)
    except BadManifest as error:
        return Verified([Finding(error.code, Severity.ERROR, f"{MANIFEST}#{error.pointer}", error.message)])
    except UnreadableScene as error:
        return Verified([Finding(error.code, Severity.ERROR, MANIFEST, str(error))])
    superfluous = Findings()
    _superfluous(folder, manifest, superfluous)
    verified = verify_files(manifest, files, validator, limits)
    findings = sorted([*verified.findings, *superfluous.listed()], key=lambda finding: finding.severity)
    return replace(verified, findings=findings)


def verify_files(
    manifest: Manifest, files: PackageFiles, validator: Validator | None = None, limits: Limits = DEFAULT_LIMITS
) -> Verified:
    """As `verify`, of a package that need not be in its folder yet."""
    look = _Look(files, validator, limits)
    found = look.at_entry(manifest)
    for index, part in enumerate(manifest.parts):
        look.at_part(part, f"{MANIFEST}#{pointer('parts', index)}")
    scenes: dict[int, Scene] = {}
    if not look.findings.has_errors and not errors_of(found):
        for level in sorted({0, *(part.level for part in manifest.parts)}):
            if (scene := look.at_level(manifest, level)) is not None:
                scenes[level] = scene
    findings = sorted([*look.findings.listed(), *found], key=lambda finding: finding.severity)
    return Verified(findings, manifest, scenes)


def _superfluous(folder: Path, manifest: Manifest, findings: Findings) -> None:
    """Files that nobody downloads: older ones that were not removed. What else lies beside the entry is not ours."""
    named = {entry_name(manifest), *(f"{PARTS}/{name}" for name in part_names(manifest).values())}
    there = [name for name in file_names(folder) if is_entry_name(name)]
    there += [f"{PARTS}/{name}" for name in file_names(folder / PARTS) if not name.startswith(".")]
    for name in there:
        if name not in named:
            findings.warn("PACKAGE_FILE_SUPERFLUOUS", printable(name, 120), "the manifest does not name it")


class _Look:
    """One look at a package; `findings`: all that is said of it, but for what is said of the entry's scene."""

    def __init__(self, files: PackageFiles, validator: Validator | None, limits: Limits) -> None:
        self.findings = Findings()
        self._files, self._validator, self._limits = files, validator, limits

    def at_entry(self, manifest: Manifest) -> list[Finding]:
        """The entry: all that is to be said of it as a scene, and what PACKAGE.md asks of it besides."""
        name = entry_name(manifest)
        scene = self._opened(manifest.entry, name, f"{MANIFEST}#/entry")
        if scene is None:
            return []
        found = judge(scene, self._validator)
        if not errors_of(found):
            self._as_entry(scene, name)
        return [_within(name, finding) for finding in found]

    def _as_entry(self, scene: Scene, name: str) -> None:
        if names_files(scene):
            self.findings.error("PACKAGE_ENTRY_NOT_WHOLE", name, _URIS)
        elif beyond := sorted(set(scene.list_of("extensionsRequired")) - ALLOWED):
            told = f"it requires {printable(', '.join(beyond))}, without which many viewers open nothing"
            self.findings.error("PACKAGE_ENTRY_REQUIRES", f"{name}#/extensionsRequired", told)
        elif not is_entry(scene) and isinstance(scene.json["asset"].get("extras", {}), dict):
            told = (
                "it is not at its lowest level: it has animations, long sounds or images above 256 pixels, or no mark"
            )
            self.findings.warn("PACKAGE_ENTRY_LEVEL", name, told)

    def at_part(self, part: Part, where: str) -> None:
        """One part, as it is by itself. `where`: its row in the manifest."""
        ref, name = FileRef(part.sha256, part.bytes), self._files.name(part.sha256)
        if part.type == ENTRY_TYPE:
            if (scene := self._opened(ref, name, where)) is not None:
                self._model(part, scene, name, where)
        elif (data := self._read(ref, where)) is not None:
            self._media(part, data, name, where)

    def _model(self, part: Part, scene: Scene, name: str, where: str) -> None:
        """Meshes or animations: a scene of its own without an error. What else might be better nobody sees."""
        found = check(scene)
        if self._validator is not None and not errors_of(found):
            found = merge(found, self._validator.ask(scene))
        for finding in errors_of(found):
            self.findings.error(finding.code, _within(name, finding).pointer, finding.message, hint=finding.hint)
        if errors_of(found):
            return
        if names_files(scene):
            self.findings.error("PACKAGE_PART_NOT_WHOLE", name, _URIS)
        if part.kind == "meshes" and part.size:
            triangles = sum(mesh_triangles(scene, mesh) for mesh in range(len(scene.list_of("meshes"))))
            if part.size != (triangles,):
                self.findings.warn("PACKAGE_PART_SIZE", f"{where}/size", f"its meshes have {triangles:,} triangles")

    def _media(self, part: Part, data: memoryview, name: str, where: str) -> None:
        """An image or a sound: is it what the manifest says, by its first bytes."""
        actual = media_type_of(data)
        if actual != part.type and (actual is not None or part.kind == "images"):
            told = f"it is {actual or 'no known image'}, the manifest says {part.type}"
            self.findings.error("PACKAGE_PART_TYPE", f"{where}/type", told)
        elif part.kind == "images":
            try:
                header = read_header(data)
            except BadImage as error:
                self.findings.error("IMAGE_DATA_INVALID", name, f"the image is broken: {error}")
                return
            for code, is_error, told in header.problems if header is not None else ():
                self.findings.add(code, Severity.ERROR if is_error else Severity.WARNING, name, told)
            if header is not None and part.size and part.size != (header.width, header.height):
                told = f"the image has {header.width:,} × {header.height:,} pixels"
                self.findings.warn("PACKAGE_PART_SIZE", f"{where}/size", told)

    def at_level(self, manifest: Manifest, level: int) -> Scene | None:
        """The scene as it is at a level; None if it cannot be put together, or only into something broken."""
        try:
            scene = scene_at(self._files, manifest, level, self._limits)
        except BadManifest as error:
            self.findings.error(error.code, f"{MANIFEST}#{error.pointer}", f"at level {level}, {error.message}")
            return None
        except SceneError as error:
            self.findings.error("PACKAGE_LEVEL_BROKEN", MANIFEST, f"at level {level}, {error}")
            return None
        broken = errors_of(check(scene)) if level else []
        for finding in broken:
            told = f"at level {level}, at {finding.pointer or 'the whole'}: {finding.message}"
            self.findings.error(finding.code, MANIFEST, told)
        return None if broken else scene

    def _opened(self, ref: FileRef, name: str, where: str) -> Scene | None:
        data = self._read(ref, where)
        try:
            return None if data is None else parse_scene(data, name=name, limits=self._limits)
        except UnreadableScene as error:
            self.findings.error(error.code, name, str(error))
            return None

    def _read(self, ref: FileRef, where: str) -> memoryview | None:
        try:
            return self._files.read(ref)
        except BadManifest as error:
            self.findings.error(error.code, where, error.message, hint=_AGAIN)
        except UnreadableScene as error:
            self.findings.error("PACKAGE_FILE_MISSING", where, str(error), hint=_AGAIN)
        return None


def _within(name: str, finding: Finding) -> Finding:
    """A finding of a file in the folder."""
    place = f"{name}#{finding.pointer}" if finding.pointer else name
    return Finding(finding.code, finding.severity, place, finding.message, finding.hint)
