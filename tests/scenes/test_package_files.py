"""A package on disk: whole at every moment, and nobody else's files are touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from roomscale.scenes.errors import BadManifest, UnreadableScene, UnwritableScene
from roomscale.scenes.package.manifest import Manifest, Part
from roomscale.scenes.package.write import (
    Package,
    entry_name,
    file_ref,
    manifest_of,
    part_files,
    read_package,
    write_package,
)


def package(entry: bytes, *files: bytes) -> Package:
    refs = [file_ref(data) for data in files]
    parts = tuple(
        Part(ref.sha256, ref.bytes, "image/webp", 1, (f"/images/{index}",), (), index) for index, ref in enumerate(refs)
    )
    contents = {ref.sha256: data for ref, data in zip(refs, files, strict=True)}
    return Package(entry, Manifest(file_ref(entry), parts), contents)


OLD = package(b"the old entry", b"shared", b"old only")
NEW = package(b"the new entry", b"shared", b"new 1", b"new 2")


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def expected_names(made: Package) -> list[str]:
    return sorted(
        ["manifest.json", entry_name(made.manifest), *(f"parts/{part.sha256}.webp" for part in made.manifest.parts)]
    )


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    write_package(OLD, tmp_path / "made" / "here")
    assert read_package(tmp_path / "made" / "here") == OLD
    assert names(tmp_path / "made" / "here") == expected_names(OLD)


def test_a_new_package_replaces_the_old_one_and_keeps_what_both_share(tmp_path: Path) -> None:
    write_package(OLD, tmp_path)
    shared = tmp_path / "parts" / f"{file_ref(b'shared').sha256}.webp"
    before = shared.stat().st_ino
    write_package(NEW, tmp_path)
    assert read_package(tmp_path) == NEW
    assert names(tmp_path) == expected_names(NEW)
    assert shared.stat().st_ino == before


class Interrupted(Exception):
    pass


@pytest.mark.parametrize("after", range(5))
def test_a_pack_that_is_interrupted_leaves_the_old_package_standing(tmp_path: Path, after: int) -> None:
    write_package(OLD, tmp_path)

    def stop(done: int, _total: int) -> None:
        if done == after:
            raise Interrupted

    with pytest.raises(Interrupted):
        write_package(NEW, tmp_path, stop)
    assert read_package(tmp_path) == OLD
    assert names(tmp_path) == expected_names(OLD)
    write_package(NEW, tmp_path)
    assert names(tmp_path) == expected_names(NEW)


@pytest.mark.parametrize("after", range(4))
def test_a_first_pack_that_is_interrupted_leaves_nothing(tmp_path: Path, after: int) -> None:
    def stop(done: int, _total: int) -> None:
        if done == after:
            raise Interrupted

    with pytest.raises(Interrupted):
        write_package(OLD, tmp_path / "made", stop)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ['{"name": "an app for the web"}', '{"format": "org.roomscale.package"', "[1, 2]"])
def test_a_manifest_of_something_else_is_never_overwritten(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(UnwritableScene, match="name another folder"):
        write_package(OLD, tmp_path)
    assert names(tmp_path) == ["manifest.json"]
    assert (tmp_path / "manifest.json").read_text() == text


def test_a_manifest_that_cannot_be_written_is_said_and_nothing_is_removed(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").mkdir()
    (tmp_path / "manifest.json" / "mine").write_text("mine")
    with pytest.raises(UnwritableScene, match=r"manifest\.json"):
        write_package(OLD, tmp_path)
    assert (tmp_path / "manifest.json" / "mine").read_text() == "mine"


def test_files_that_are_not_ours_stay(tmp_path: Path) -> None:
    write_package(OLD, tmp_path)
    foreign = [
        tmp_path / "entry.glb",
        tmp_path / "entry-0123456789abcdef.glb",  # ours by name, but its content is another
        tmp_path / "parts" / f"{'a' * 64}.webp",
        tmp_path / "parts" / "notes.txt",
    ]
    for path in foreign:
        path.write_bytes(b"somebody's")
    link = tmp_path / "parts" / f"{file_ref(b'elsewhere').sha256}.webp"
    (tmp_path / "elsewhere").write_bytes(b"elsewhere")
    link.symlink_to(tmp_path / "elsewhere")
    write_package(NEW, tmp_path)
    assert all(path.read_bytes() == b"somebody's" for path in foreign)
    assert link.is_symlink()
    assert names(tmp_path / "parts").count(f"{file_ref(b'old only').sha256}.webp") == 0


def test_a_part_that_was_damaged_is_told_and_mended_by_packing_again(tmp_path: Path) -> None:
    write_package(OLD, tmp_path)
    part = tmp_path / "parts" / f"{file_ref(b'shared').sha256}.webp"
    part.write_bytes(b"sharee")
    with pytest.raises(BadManifest, match="is not the file"):
        read_package(tmp_path)
    write_package(OLD, tmp_path)
    assert read_package(tmp_path) == OLD
    part.unlink()
    with pytest.raises(UnreadableScene):
        read_package(tmp_path)


def test_the_manifest_and_the_parts_of_a_packed_folder_are_found_and_of_no_other(tmp_path: Path) -> None:
    assert manifest_of(tmp_path) is None
    write_package(OLD, tmp_path)
    found = manifest_of(tmp_path)
    assert found == OLD.manifest
    assert {sha256: path.read_bytes() for sha256, path in part_files(tmp_path, OLD.manifest).items()} == OLD.parts
