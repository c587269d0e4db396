"""What `roomscale check` does with each file or packed folder: read, mend where asked, judge, compare with budgets.

Its one rule: a file never stops the others; whatever it is, it gets a verdict, and the source is never overwritten
unless that was asked for.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from roomscale.cli.errors import Exit, UsageError
from roomscale.scenes import Finding, Scene, Severity, errors_of, mend, open_scene, write_glb
from roomscale.scenes.authoring.author import author
from roomscale.scenes.authoring.world_file import WorldFile, beside, read_world_file
from roomscale.scenes.budget_table import budgets_from
from roomscale.scenes.budgets import PROFILES, Budget, Costs, check_budget, costs
from roomscale.scenes.errors import RejectedScene, UnreadableScene
from roomscale.scenes.judgement import judge
from roomscale.scenes.khronos import Validator
from roomscale.scenes.package import Manifest, Package, Verified, is_package, verify, write_package
from roomscale.scenes.package.levels import DEVICES, download_bytes, level_for
from roomscale.scenes.package.mending import mend_package
from roomscale.scenes.package.verify import PackageFiles, verify_files
from roomscale.scenes.package.write import MANIFEST

ENDINGS = frozenset({".glb", ".gltf", ".vrm"})
AVATAR = "avatar"
MOST_FILES = 10_000
"""Files that one run looks at; more is the wrong folder."""


class Verdict(StrEnum):
    """What becomes of a file."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNREADABLE = "unreadable"

    @property
    def exit_code(self) -> Exit:
        """The worst of many files is what the command ends with."""
        return {Verdict.ACCEPTED: Exit.OK, Verdict.REJECTED: Exit.REFUSED, Verdict.UNREADABLE: Exit.USAGE}[self]


@dataclass(frozen=True)
class Request:
    """What was asked for. `profiles`: those that count as warnings; none: all are shown and none counts.

    `target`: where the mended scene goes; None: beside the source. `world_file`: None for the one beside a scene.
    """

    profiles: tuple[str, ...] = ()
    is_strict: bool = False
    fixes: bool = False
    in_place: bool = False
    target: Path | None = None
    world_file: Path | None = None


@dataclass(frozen=True)
class Measured:
    """What a scene costs, and the budgets that this is compared with. `title`: whose it is, for a table's head."""

    title: str
    costs: Costs
    budgets: Mapping[str, Budget] = field(default_factory=dict)


@dataclass(frozen=True)
class Checked:
    """One file's verdict, or one packed folder's, and all that there is to say of it.

    `measured`: empty if it cannot be counted; of a package what each device pays, the strongest last.
    `budgets`: all that it was to be compared with. `mended`: what `--fix` changed. `written`: where that is.
    """

    path: Path
    verdict: Verdict
    findings: Sequence[Finding] = ()
    measured: Sequence[Measured] = ()
    budgets: Mapping[str, Budget] = field(default_factory=dict)
    mended: Sequence[Finding] = ()
    written: Path | None = None

    @property
    def costs(self) -> Costs | None:
        """What the scene costs, whole; None if it cannot be counted."""
        return self.measured[-1].costs if self.measured else None

    def costs_for(self, profile: str) -> Costs | None:
        """What a visitor with a device of `profile` pays."""
        return next((one.costs for one in self.measured if profile in one.budgets), None)

    def count(self, severity: Severity) -> int:
        """Findings of a severity."""
        return sum(finding.severity is severity for finding in self.findings)


def scene_files(paths: Sequence[Path]) -> list[Path]:
    """The files and packed folders that were named, and those inside other folders, in an order that never changes.

    Raises UsageError when there is none, or far too many.
    """
    found: list[Path] = []
    for path in paths:
        found += _inside(path) if path.is_dir() else [path]
        if len(found) > MOST_FILES:
            raise UsageError(f"there are more than {MOST_FILES:,} scenes in {path}; name a folder further down")
    if not found:
        raise UsageError(f"no .glb, .gltf or .vrm in {', '.join(map(str, paths))}")
    return list(dict.fromkeys(found))


def _inside(folder: Path) -> Iterator[Path]:
    """Scenes and packages at or below a folder; hidden folders, and symlinks to others, are not entered."""
    for root, folders, names in os.walk(folder):
        if MANIFEST in names and is_package(Path(root)):
            folders.clear()
            yield Path(root)
            continue
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(root) / name for name in sorted(names) if Path(name).suffix.lower() in ENDINGS)


def check_one(path: Path, request: Request, validator: Validator | None) -> Checked:
    """Judge one file or packed folder. Raises UsageError only where the mended scene may not be written as asked."""
    if path.is_dir():
        return _check_package(path, request, validator)
    try:
        source = open_scene(path)
        world = _world_file(path, request)
    except UnreadableScene as error:
        return Checked(path, Verdict.UNREADABLE, [Finding(error.code, Severity.ERROR, "", str(error))])
    scene, mended = mend(source) if request.fixes else (source, [])
    authored, notes = author(scene, world)
    wanted, told = _budgets(path, request, world)
    findings = [*judge(authored, validator), *(note for note in notes if note.severity is not Severity.INFO), *told]
    counted = _costs(authored)
    measured = [] if counted is None else [Measured("this scene", counted, wanted)]
    findings += _exceeded(measured, request)
    findings.sort(key=lambda finding: finding.severity)
    written = _written(path, scene, request) if mended and not errors_of(findings) else None
    return Checked(path, _verdict(findings, request), findings, measured, wanted, mended, written)


def _check_package(folder: Path, request: Request, validator: Validator | None) -> Checked:
    """Judge a packed folder. What is mended is a whole package again, written where it was asked for."""
    try:
        wanted, told = _budgets(folder, request, _world_file(folder, request))
    except UnreadableScene as error:
        return Checked(folder, Verdict.UNREADABLE, [Finding(error.code, Severity.ERROR, "", str(error))])
    verified, mended, package = verify(folder, validator), list[Finding](), None
    if request.fixes and verified.manifest is not None:
        manifest, files, mended = mend_package(verified.manifest, PackageFiles(folder, verified.manifest))
        if mended:
            verified = verify_files(manifest, files, validator)
            package = manifest, files
    measured = list(_measured(verified, wanted))
    findings = sorted([*verified.findings, *told, *_exceeded(measured, request)], key=lambda finding: finding.severity)
    written = None
    if package is not None and not errors_of(findings):
        written = _written_package(folder, *package, request)
    return Checked(folder, _verdict(findings, request), findings, measured, wanted, mended, written)


def _written_package(folder: Path, manifest: Manifest, files: PackageFiles, request: Request) -> Path:
    """Write a mended package whole, in its folder only if that was asked for. Raises UsageError."""
    here = folder.resolve()
    target = folder if request.in_place else request.target or here.with_name(f"{here.name}.fixed")
    if target.exists() and not target.is_dir():
        raise UsageError(f"{target} is a file; a package is a folder")
    if not request.in_place and target.exists() and target.samefile(folder):
        raise UsageError(f"-o names the package itself; --in-place mends it in {folder}")
    write_package(Package(bytes(files.read(manifest.entry)), manifest, files), target)
    return target


def _measured(verified: Verified, budgets: Mapping[str, Budget]) -> Iterator[Measured]:
    """What each device downloads and draws: the entry, and the parts of its level."""
    manifest = verified.manifest
    for device, level in DEVICES.items() if manifest is not None else ():
        held = max((there for there in verified.scenes if there <= level), default=None)
        if manifest is None or held is None or (counted := _costs(verified.scenes[held])) is None:
            continue
        counted = replace(counted, entry_bytes=manifest.entry.bytes, file_bytes=download_bytes(manifest, level))
        of_device = {profile: budget for profile, budget in budgets.items() if level_for(profile) == level}
        yield Measured(f"on a {device}", counted, of_device)


def _exceeded(measured: Sequence[Measured], request: Request) -> Iterator[Finding]:
    for one in measured:
        for profile in one.budgets if request.profiles else ():
            yield from check_budget(one.costs, one.budgets[profile], profile)


def _world_file(path: Path, request: Request) -> WorldFile | None:
    where = request.world_file or beside(path)
    return read_world_file(where) if where is not None else None


def _verdict(findings: Sequence[Finding], request: Request) -> Verdict:
    worst = Severity.WARNING if request.is_strict else Severity.ERROR
    return Verdict.REJECTED if any(finding.severity <= worst for finding in findings) else Verdict.ACCEPTED


def _budgets(path: Path, request: Request, world: WorldFile | None) -> tuple[dict[str, Budget], list[Finding]]:
    """The budgets to compare with, and what is wrong with those of `world`."""
    budgets, told = budgets_from(world.budgets, world.name) if world is not None else (dict(PROFILES), [])
    return _profiles(path, request, budgets), told


def _profiles(path: Path, request: Request, budgets: Mapping[str, Budget]) -> dict[str, Budget]:
    """Those asked for; else the avatar's for a .vrm, else all of worlds."""
    for profile in request.profiles:
        if profile not in budgets:
            known = ", ".join(budgets)
            raise UsageError(f"there is no profile {profile}; known are {known}, and those of world.toml")
    if request.profiles:
        return {profile: budgets[profile] for profile in request.profiles}
    if path.suffix.lower() == ".vrm":
        return {AVATAR: budgets[AVATAR]}
    return {profile: budget for profile, budget in budgets.items() if profile != AVATAR}


def _costs(scene: Scene) -> Costs | None:
    try:
        return costs(scene)
    except RejectedScene:
        return None


def _written(path: Path, scene: Scene, request: Request) -> Path:
    target = mended_path(path, request)
    write_glb(scene, target)
    return target


def mended_path(path: Path, request: Request) -> Path:
    """Where the mended scene of a file goes. Raises UsageError if that would overwrite what was not offered."""
    if request.in_place:
        if path.suffix.lower() == ".gltf":
            raise UsageError(f"{path.name} is several files, mended it is one .glb; use -o instead of --in-place")
        return path
    target = request.target or path.with_name(f"{path.stem}.fixed{'.vrm' if path.suffix.lower() == '.vrm' else '.glb'}")
    if target.exists() and target.samefile(path):
        raise UsageError(f"-o names the scene itself; --in-place overwrites {path.name}")
    return target
