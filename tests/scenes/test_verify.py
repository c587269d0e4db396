"""What is said of a packed folder: nothing of a whole one, and of a broken one what is broken, and where."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from roomscale.scenes import Severity, errors_of, parse_scene
from roomscale.scenes.budgets import costs
from roomscale.scenes.limits import Limits
from roomscale.scenes.package import Package, apply, is_package, pack, read_package, verify, write_package
from roomscale.scenes.package.manifest import Manifest
from roomscale.scenes.package.write import entry_name, file_ref, part_names
from tests.scenes import crafted, worlds


@pytest.fixture(scope="module")
def packed() -> Package:
    return pack(parse_scene(worlds.garden()))[0]


@pytest.fixture
def folder(packed: Package, tmp_path: Path) -> Path:
    write_package(packed, tmp_path / "garden")
    return tmp_path / "garden"


def rewritten(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the manifest, and nothing else."""
    tree = json.loads((folder / "manifest.json").read_bytes())
    change(tree)
    (folder / "manifest.json").write_text(json.dumps(tree))


def row(tree: dict[str, Any], kind: str) -> dict[str, Any]:
    """The manifest's first part of a kind."""
    found: dict[str, Any] = next(part for part in tree["parts"] if part["for"][0].startswith(f"/{kind}/"))
    return found


def with_other(folder: Path, kind: str, data: bytes) -> str:
    """Put another file in the place of the first part of a kind, honestly told; returns its name."""
    package = read_package(folder)
    rows, ref = list(package.manifest.parts), file_ref(data)
    number = next(number for number, part in enumerate(rows) if part.kind == kind)
    rows[number] = replace(rows[number], sha256=ref.sha256, bytes=ref.bytes)
    files = {**package.parts, ref.sha256: data}
    manifest = Manifest(package.manifest.entry, tuple(rows), package.manifest.required)
    write_package(Package(package.entry, manifest, files), folder)
    return f"parts/{part_names(manifest)[ref.sha256]}"


def with_entry(folder: Path, data: bytes) -> str:
    package = read_package(folder)
    manifest = replace(package.manifest, entry=file_ref(data))
    write_package(Package(data, manifest, package.parts), folder)
    return entry_name(manifest)


def said(folder: Path) -> list[tuple[str, str]]:
    """Code and place of what is an error or a warning."""
    return [(it.code, it.pointer) for it in verify(folder).findings if it.severity is not Severity.INFO]


def test_nothing_is_said_of_a_whole_package_and_each_level_can_be_seen(folder: Path, packed: Package) -> None:
    verified = verify(folder)
    assert [finding for finding in verified.findings if finding.severity is not Severity.INFO] == []
    assert sorted(verified.scenes) == [0, 1, 2]
    whole = apply(parse_scene(packed.entry), packed.manifest, packed.parts, 2)
    assert verified.scenes[2].json == whole.json
    assert verified.manifest == packed.manifest


@pytest.mark.parametrize("world", list(worlds.WORLDS))
def test_whatever_is_packed_is_accepted(world: str, tmp_path: Path) -> None:
    write_package(pack(parse_scene(worlds.WORLDS[world]()))[0], tmp_path)
    assert errors_of(verify(tmp_path).findings) == []


def test_a_file_that_is_missing_or_another_is_told_at_its_row(folder: Path, packed: Package) -> None:
    names = [folder / "parts" / part_names(packed.manifest)[part.sha256] for part in packed.manifest.parts]
    names[0].unlink()
    names[1].write_bytes(names[1].read_bytes()[:-1] + b"!")
    names[2].write_bytes(names[2].read_bytes() + b"!")
    assert said(folder) == [
        ("PACKAGE_FILE_MISSING", "manifest.json#/parts/0"),
        ("PACKAGE_FILE_MISMATCH", "manifest.json#/parts/1"),
        ("PACKAGE_FILE_MISMATCH", "manifest.json#/parts/2"),
    ]
    (folder / entry_name(packed.manifest)).unlink()
    assert ("PACKAGE_FILE_MISSING", "manifest.json#/entry") in said(folder)


def test_a_size_that_is_not_that_of_the_file_is_told(folder: Path) -> None:
    rewritten(folder, lambda tree: tree["entry"].update(bytes=tree["entry"]["bytes"] + 1))
    assert said(folder) == [("PACKAGE_FILE_MISMATCH", "manifest.json#/entry")]


def test_what_the_manifest_does_not_name_is_superfluous(folder: Path) -> None:
    for name in ("entry-0123456789abcdef.glb", "parts/notes.txt", "README.md", "parts/.hidden"):
        (folder / name).write_text("somebody's")
    assert said(folder) == [
        ("PACKAGE_FILE_SUPERFLUOUS", "entry-0123456789abcdef.glb"),
        ("PACKAGE_FILE_SUPERFLUOUS", "parts/notes.txt"),
    ]


@pytest.mark.parametrize(
    ("change", "code", "place"),
    [
        (lambda tree: tree.update(version=2), "UNKNOWN_VERSION", "/version"),
        (lambda tree: tree["parts"][1].pop("sha256"), "TYPE_MISMATCH", "/parts/1/sha256"),
        (lambda tree: row(tree, "images").update(type="image/png"), "PACKAGE_FILE_MISSING", "/parts/"),
        (lambda tree: row(tree, "images").update(size=[7, 7]), "PACKAGE_PART_SIZE", "/parts/"),
        (lambda tree: row(tree, "meshes").update(size=[7]), "PACKAGE_PART_SIZE", "/parts/"),
    ],
    ids=["version", "no hash", "another type", "another size", "another number of triangles"],
)
def test_a_row_that_does_not_fit_is_told(
    folder: Path, change: Callable[[dict[str, Any]], object], code: str, place: str
) -> None:
    rewritten(folder, change)
    assert any(said_code == code and where.startswith(f"manifest.json#{place}") for said_code, where in said(folder))


def test_no_manifest_that_can_be_read_is_one_error(folder: Path) -> None:
    (folder / "manifest.json").write_bytes(b'{"format"')
    verified = verify(folder)
    assert [finding.code for finding in verified.findings] == ["INVALID_JSON"]
    assert verified.manifest is None


def test_an_entry_must_stand_alone(folder: Path) -> None:
    name = with_entry(folder, crafted.gltf(crafted.triangle()))
    assert ("PACKAGE_ENTRY_NOT_WHOLE", name) in said(folder)
    tree = crafted.triangle() | {"extensionsUsed": ["EXT_texture_webp"], "extensionsRequired": ["EXT_texture_webp"]}
    name = with_entry(folder, crafted.glb(tree))
    assert ("PACKAGE_ENTRY_REQUIRES", f"{name}#/extensionsRequired") in said(folder)
    name = with_entry(folder, crafted.glb())
    assert ("PACKAGE_ENTRY_LEVEL", name) in said(folder)
    name = with_entry(folder, crafted.glb(crafted.changed("nodes", 0, "mesh", to=7)))
    assert ("UNRESOLVED_REFERENCE", f"{name}#/nodes/0/mesh") in said(folder)


def test_a_part_must_open_by_itself_and_be_what_is_told(folder: Path) -> None:
    name = with_other(folder, "meshes", b"no glb at all")
    assert said(folder) == [("UNKNOWN_FORMAT", name)]
    name = with_other(folder, "meshes", crafted.glb(crafted.changed("accessors", 0, "bufferView", to=9)))
    assert said(folder) == [("UNRESOLVED_REFERENCE", f"{name}#/accessors/0/bufferView")]
    with_other(folder, "images", worlds.picture(20, 20))
    assert said(folder)[-1] == ("PACKAGE_PART_TYPE", "manifest.json#/parts/1/type")


def test_parts_that_do_not_fit_the_entry_are_told(folder: Path) -> None:
    two = crafted.changed("meshes", 0, "primitives", to=crafted.triangle()["meshes"][0]["primitives"] * 2)
    with_other(folder, "meshes", crafted.glb(two))
    assert said(folder).count(("PART_MISMATCH", "manifest.json#/parts")) == 2  # at either level


def test_a_part_for_what_the_entry_has_not_is_told(folder: Path) -> None:
    rewritten(folder, lambda tree: row(tree, "images").update({"for": ["/images/77"]}))
    assert set(said(folder)) == {("PART_MISMATCH", "manifest.json#/parts")}


def test_more_than_a_visitor_can_hold_is_refused_before_it_is_put_together(folder: Path) -> None:
    found = verify(folder, limits=Limits(file_bytes=100_000)).findings
    assert {finding.code for finding in errors_of(found)} == {"PACKAGE_TOO_LARGE"}


def test_a_manifest_of_something_else_makes_no_package(tmp_path: Path, folder: Path) -> None:
    assert is_package(folder)
    assert not is_package(tmp_path)
    (tmp_path / "manifest.json").write_text('{"name": "a web app"}')
    assert not is_package(tmp_path)
    (folder / "manifest.json").write_text("{")
    assert is_package(folder)
    (tmp_path / "manifest.json").unlink()
    (tmp_path / "manifest.json").mkdir()
    assert not is_package(tmp_path)


def test_hostile_manifests_are_one_finding_or_more_and_nothing_else(folder: Path) -> None:
    text = (folder / "manifest.json").read_bytes()
    for cut in range(0, len(text), 97):
        (folder / "manifest.json").write_bytes(text[:cut])
        assert errors_of(verify(folder).findings)
    (folder / "manifest.json").write_bytes(text)
    values: list[Any] = [None, -1, 1e300, "../../etc/passwd", [], {}, [["/images/0"]]]
    for path in (["entry", "sha256"], ["parts", 0, "for"], ["parts", 0, "level"], ["parts"]):
        for value in values:
            rewritten(folder, functools.partial(put, path=path, value=value))
            assert verify(folder).findings
            (folder / "manifest.json").write_bytes(text)


def put(tree: Any, path: list[Any], value: Any) -> None:
    for step in path[:-1]:
        tree = tree[step]
    tree[path[-1]] = value


def test_what_is_drawn_at_a_level_is_what_its_parts_hold(folder: Path) -> None:
    scenes = verify(folder).scenes
    assert [costs(scenes[level]).largest_edge for level in (0, 1, 2)] == [256, 1024, 1500]
