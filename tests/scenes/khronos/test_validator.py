"""Khronos's validator in its own process: a second opinion that can fail in every way and never takes us with it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from roomscale.scenes import Finding, Severity, check, errors_of, open_scene, parse_scene
from roomscale.scenes.khronos import Answer, Validator, ValidatorLimits, merge
from roomscale.scenes.khronos.runner import SCRIPT
from tests.scenes.crafted import BINARY, changed, glb, gltf, png, triangle, with_extension, with_image

needs_script = pytest.mark.skipif(
    not SCRIPT.exists(), reason="the validator is not built: python web/build_validator.py"
)
IMPATIENT = ValidatorLimits(seconds=0.5, patience=8.0)


def misbehaving(folder: Path, body: str) -> Path:
    """A validator of our own making; `data` is the scene's bytes."""
    script = folder / "validator.js"
    script.write_text(f"exports.validateBytes = async (data) => {{ {body} }};")
    return script


@needs_script
def test_it_tells_what_our_own_checks_do_not() -> None:
    tree = triangle()
    tree["nodes"].append({"name": "nothing"})
    tree["scenes"][0]["nodes"].append(1)
    scene = parse_scene(glb(tree))
    with Validator() as validator:
        merged = merge(check(scene), validator.ask(scene))
    assert ("NODE_EMPTY", "/nodes/1") in [(finding.code, finding.pointer) for finding in merged]
    assert errors_of(merged) == []


@needs_script
def test_it_is_given_the_files_that_a_scene_names_and_nothing_else(tmp_path: Path) -> None:
    tree = triangle()
    tree["buffers"][0]["uri"] = "./with%20blank/data.bin"
    tree["images"] = [{"uri": "gone.png"}]
    (tmp_path / "with blank").mkdir()
    (tmp_path / "with blank" / "data.bin").write_bytes(BINARY)
    (tmp_path / "scene.gltf").write_bytes(gltf(tree, None))
    with Validator() as validator:
        report = validator.ask(open_scene(tmp_path / "scene.gltf")).report
    assert report is not None
    assert [message["pointer"] for message in report["issues"]["messages"] if message["code"] == "IO_ERROR"] == [
        "/images/0/uri"
    ]


@needs_script
def test_it_sees_a_scene_as_it_is_now_not_as_it_was_read() -> None:
    scene = parse_scene(glb(changed("nodes", 0, "name", to="before")))
    broken = scene.changed(changed("nodes", 0, "mesh", to=7))
    with Validator() as validator:
        assert validator.ask(scene).report["issues"]["numErrors"] == 0  # type: ignore[index]
        assert validator.ask(broken).report["issues"]["numErrors"] == 1  # type: ignore[index]
        other = scene.changed(buffers={0: bytes(36) + b"\x09\0\x09\0\x09\0" + bytes(6)})
        assert validator.ask(other).report["issues"]["numErrors"] > 0  # type: ignore[index]


@needs_script
def test_one_that_was_prepared_answers_as_others_do_and_one_that_is_never_asked_ends() -> None:
    with Validator() as prepared, Validator() as idle:
        prepared.prepare()
        idle.prepare()
        assert prepared.ask(parse_scene(glb())).report is not None
        process = idle._process.start()
    assert process.poll() is not None


def test_one_that_hangs_is_ended_and_the_next_scene_is_answered(tmp_path: Path) -> None:
    script = misbehaving(tmp_path, "if (data.length > 900) for (;;); return {issues: {messages: []}};")
    with Validator(IMPATIENT, script) as validator:
        slow = validator.ask(parse_scene(glb(changed("nodes", 0, "name", to="x" * 900))))
        quick = validator.ask(parse_scene(glb()))
    assert slow.report is None
    assert "took longer" in slow.reason
    assert quick.report == {"issues": {"messages": []}}


def test_one_that_waits_for_ever_is_ended_by_the_clock(tmp_path: Path) -> None:
    limits = ValidatorLimits(seconds=0.5, patience=2.0)
    with Validator(limits, misbehaving(tmp_path, "await new Promise(() => {});")) as validator:
        assert "took longer" in validator.ask(parse_scene(glb())).reason


@pytest.mark.parametrize(
    "body",
    [
        "const all = []; for (;;) all.push(new Array(1e6).fill(all.length));",
        "const all = []; for (;;) all.push(new Uint8Array(1e8).fill(1));",
    ],
    ids=["heap", "buffers"],
)
def test_one_that_takes_all_memory_is_ended(tmp_path: Path, body: str) -> None:
    limits = ValidatorLimits(seconds=20.0, heap_bytes=64 << 20, file_bytes=16 << 20)
    with Validator(limits, misbehaving(tmp_path, body)) as validator:
        answer = validator.ask(parse_scene(glb()))
    assert answer.report is None
    assert answer.reason


def test_one_that_throws_or_is_no_script_is_a_reason(tmp_path: Path) -> None:
    with Validator(script=misbehaving(tmp_path, "throw new Error('no idea');")) as validator:
        assert "no idea" in validator.ask(parse_scene(glb())).reason
    (tmp_path / "nonsense.js").write_text("this is no script")
    with Validator(script=tmp_path / "nonsense.js") as validator:
        assert "crashed" in validator.ask(parse_scene(glb())).reason


def test_without_it_there_is_one_information_and_no_more(tmp_path: Path) -> None:
    scene = parse_scene(glb())
    with Validator(script=tmp_path / "absent.js") as validator:
        merged = merge(check(scene), validator.ask(scene))
    new = [finding for finding in merged if finding not in check(scene)]
    assert [(finding.code, finding.severity) for finding in new] == [("KHRONOS_VALIDATOR_UNAVAILABLE", Severity.INFO)]
    assert "build_validator.py" in new[0].message


def test_a_scene_that_is_too_large_is_not_sent() -> None:
    with Validator(ValidatorLimits(file_bytes=100)) as validator:
        answer = validator.ask(parse_scene(glb()))
    assert answer.report is None
    if SCRIPT.exists():
        assert "more than it is given" in answer.reason


def test_ours_wins_where_both_speak() -> None:
    ours = [Finding("A", Severity.WARNING, "/nodes/0", "ours"), Finding("MANY", Severity.WARNING, "", "and 50 more")]
    messages = [
        {"code": "A", "severity": 0, "pointer": "/nodes/0", "message": "theirs"},
        {"code": "A", "severity": 0, "pointer": "/nodes/1", "message": "new.\x1b[31m"},
        {"code": "MANY", "severity": 1, "pointer": "/nodes/99", "message": "one of those"},
        {"code": "HINT", "severity": 3, "pointer": "/", "message": "as a whole"},
    ]
    merged = merge(ours, Answer({"issues": {"messages": messages}}))
    assert [(finding.code, finding.severity, finding.pointer, finding.message) for finding in merged] == [
        ("A", Severity.ERROR, "/nodes/1", "new.\\x1b[31m"),
        ("A", Severity.WARNING, "/nodes/0", "ours"),
        ("MANY", Severity.WARNING, "", "and 50 more"),
        ("HINT", Severity.INFO, "", "as a whole"),
    ]


@needs_script
def test_what_only_extensions_use_that_it_does_not_know_is_not_called_unused() -> None:
    tree = with_extension("EXT_someone_elses", node={"mesh": 1})
    tree["meshes"].append(tree["meshes"][0])
    known = triangle()
    known["meshes"].append(known["meshes"][0])
    with Validator() as validator:
        told = {
            name: {finding.code for finding in merge([], validator.ask(parse_scene(glb(scene))))}
            for name, scene in (("unknown", tree), ("plain", known))
        }
    assert "UNUSED_OBJECT" in told["plain"]
    assert told["unknown"] == {"UNSUPPORTED_EXTENSION"}


@needs_script
def test_extensions_that_we_read_are_not_called_unsupported() -> None:
    scene = parse_scene(glb(with_extension("OMI_spawn_point", node={})))
    with Validator() as validator:
        assert merge([], validator.ask(scene)) == []


@needs_script
def test_an_image_format_that_ours_know_is_not_doubted() -> None:
    ktx = b"\xabKTX 20\xbb\r\n\x1a\n" + bytes(100)
    scenes = [parse_scene(with_image(ktx, "image/ktx2")), parse_scene(with_image(png(), "image/png"))]
    with Validator() as validator:
        for scene in scenes:
            codes = {finding.code for finding in merge([], validator.ask(scene))}
            assert not codes & {"IMAGE_UNRECOGNIZED_FORMAT", "VALUE_NOT_IN_LIST"}


@needs_script
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="no /proc to look at")
def test_closing_leaves_no_process_behind() -> None:
    validator = Validator()
    validator.ask(parse_scene(glb()))
    pid = validator._process.pid
    assert Path(f"/proc/{pid}/exe").exists()
    validator.close()
    assert not Path(f"/proc/{pid}/exe").exists()


def test_one_process_answers_question_after_question(tmp_path: Path) -> None:
    script = misbehaving(tmp_path, "return {issues: {messages: [], size: data.length}};")
    with Validator(script=script) as validator:
        for _ in range(3):
            report = validator.ask(parse_scene(glb())).report
            assert json.dumps(report) == json.dumps({"issues": {"messages": [], "size": len(glb())}})
