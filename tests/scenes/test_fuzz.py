"""Whatever a field of a scene holds, or a GLB's bytes are: findings or a `SceneError`, never anything else.

hypothesis breaks fields; atheris, which has wheels for Linux only, breaks containers (`atheris_container.py`).
"""

from __future__ import annotations

import copy
import importlib.util
import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from roomscale.scenes import SceneError, mend, parse_scene, to_glb
from roomscale.scenes.authoring.author import author
from roomscale.scenes.container import parse_glb
from roomscale.scenes.inspection import inspect
from roomscale.scenes.inspection.outline import outline
from roomscale.scenes.judgement import judge
from tests.scenes.crafted import BINARY, Json, data_uri, glb, png, triangle
from tests.scenes.hostile import CASES

SLOW = settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
PROOF = settings(max_examples=4_000, deadline=None, suppress_health_check=list(HealthCheck))


def rich() -> Json:
    """A scene with one of nearly everything, so that there is much to break."""
    tree = triangle()
    names = ["OMI_spawn_point", "OMI_seat", "OMI_link", "OMI_physics_body", "OMI_physics_shape", "KHR_audio_emitter"]
    names += ["KHR_lights_punctual", "OMI_environment_sky", "EXT_mesh_gpu_instancing", "MSFT_lod", "VRMC_vrm"]
    tree["extensionsUsed"] = [*names, "KHR_xmp_json_ld", "KHR_texture_transform", "OMI_collider"]
    tree["asset"] |= {"generator": "ours", "copyright": "nobody", "extras": {"author": "us", "license": "CC0"}}
    tree["nodes"] += [
        {"name": "spawn", "translation": [0, 0, 0], "rotation": [0, 0, 0, 1], "extensions": {"OMI_spawn_point": {}}},
        {"name": "seat-1", "scale": [1, 1, 1], "extensions": {"OMI_seat": {"back": [0, 0, 0], "angle": 1.5}}},
        {"name": "portal", "extensions": {"OMI_link": {"uri": "https://example.org/"}}, "extras": {"portal": "#x"}},
        {"extensions": {"OMI_physics_body": {"motion": {"type": "static"}, "collider": {"shape": 0}}}},
        {"extensions": {"KHR_lights_punctual": {"light": 0}, "KHR_audio_emitter": {"emitter": 0}}},
        {"mesh": 0, "extensions": {"EXT_mesh_gpu_instancing": {"attributes": {"TRANSLATION": 0}}}},
        {"mesh": 0, "children": [8], "extensions": {"MSFT_lod": {"ids": [0]}}},
        {"matrix": [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1], "camera": 0},
        {"extensions": {"OMI_collider": {"type": "box", "extents": [1, 1, 1], "isTrigger": False}}},
    ]
    tree["scenes"] = [{"nodes": [0, 1, 2, 3, 4, 5, 6, 7, 9], "extensions": {"OMI_environment_sky": {"sky": 0}}}]
    tree["skins"] = [{"joints": [8]}]
    tree["cameras"] = [{"type": "perspective", "perspective": {"yfov": 1.0, "znear": 0.1}}]
    tree["images"] = [{"uri": "data:image/png;base64,iVBORw0KGgo=", "mimeType": "image/png", "name": "dot"}]
    tree["samplers"] = [{"wrapS": 10497}]
    tree["textures"] = [{"source": 0, "sampler": 0}]
    info = {"index": 0, "extensions": {"KHR_texture_transform": {"scale": [2, 2]}}}
    tree["materials"] = [{"name": "m", "pbrMetallicRoughness": {"baseColorTexture": info}, "alphaMode": "MASK"}]
    tree["bufferViews"].append({"buffer": 0, "byteLength": 36})
    tree["accessors"] += [
        {"bufferView": 2, "byteOffset": 8, "componentType": 5126, "count": 2, "type": "SCALAR", "min": [0], "max": [1]},
        {"bufferView": 2, "componentType": 5126, "count": 2, "type": "VEC3"},
    ]
    sampler = {"input": 2, "output": 3, "interpolation": "LINEAR"}
    channel = {"sampler": 0, "target": {"node": 2, "path": "translation"}}
    tree["animations"] = [{"name": "a", "samplers": [sampler], "channels": [channel]}]
    shapes = [{"type": "trimesh", "trimesh": {"mesh": 0}}, {"type": "box", "box": {"size": [1, 1, 1]}}]
    audio = {"audio": [{"uri": "data:audio/mpeg;base64,SUQz"}], "sources": [{"audio": 0, "gain": 1.0}]}
    tree["extensions"] = {
        "OMI_physics_shape": {"shapes": shapes},
        "KHR_audio_emitter": {
            **audio,
            "emitters": [{"type": "positional", "gain": 1, "sources": [0], "positional": {}}],
        },
        "KHR_lights_punctual": {"lights": [{"type": "spot", "spot": {}, "color": [1, 1, 1], "intensity": 3}]},
        "OMI_environment_sky": {"skies": [{"type": "gradient", "gradient": {"topColor": [0, 0, 1]}}]},
        "VRMC_vrm": {"specVersion": "1.0", "meta": {"name": "x", "authors": ["y"], "licenseUrl": "https://vrm.dev/"}},
        "KHR_xmp_json_ld": {"packets": [{"dc:creator": {"@list": ["z"]}, "dc:rights": "CC0"}]},
    }
    tree["buffers"][0]["uri"] = data_uri(BINARY)
    return tree


def places(tree: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a JSON tree."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    return [place for key, value in items for place in [(*path, key), *places(value, (*path, key))]]


PLACES = places(rich())
NUMBERS = st.sampled_from([0, -1, 1, 2, 3, 1.5, -0.0, 1e-300, 1e300, -1e300, 2**31, 2**53, 2**63, 2**200, 255, 65535])
SCALARS = st.one_of(
    st.none(), st.booleans(), NUMBERS, st.text(max_size=8), st.sampled_from(["", "x" * 3_000, "../a", "data:,"])
)
WRONG: st.SearchStrategy[Any] = st.one_of(
    SCALARS,
    st.lists(SCALARS, max_size=5),
    st.dictionaries(st.sampled_from(["a", "extensions", "extras", "name", "0"]), SCALARS, max_size=3),
    st.just([0] * 70),
    st.just([[[[]]]]),
)


def broken(tree: Json, place: tuple[Any, ...], change: str, value: Any) -> Json:
    """The tree with one place left out, replaced, made shorter or longer."""
    tree = copy.deepcopy(tree)
    holder: Any = tree
    for step in place[:-1]:
        holder = holder[step]
    old: Any = holder[place[-1]]
    if change == "gone":
        del holder[place[-1]]
    elif change == "shorter" and isinstance(old, (list, str)):
        holder[place[-1]] = old[:-1]
    elif change == "longer" and isinstance(old, (list, str)):
        holder[place[-1]] = old * 2
    elif change == "longer" and isinstance(old, dict):
        holder[place[-1]] = {**old, "more": value}
    else:
        holder[place[-1]] = value
    return tree


def look_at_everything(data: bytes) -> None:
    """All that `check`, `inspect` and `publish` do with a file, but for Khronos's process."""
    try:
        scene = parse_scene(data)
    except SceneError:
        return
    for one in (scene, mend(scene)[0], author(scene)[0]):
        findings = judge(one)
        assert all(str(finding).isprintable() for finding in findings)
    for work in (inspect, to_glb, lambda it: list(outline(it))):
        try:
            work(scene)
        except SceneError:
            continue


def test_the_rich_scene_is_in_order() -> None:
    """Else the fuzzing would break what is broken already."""
    tree = rich()
    tree["images"][0]["uri"] = data_uri(png(), "image/png")
    assert [str(finding) for finding in judge(parse_scene(json.dumps(tree).encode())) if finding.severity == 0] == []


@SLOW
@given(st.sampled_from(PLACES), st.sampled_from(["gone", "shorter", "longer", "wrong"]), WRONG)
def test_one_field_wrong(place: tuple[Any, ...], change: str, value: Any) -> None:
    look_at_everything(json.dumps(broken(rich(), place, change, value)).encode())


@pytest.mark.proof
@PROOF
@given(st.lists(st.tuples(st.sampled_from(PLACES), WRONG), min_size=1, max_size=3))
def test_several_fields_wrong(changes: list[tuple[tuple[Any, ...], Any]]) -> None:
    tree = rich()
    for place, value in changes:
        try:
            tree = broken(tree, place, "wrong", value)
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change took that place away
    look_at_everything(json.dumps(tree).encode())


@pytest.mark.proof
@pytest.mark.parametrize("change", ["gone", "shorter", "longer"])
def test_each_field_in_turn(change: str) -> None:
    for place in PLACES:
        look_at_everything(json.dumps(broken(rich(), place, change, 7)).encode())


@pytest.mark.proof
def test_each_field_in_turn_with_each_wrong_value() -> None:
    values: list[Any] = [None, True, -1, 0, 1e300, 2**64, "", "x" * 5_000, [], {}, [[]], [None] * 3, {"a": 1}]
    for place in PLACES:
        for value in values:
            look_at_everything(json.dumps(broken(rich(), place, "wrong", value)).encode())


@pytest.mark.proof
@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris is not installed (Linux only)")
def test_the_container_under_atheris() -> None:
    command = [sys.executable, "-m", "tests.scenes.atheris_container", "-max_total_time=60", "-max_len=600"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stderr[-2_000:]


def container_is_read_or_refused(data: bytes) -> None:
    """A GLB's chunks lie within it, or it is refused by name."""
    try:
        parsed = parse_glb(data)
    except SceneError as error:
        assert str(error).isprintable()
        return
    sizes = [len(parsed.json), len(parsed.binary or b""), *(len(other) for _, other in parsed.others)]
    assert sum(sizes) <= len(data) - 12 - 8


@SLOW
@given(st.binary(max_size=200))
def test_any_bytes_are_a_container_or_refused(data: bytes) -> None:
    container_is_read_or_refused(data)
    container_is_read_or_refused(b"glTF\x02\0\0\0" + (len(data) + 12).to_bytes(4, "little") + data)


@SLOW
@given(st.integers(0, len(glb()) - 1), st.integers(0, 255), st.integers(0, len(glb())))
def test_a_container_with_a_byte_wrong_or_cut_off(at: int, value: int, end: int) -> None:
    data = bytearray(glb())
    data[at] = value
    container_is_read_or_refused(bytes(data))
    container_is_read_or_refused(bytes(data[:end]))
    look_at_everything(bytes(data))


@pytest.mark.proof
@PROOF
@given(st.sampled_from(CASES), st.integers(0, 4_000), st.binary(min_size=1, max_size=8))
def test_crafted_files_with_bytes_overwritten(case: Any, at: int, patch: bytes) -> None:
    data = bytearray(case.make())[: 1 << 20]
    at %= max(len(data), 1)
    data[at : at + len(patch)] = patch
    look_at_everything(bytes(data))


def test_the_json_in_a_container_may_be_anything() -> None:
    for text in ("[]", "0", '"', "{}", "null", json.dumps({"asset": None})):
        look_at_everything(glb(None)[:0] + text.encode())
