"""Nothing of a scene is lost: unknown properties, orders, bytes; and what is external becomes part of one file."""

from __future__ import annotations

import copy
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roomscale.scenes import (
    RejectedScene,
    SceneError,
    UnreadableScene,
    UnwritableScene,
    check,
    errors_of,
    open_scene,
    parse_scene,
    to_glb,
    write_glb,
)
from roomscale.scenes.accessors import read
from roomscale.scenes.meshopt import encode_vertices
from tests.scenes.crafted import (
    BINARY,
    INDICES,
    POSITIONS,
    chunk,
    container,
    data_uri,
    glb,
    gltf,
    jpeg,
    padded,
    png,
    triangle,
)


def peculiar() -> dict[str, Any]:
    """A triangle full of what no table knows."""
    tree = triangle()
    tree["zebra"] = {"b": 1, "a": [1.0, 2, True, None, "é"]}
    tree["nodes"][0].update(extras=[1, {"x": 1e-7}], unknown=0.1, extensions={"ACME_x": {"z": 1, "a": {"": []}}})
    tree["asset"]["copyright"] = "somebody"
    tree["extensionsUsed"] = ["ACME_x"]
    return tree


def test_an_untouched_glb_comes_back_byte_for_byte() -> None:
    odd = container(
        chunk(b"JSON", padded(json.dumps(peculiar(), indent=3).encode() + b"\n\n")),
        chunk(b"BIN\0", BINARY),
        chunk(b"NOTE", b"abcd"),
    )
    assert to_glb(parse_scene(odd)) == odd
    same = parse_scene(odd)
    assert to_glb(same.changed(copy.deepcopy(same.json))) == odd


@pytest.mark.parametrize(("path", "value"), [("scene", 0.0), ("scene", False)])
def test_equal_in_python_is_not_untouched(path: str, value: Any) -> None:
    """1 == 1.0 == True in Python, but not in JSON."""
    scene = parse_scene(glb())
    with pytest.raises(RejectedScene):
        to_glb(scene.changed({**scene.json, path: value}))


def test_a_change_keeps_everything_else_in_order() -> None:
    scene = parse_scene(glb(peculiar()))
    tree = copy.deepcopy(scene.json)
    tree["nodes"][0]["name"] = "renamed"
    again = parse_scene(to_glb(scene.changed(tree)))
    assert json.dumps(again.json) == json.dumps(tree)
    assert bytes(again.buffer(0)) == BINARY


def test_chunks_of_other_makers_are_kept() -> None:
    data = container(
        chunk(b"JSON", padded(json.dumps(triangle()).encode())), chunk(b"BIN\0", BINARY), chunk(b"NOTE", b"abcd")
    )
    scene = parse_scene(data)
    tree = {**scene.json, "extras": 1}
    again = parse_scene(to_glb(scene.changed(tree)))
    assert again.glb is not None
    assert [(kind, bytes(content)) for kind, content in again.glb.others] == [(b"NOTE", b"abcd")]


@pytest.fixture
def spread(tmp_path: Path) -> Path:
    """A scene over several files: two buffers, an image beside it, one inside, a sound, one image used twice."""
    tree = triangle()
    tree["buffers"] = [{"byteLength": 36, "uri": "positions%20here.bin"}, {"byteLength": 6, "uri": "sub/indices.bin"}]
    tree["bufferViews"][1] = {"buffer": 1, "byteLength": 6}
    tree["images"] = [{"uri": "a.png", "name": "A"}, {"uri": data_uri(jpeg(2, 2), "image/jpeg")}, {"uri": "a.png"}]
    tree["textures"] = [{"source": 0}, {"source": 1}, {"source": 2}]
    tree["extensionsUsed"] = ["KHR_audio_emitter", "OMI_spawn_point"]
    tree["extensions"] = {"KHR_audio_emitter": {"audio": [{"uri": "a.mp3"}], "sources": [{"audio": 0}], "emitters": []}}
    tree["nodes"][0]["extensions"] = {"OMI_spawn_point": {"title": "here"}}
    (tmp_path / "sub").mkdir()
    (tmp_path / "positions here.bin").write_bytes(POSITIONS + b"padding")
    (tmp_path / "sub/indices.bin").write_bytes(INDICES)
    (tmp_path / "a.png").write_bytes(png())
    (tmp_path / "a.mp3").write_bytes(b"ID3" + bytes(50))
    (tmp_path / "scene.gltf").write_text(json.dumps(tree))
    return tmp_path / "scene.gltf"


def test_external_files_become_part_of_one_glb(spread: Path, tmp_path: Path) -> None:
    scene = open_scene(spread)
    assert errors_of(check(scene)) == []
    write_glb(scene, tmp_path / "out.glb")
    for path in (spread, tmp_path / "a.png", tmp_path / "positions here.bin"):
        path.unlink()
    whole = open_scene(tmp_path / "out.glb")
    assert errors_of(check(whole)) == []
    assert '"uri"' not in json.dumps(whole.json)
    assert read(whole, 0).tolist() == [[0, 0, 0], [1, 0, 0], [0, 1, 0]]
    assert read(whole, 1)[:, 0].tolist() == [0, 1, 2]
    assert read(whole, 0).tolist() == [[0, 0, 0], [1, 0, 0], [0, 1, 0]]
    images = whole.json["images"]
    assert [bytes(whole.view(image["bufferView"])) for image in images] == [png(), jpeg(2, 2), png()]
    assert [image["mimeType"] for image in images] == ["image/png", "image/jpeg", "image/png"]
    assert images[0]["bufferView"] == images[2]["bufferView"], "the file that two images name is there once"
    sound = whole.json["extensions"]["KHR_audio_emitter"]["audio"][0]
    assert bytes(whole.view(sound["bufferView"])) == b"ID3" + bytes(50)
    assert sound["mimeType"] == "audio/mpeg"


def test_indices_and_the_rest_of_the_json_stay(spread: Path) -> None:
    scene = open_scene(spread)
    whole = parse_scene(to_glb(scene))
    for key in ("asset", "scene", "scenes", "nodes", "meshes", "accessors", "textures", "extensionsUsed"):
        assert json.dumps(whole.json[key]) == json.dumps(scene.json[key])
    assert list(whole.json) == list(scene.json)
    assert [view["byteLength"] for view in whole.json["bufferViews"][:2]] == [36, 6]


def test_embedding_twice_changes_nothing(spread: Path) -> None:
    once = to_glb(open_scene(spread))
    assert to_glb(parse_scene(once)) == once
    assert to_glb(open_scene(spread)) == once


def test_a_glb_with_files_beside_it_is_made_whole(tmp_path: Path) -> None:
    tree = triangle()
    tree["images"] = [{"uri": "a.png"}]
    (tmp_path / "a.png").write_bytes(png())
    (tmp_path / "scene.glb").write_bytes(glb(tree))
    whole = parse_scene(to_glb(open_scene(tmp_path / "scene.glb")))
    assert bytes(whole.view(whole.json["images"][0]["bufferView"])) == png()
    assert bytes(whole.buffer(0))[: len(BINARY)] == BINARY


def test_placeholders_of_compressed_data_stay_without_contents() -> None:
    tree = triangle()
    packed = encode_vertices(np.frombuffer(POSITIONS, "<f4").reshape(3, 3))
    tree["buffers"] = [
        {"byteLength": 36, "extensions": {"EXT_meshopt_compression": {"fallback": True}}},
        {"byteLength": 8 + len(packed), "uri": data_uri(INDICES + b"\0\0" + packed)},
    ]
    compressed: dict[str, Any] = {"buffer": 1, "byteOffset": 8, "byteLength": len(packed), "byteStride": 12, "count": 3}
    compressed |= {"mode": "ATTRIBUTES"}
    tree["bufferViews"][0] = {"buffer": 0, "byteLength": 36, "extensions": {"EXT_meshopt_compression": compressed}}
    tree["bufferViews"][1] = {"buffer": 1, "byteLength": 6}
    tree["extensionsUsed"] = tree["extensionsRequired"] = ["EXT_meshopt_compression"]
    whole = parse_scene(to_glb(parse_scene(gltf(tree, None))))
    assert errors_of(check(whole)) == []
    assert [("uri" in buffer, buffer["byteLength"]) for buffer in whole.json["buffers"]] == [
        (False, 8 + len(packed)),
        (False, 36),
    ]
    view = whole.json["bufferViews"][0]
    assert view["buffer"] == 1 and view["extensions"]["EXT_meshopt_compression"]["buffer"] == 0
    assert read(whole, 1)[:, 0].tolist() == [0, 1, 2]


def test_the_name_does_not_decide_what_a_file_is(tmp_path: Path) -> None:
    for name, data in (("a.vrm", glb()), ("b.gltf", glb()), ("c.glb", gltf(triangle()))):
        (tmp_path / name).write_bytes(data)
        assert errors_of(check(open_scene(tmp_path / name))) == []


@given(st.data())
def test_any_json_is_checked_or_refused(data: st.DataObject) -> None:
    """Put any value anywhere: check says what it thinks, to_glb gives a scene or an error, and nothing else happens."""
    tree = triangle() | {"images": [{"bufferView": 0, "mimeType": "image/png"}], "skins": [{"joints": [0]}]}
    tree["extensions"] = {"KHR_audio_emitter": {"audio": [{"bufferView": 0}]}}
    holder: Any = tree
    for _ in range(data.draw(st.integers(0, 6))):
        inner = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        steps = [step for step in inner if isinstance(holder[step], (dict, list)) and holder[step]]
        if not steps:
            break
        holder = holder[data.draw(st.sampled_from(steps))]
    keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
    value = data.draw(
        st.none()
        | st.booleans()
        | st.integers(-3, 2**63)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(max_size=4)
        | st.sampled_from([[], {}, [0], [[]], {"extensions": {"OMI_seat": []}}, [{}]])
    )
    holder[data.draw(st.sampled_from(keys))] = value
    scene = parse_scene(glb(tree))
    assert all(isinstance(finding.message, str) for finding in check(scene))
    try:
        again = to_glb(scene.changed({**scene.json, "extras": 1}))
    except SceneError:
        return
    parse_scene(again)


def test_writing_replaces_whole_files_or_nothing(tmp_path: Path) -> None:
    target = tmp_path / "out.glb"
    target.write_bytes(b"old")
    broken = parse_scene(gltf(triangle(), None))
    with pytest.raises(SceneError):
        write_glb(broken, target)
    assert target.read_bytes() == b"old"
    write_glb(parse_scene(glb()), target)
    assert target.read_bytes() == glb()
    assert [path.name for path in tmp_path.iterdir()] == ["out.glb"]


@pytest.mark.skipif(sys.platform == "win32", reason="there are no FIFOs")
def test_what_is_no_file_is_never_replaced_by_one(tmp_path: Path) -> None:
    fifo, link = tmp_path / "device.glb", tmp_path / "link.glb"
    os.mkfifo(fifo)
    link.symlink_to(fifo)
    for path in (fifo, link):
        with pytest.raises(UnwritableScene, match="is no regular file and stays"):
            write_glb(parse_scene(glb()), path)
    assert fifo.is_fifo()
    assert link.is_symlink()
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such folders")
def test_a_folder_that_is_not_there_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(UnwritableScene, match=r"out\.glb cannot be written"):
        write_glb(parse_scene(glb()), tmp_path / "missing" / "out.glb")
    with pytest.raises(UnreadableScene, match=r"none\.glb cannot be read"):
        open_scene(tmp_path / "none.glb")
