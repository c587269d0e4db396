"""`roomscale check` on packed folders: one thing, measured as it is downloaded, mended whole or not at all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from roomscale.cli.errors import UsageError
from roomscale.scenes import errors_of, jsonio, open_scene, parse_scene, to_glb
from roomscale.scenes.judgement import judge
from roomscale.scenes.package import Package, pack, read_package, write_package
from roomscale.scenes.package.write import file_ref
from tests.cli.checked import run
from tests.scenes import worlds
from tests.scenes.crafted import glb, with_extension

SHARED = Path(__file__).parents[3] / "shared"


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    """A packed folder: an entry of 34 kB, of 117 kB for a phone and 211 kB for a desktop."""
    write_package(pack(parse_scene(worlds.garden()))[0], tmp_path / "scenes" / "garden")
    return tmp_path / "scenes" / "garden"


def test_a_packed_folder_is_one_thing_wherever_it_is_found(packed: Path) -> None:
    (packed.parent / "other.glb").write_bytes(glb())
    assert [Path(file["file"]).name for file in run(packed.parent, "--json").files] == ["other.glb", "garden"]
    file = run(packed, "--json").files[0]
    assert (file["file"], file["verdict"]) == (str(packed), "accepted")
    next((packed / "parts").iterdir()).unlink()
    result = run(packed)
    assert result.code == 1
    assert "PACKAGE_FILE_MISSING" in result.out
    assert "roomscale pack" in result.out


def test_each_profile_is_measured_by_what_it_downloads(packed: Path) -> None:
    told = run(packed, "--json").files[0]["budgets"]
    phone, desktop = told["mobile"]["costs"], told["desktop"]["costs"]
    entry = next(packed.glob("entry-*.glb")).stat().st_size
    assert phone["entry_bytes"] == desktop["entry_bytes"] == entry
    assert entry < phone["file_bytes"] < desktop["file_bytes"]
    assert (phone["largest_edge"], desktop["largest_edge"]) == (1024, 1500)
    assert "on a phone       mobile\n" in run(packed).out
    assert "on a desktop      desktop           vr\n" in run(packed).out
    (packed.parent / "world.toml").write_text(
        f"[budgets.mobile]\nentry = {entry - 1}\nall = {phone['file_bytes']}\n"
        f"[budgets.desktop]\nentry = {entry}\nall = {phone['file_bytes']}\n"
    )
    told = run(packed, "--json", "--profile", "mobile", "--profile", "desktop", "--strict").files[0]
    assert told["budgets"]["mobile"]["exceeded"] == ["entry_bytes"]
    assert told["budgets"]["desktop"]["exceeded"] == ["file_bytes"]
    assert told["verdict"] == "rejected"
    codes = [finding["code"] for finding in told["findings"] if finding["code"].startswith("BUDGET")]
    assert codes == ["BUDGET_ENTRY_BYTES", "BUDGET_FILE_BYTES"]


def test_of_what_is_not_packed_the_entry_is_not_known_and_that_is_said(tmp_path: Path) -> None:
    (tmp_path / "scene.glb").write_bytes(glb(with_extension("OMI_spawn_point", node={})))
    found = run(tmp_path / "scene.glb", "--profile", "mobile", "--json").files[0]["findings"]
    assert [(it["code"], it["severity"]) for it in found if "ENTRY" in it["code"]] == [("ENTRY_NOT_KNOWN", "info")]
    assert "roomscale pack" in run(tmp_path / "scene.glb").out


@pytest.mark.proof
@pytest.mark.skipif(not SHARED.is_dir(), reason="../shared is not there")
@pytest.mark.parametrize("name", ["FlightHelmet", "RobotExpressive", "WebXR_Garage", "OMI_examples"])
def test_what_is_packed_of_real_scenes_is_accepted_by_khronos_too(name: str, tmp_path: Path) -> None:
    for path in sorted([*(SHARED / "gltf" / name).glob("*.glb"), *(SHARED / "gltf" / name).glob("*.gltf")])[:3]:
        if errors_of(judge(open_scene(path))):
            continue
        write_package(pack(open_scene(path))[0], tmp_path / path.stem)
        assert run(tmp_path / path.stem, "--khronos").code == 0


def wronged(packed: Path) -> Path:
    """The package as another packer might have made it: honest of its bytes, with bounds and an extension untold."""
    package = read_package(packed)
    entry = parse_scene(package.entry)
    tree = jsonio.copy(entry.json)
    bounded = next(accessor for accessor in tree["accessors"] if "min" in accessor)
    bounded["min"] = [value - 1 for value in bounded["min"]]
    tree["extensionsUsed"] = [name for name in tree.get("extensionsUsed", ()) if name != "OMI_spawn_point"]
    data = to_glb(entry.changed(tree))
    rows = tuple(replace(part, size=(1, *part.size[1:])) if part.size else part for part in package.manifest.parts)
    manifest = replace(package.manifest, entry=file_ref(data), parts=rows)
    write_package(Package(data, manifest, package.parts), packed)
    return packed


def state(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_fix_mends_a_package_beside_it_and_leaves_it(packed: Path) -> None:
    before = state(wronged(packed))
    assert run(packed).code == 1
    result = run(packed, "--fix")
    assert result.code == 0, result.out
    fixed = packed.with_name("garden.fixed")
    assert f"written to {fixed}" in result.out
    assert state(packed) == before
    again = run(fixed, "--json", "--strict")
    assert (again.code, again.files[0]["mended"]) == (0, [])
    assert [name for name in state(fixed) if name.startswith("parts/")] == [n for n in before if n.startswith("parts/")]


def test_fix_mends_a_package_in_place_whole_or_not_at_all(packed: Path) -> None:
    whole = state(packed)
    wronged(packed)
    (packed / "notes.txt").write_text("mine")
    assert run(packed, "--fix", "--in-place").code == 0
    mended = state(packed)
    assert mended.pop("notes.txt") == b"mine"
    assert len(mended) == len(whole)
    assert run(packed, "--fix", "--in-place").code == 0
    assert state(packed) == mended | {"notes.txt": b"mine"}


def test_fix_invents_no_part_of_a_package_and_says_what_to_do(packed: Path) -> None:
    wronged(packed)
    next((packed / "parts").iterdir()).unlink()
    before = state(packed)
    result = run(packed, "--fix", "--in-place")
    assert result.code == 1
    assert "pack the scene again" in " ".join(result.out.split())
    assert "not written" in result.out
    assert state(packed) == before
    assert not packed.with_name("garden.fixed").exists()


def test_a_mended_package_does_not_overwrite_a_file_nor_itself_unasked(packed: Path) -> None:
    before = state(wronged(packed))
    (packed.parent / "other").write_text("mine")
    for target in (packed.parent / "other", packed):
        with pytest.raises(UsageError):
            run(packed, "--fix", "-o", target)
    assert state(packed) == before
