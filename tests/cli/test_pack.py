"""`roomscale pack` as a user meets it: a folder, one file, a report, and one clear line for what cannot be."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import numpy as np
import pytest

from roomscale.cli.app import main
from roomscale.cli.errors import UsageError
from roomscale.cli.sizes import parse_size, shown_size
from roomscale.scenes import open_scene, to_glb
from roomscale.scenes.package import INSTANCE_NEEDS_SINGLE, read_package
from tests.scenes import crafted, crowds, solids, worlds
from tests.scenes.painted import noise, painted, saved, worn


def run(*arguments: str | Path, seed: str = "0") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "roomscale.cli.app", "pack", *map(str, arguments)]
    environment = {**os.environ, "PYTHONHASHSEED": seed, "COLUMNS": "80"}
    return subprocess.run(command, capture_output=True, text=True, timeout=100, env=environment, check=False)


def call(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """As `run`, in this process, which has numpy and the rest loaded."""
    out, err = io.StringIO(), io.StringIO()
    before, sys.argv = sys.argv, ["roomscale", "pack", *map(str, arguments)]
    try:
        with redirect_stdout(out), redirect_stderr(err):
            main()
        code = 0
    except SystemExit as ended:
        code = int(ended.code or 0)
    finally:
        sys.argv = before
    return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())


@pytest.fixture(scope="module")
def garden(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("scenes") / "garden.glb"
    path.write_bytes(worlds.garden())
    return path


def contents(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_package_is_the_same_whatever_the_workers_and_the_hash_seed(garden: Path, tmp_path: Path) -> None:
    for workers, seed in (("1", "0"), ("2", "1")):
        done = run(garden, "-o", tmp_path / workers, "--workers", workers, "--no-cache", seed=seed)
        assert done.returncode == 0, done.stderr
    assert contents(tmp_path / "1") == contents(tmp_path / "2")
    assert len(contents(tmp_path / "1")) == 6
    read_package(tmp_path / "1")


def test_the_report_fits_80_columns_and_names_what_others_drop(garden: Path, tmp_path: Path) -> None:
    done = call(garden, "-o", tmp_path / "out")
    lines = done.stdout.splitlines()
    assert max(map(len, lines[:-1])) <= 80
    assert "  OMI_seat × 1" in lines
    assert any(line.startswith("everything, phone") for line in lines)
    assert lines[-1].startswith("made ")
    assert "garden.glb" in done.stderr
    assert "\x1b" not in done.stdout + done.stderr


def test_why_a_step_makes_it_larger_is_said(tmp_path: Path) -> None:
    """As Maya's exports have it: one bufferView of all positions and normals, of which rounding changes the former."""
    indices, parts = solids.globe()
    builder = solids.Builder()
    count = len(parts["POSITION"])
    uneven = np.random.default_rng(1).normal(1.0, 0.01, (count, 1))  # no two of its vertices are one
    both = np.concatenate([parts["POSITION"] * uneven, parts["NORMAL"]]).astype(np.float32)
    primitive = builder.primitive(indices, POSITION=both)
    position = builder.json["accessors"][0]
    builder.json["accessors"].append({**position, "byteOffset": 12 * count, "count": count})
    position["count"] = count
    primitive["attributes"]["NORMAL"] = len(builder.json["accessors"]) - 1
    builder.json["bufferViews"][0]["byteStride"] = 12
    builder.mesh(primitive)
    builder.node(mesh=0)
    scene = tmp_path / "helmet.glb"
    scene.write_bytes(to_glb(builder.scene()))
    done = call(scene, "-o", tmp_path / "helmet", "--fix")  # bounds, which are those of both here
    assert "note: larger after round: numbers are stored anew" in done.stdout
    assert max(map(len, done.stdout.splitlines()[:-1])) <= 80


def test_json_says_where_everything_is(garden: Path, tmp_path: Path) -> None:
    report = json.loads(call(garden, "-o", tmp_path / "out", "--json").stdout)
    assert Path(report["file"]).stat().st_size == report["entry"]
    assert Path(report["manifest"]).is_file()
    assert report["source"] > report["downloads"]["desktop"] > report["downloads"]["phone"] > report["entry"]


@pytest.mark.parametrize(
    ("textures", "suffix"), [("avif", "avif"), pytest.param("ktx2", "ktx2", marks=pytest.mark.proof)]
)
def test_textures_come_in_the_format_that_is_asked_for(tmp_path: Path, textures: str, suffix: str) -> None:
    scene = tmp_path / "hall.glb"
    scene.write_bytes(to_glb(painted(saved(noise(300, 300)), materials=[worn("baseColorTexture")])))
    told = json.loads(call(scene, "-o", tmp_path / "hall", "--textures", textures, "--json").stdout)
    assert [path.suffix for path in (tmp_path / "hall" / "parts").iterdir()] == [f".{suffix}"]
    assert told["notes"] == []
    single = call(scene, "-o", tmp_path / "one.glb", "--textures", textures, "--single")
    assert single.returncode == 0
    assert open_scene(tmp_path / "one.glb").json["images"][0]["mimeType"] == f"image/{textures}"


def test_a_format_that_is_none_is_one_clear_line(garden: Path, tmp_path: Path) -> None:
    refused = call(garden, "-o", tmp_path / "out", "--textures", "bmp")
    assert refused.returncode == UsageError.exit_code
    assert "webp" in refused.stderr and "ktx2" in refused.stderr


def test_packing_what_is_packed_changes_nothing(garden: Path, tmp_path: Path) -> None:
    single, again = tmp_path / "single.glb", tmp_path / "again.glb"
    assert call(garden, "-o", single, "--single").returncode == 0
    assert call(single, "-o", again, "--single").returncode == 0
    assert single.read_bytes() == again.read_bytes()
    entry = Path(json.loads(call(garden, "-o", tmp_path / "one", "--json").stdout)["file"])
    other = Path(json.loads(call(entry, "-o", tmp_path / "two", "--json").stdout)["file"])
    assert entry.read_bytes() == other.read_bytes()


def test_what_check_rejects_is_refused_until_it_is_mended(tmp_path: Path) -> None:
    scene = tmp_path / "tilted.glb"
    scene.write_bytes(crafted.glb(crafted.changed("nodes", to=[{"mesh": 0, "rotation": [0, 0, 0, 1.2]}])))
    refused = call(scene, "-o", tmp_path / "out")
    assert refused.returncode == 1
    assert refused.stderr.count("roomscale:") == 1
    assert "--fix mends it" in refused.stderr
    assert not (tmp_path / "out").exists()
    mended = call(scene, "-o", tmp_path / "out", "--fix")
    assert mended.returncode == 0
    assert "mended:" in mended.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("nowhere.glb", "-o", "out"), 2, "nowhere.glb"),
        (("garden.glb", "-o", "out", "--limit", "lots"), 2, "no size"),
        (("garden.glb", "-o", "garden.glb", "--single"), 2, "the scene itself"),
        (("garden.glb", "-o", "taken", "--limit", "20k"), 2, "is a file"),
        (("garden.glb", "-o", ".", "--single"), 2, "is a folder"),
        (("garden.glb", "-o", "out", "--limit", "20k"), 1, "raise --limit"),
    ],
    ids=["no scene", "a bad size", "over itself", "a file in the way", "a folder in the way", "too large"],
)
def test_what_cannot_be_is_one_clear_line(
    garden: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], code: int, says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "garden.glb").write_bytes(garden.read_bytes())
    (tmp_path / "taken").write_text("mine")
    done = call(*arguments)
    assert done.returncode == code, done.stderr
    errors = [line for line in done.stderr.splitlines() if line.startswith("roomscale:")]
    assert len(errors) == 1
    assert says in errors[0]
    assert (tmp_path / "taken").read_text() == "mine"


@pytest.mark.parametrize(
    ("text", "size"), [("50M", 50_000_000), ("1.5 GB", 1_500_000_000), ("512Ki", 524_288), ("7", 7), ("20kb", 20_000)]
)
def test_sizes_are_read_as_people_write_them(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "M", "-5M", "0", "5 iB", "1e9", "nan"])
def test_what_is_no_size_is_said(text: str) -> None:
    with pytest.raises(UsageError, match=r"size|byte"):
        parse_size(text)


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (999_949, "999.9 kB"), (999_950, "1.0 MB")]
)
def test_sizes_are_shown_in_the_unit_that_suits(size: int, text: str) -> None:
    assert shown_size(size) == text


def test_packing_again_takes_images_as_packed_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROOMSCALE_CACHE", str(tmp_path / "cache"))
    scene, walls = tmp_path / "hall.glb", [saved(noise(300, 280, seed=seed)) for seed in (1, 2, 3)]
    materials = [worn("baseColorTexture", emissiveTexture={"index": 1})]

    def packed(*how: str) -> tuple[dict[str, str], subprocess.CompletedProcess[str]]:
        done = call(scene, "-o", tmp_path / "hall", *how)
        assert done.returncode == 0, done.stderr
        return contents(tmp_path / "hall"), done

    scene.write_bytes(to_glb(painted(*walls[:2], materials=materials)))
    first, done = packed("--no-cache", "--json")
    assert json.loads(done.stdout)["images"] is None
    assert not (tmp_path / "cache" / "images").exists()
    assert json.loads(packed("--json")[1].stdout)["images"] == {"asked": 2, "as_before": 0}
    again, done = packed()
    assert again == first
    assert "images: 2 of 2 as packed before" in done.stdout.splitlines()
    scene.write_bytes(to_glb(painted(walls[0], walls[2], materials=materials)))
    assert json.loads(packed("--json")[1].stdout)["images"] == {"asked": 2, "as_before": 1}


def test_where_nothing_can_be_kept_packing_works_and_says_so_when_debugging(
    garden: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cache").write_text("a file")
    monkeypatch.setenv("ROOMSCALE_CACHE", str(tmp_path / "cache"))
    scene = tmp_path / "hall.glb"
    scene.write_bytes(to_glb(painted(saved(noise(300, 280)), materials=[worn("baseColorTexture")])))
    done = call(scene, "-o", tmp_path / "hall.glb.packed", "--single")
    assert (done.returncode, "cannot be kept" in done.stderr) == (0, False)
    monkeypatch.setenv("ROOMSCALE_DEBUG", "1")
    assert "encoded images cannot be kept" in call(scene, "-o", tmp_path / "hall.glb.packed", "--single").stderr


@pytest.fixture(scope="module")
def crates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight crates by one mesh, six by meshes of their own, all of one material."""
    path = tmp_path_factory.mktemp("crates") / "crates.glb"
    builder = crowds.row(8, shared=True)
    for number in range(6):
        mesh = crowds.add_box(builder, 0, 0.55 + number / 10)
        builder.node(name=f"crate {number}", mesh=mesh, translation=[2 * number, 0, 4])
    path.write_bytes(to_glb(builder.scene()))
    return path


def test_fewer_draws_are_had_on_request_and_reported(crates: Path, tmp_path: Path) -> None:
    flags: list[tuple[tuple[str, ...], int]] = [
        (("--single",), 14),
        (("--single", "--instance"), 7),
        (("--single", "--join"), 1),
        (("--single", "--instance", "--join"), 2),
        (("--join",), 1),
    ]
    for number, (asked, after) in enumerate(flags):
        out = tmp_path / (f"{number}.glb" if "--single" in asked else f"{number}")
        report = json.loads(call(crates, "-o", out, *asked, "--json").stdout)
        assert report["draws"] == {"before": 14, "after": after}, asked
        names = [node["name"] for node in open_scene(Path(report["file"])).list_of("nodes")]
        assert names[:14] == [node["name"] for node in open_scene(crates).list_of("nodes")]
    done = call(crates, "-o", tmp_path / "again.glb", "--single", "--join")
    assert "draws: 14 in the source, 1 now" in done.stdout.splitlines()


def test_what_is_drawn_together_is_packed_again_to_the_same_bytes(crates: Path, tmp_path: Path) -> None:
    once, again = tmp_path / "once.glb", tmp_path / "again.glb"
    for source, out in ((crates, once), (once, again)):
        done = call(source, "-o", out, "--single", "--instance", "--join")
        assert done.returncode == 0, done.stderr
    assert once.read_bytes() == again.read_bytes()


def test_copies_are_refused_for_a_package_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "broken.glb").write_bytes(b"not looked at")
    done = call(tmp_path / "broken.glb", "-o", tmp_path / "out", "--instance")
    assert done.returncode == 2
    assert [line for line in done.stderr.splitlines() if line] == [f"roomscale: {INSTANCE_NEEDS_SINGLE}"]


def test_why_nothing_was_joined_is_said(tmp_path: Path) -> None:
    builder = crowds.row(3)
    builder.json |= {"extensionsUsed": ["ACME_game"], "extensions": {"ACME_game": {}}}
    scene = tmp_path / "game.glb"
    scene.write_bytes(to_glb(builder.scene()))
    done = call(scene, "-o", tmp_path / "out", "--join")
    assert "note: every mesh stays with its node: ACME_game may name any node, nobody knows" in done.stdout
    entry = next((tmp_path / "out").glob("*.glb"))
    assert "note: it is a package's entry already" in call(entry, "-o", tmp_path / "two", "--join").stdout
