"""meshoptimizer in Python: what it encodes comes back, npm's own decoder agrees, and broken data are named."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from roomscale.scenes import BrokenData, Limits, Scene, SceneError, check, errors_of, parse_scene
from roomscale.scenes.accessors import read
from roomscale.scenes.meshopt import (
    ExpMode,
    MeshoptError,
    cache_order,
    decode,
    encode_filter_color,
    encode_filter_exp,
    encode_filter_oct,
    encode_filter_quat,
    encode_indices,
    encode_triangles,
    encode_vertices,
    fetch_order,
    runtime,
    simplify,
)
from roomscale.scenes.meshopt.geometry import UNUSED
from tests.scenes.crafted import glb, triangle

WEB = Path(__file__).parents[2] / "web"
NPM_DECODER = WEB / "node_modules" / "meshoptimizer" / "meshopt_decoder.mjs"
rows = st.tuples(st.integers(1, 300), st.integers(1, 64), st.integers(0, 2**32 - 1))


def noise(count: int, words: int, seed: int) -> NDArray[np.uint8]:
    """Rows like a mesh's: some bytes steady, some noisy."""
    random = np.random.default_rng(seed)
    table = random.integers(0, 256, (count, words * 4), np.uint8)
    return np.where(random.random(words * 4) < 0.5, table, table[:1]).astype(np.uint8)


def directions(count: int = 500, width: int = 3) -> NDArray[np.float32]:
    vectors = np.random.default_rng(7).normal(size=(count, width))
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def grid(side: int) -> tuple[NDArray[np.float32], NDArray[np.uint32]]:
    """A square of side × side vertices, one metre between them, flat."""
    x, z = np.meshgrid(np.arange(side), np.arange(side))
    at = np.arange(side * side).reshape(side, side)
    corners = [at[:-1, :-1], at[1:, :-1], at[:-1, 1:], at[:-1, 1:], at[1:, :-1], at[1:, 1:]]
    positions = np.stack([x, np.zeros_like(x), z], -1).reshape(-1, 3)
    return positions.astype(np.float32), np.stack(corners, -1).reshape(-1).astype(np.uint32)


def triangles_of(indices: NDArray[Any]) -> set[tuple[int, ...]]:
    """Triangles as a set, each turned so that it reads least; their winding stays."""
    return {min((a, b, c), (b, c, a), (c, a, b)) for a, b, c in indices.reshape(-1, 3).tolist()}


@given(rows, st.sampled_from([0, 1]))
def test_vertices_come_back_as_they_were(shape: tuple[int, int, int], version: int) -> None:
    table = noise(*shape)
    assert np.array_equal(
        decode(encode_vertices(table, version=version), len(table), table.shape[1], "ATTRIBUTES"), table
    )


@given(st.lists(st.integers(0, 2**28 - 1), min_size=1, max_size=200), st.sampled_from([2, 4]))
def test_indices_come_back_as_they_were(values: list[int], stride: int) -> None:
    indices = np.array(values, np.uint32) & np.uint32((1 << 8 * stride) - 1)
    got = decode(encode_indices(indices), len(indices), stride, "INDICES").view(f"<u{stride}")[:, 0]
    assert np.array_equal(got, indices)


@given(st.lists(st.tuples(*[st.integers(0, 500)] * 3), min_size=1, max_size=200), st.sampled_from([2, 4]))
def test_triangles_come_back_with_their_winding(values: list[tuple[int, int, int]], stride: int) -> None:
    indices = np.array(values, np.uint32).reshape(-1)
    got = decode(encode_triangles(indices), len(indices), stride, "TRIANGLES").view(f"<u{stride}")[:, 0]
    assert triangles_of(got) == triangles_of(indices)


def test_directions_keep_their_direction_and_rotations_their_turn() -> None:
    normals = np.pad(directions(), ((0, 0), (0, 1)))
    data = encode_vertices(encode_filter_oct(normals, bits=8))
    got = decode(data, len(normals), 4, "ATTRIBUTES", "OCTAHEDRAL").view(np.int8)[:, :3] / 127
    got /= np.linalg.norm(got, axis=1, keepdims=True)
    assert np.einsum("ij,ij->i", got, normals[:, :3]).min() > np.cos(np.radians(1.5))
    data = encode_vertices(encode_filter_quat(directions(width=4), bits=12))
    turned = decode(data, 500, 8, "ATTRIBUTES", "QUATERNION").view("<i2") / 32767
    turned /= np.linalg.norm(turned, axis=1, keepdims=True)
    half = np.abs(np.einsum("ij,ij->i", turned, directions(width=4)))
    assert np.degrees(2 * np.arccos(np.minimum(half, 1.0))).max() < 0.1


@given(st.integers(2, 24), st.sampled_from([ExpMode.SEPARATE, ExpMode.SHARED_VECTOR, ExpMode.SHARED_COMPONENT]))
def test_floats_stay_within_the_bits_that_were_asked_for(bits: int, mode: ExpMode) -> None:
    values = np.random.default_rng(3).uniform(-50, 50, (400, 3)).astype(np.float32)
    data = encode_vertices(encode_filter_exp(values, bits=bits, mode=mode))
    got = decode(data, 400, 12, "ATTRIBUTES", "EXPONENTIAL").view("<f4")
    assert np.abs(got - values).max() <= 128 / 2**bits


def test_colours_stay_within_a_step() -> None:
    colours = np.random.default_rng(3).random((300, 4)).astype(np.float32)
    data = encode_vertices(encode_filter_color(colours, bits=8))
    got = decode(data, 300, 4, "ATTRIBUTES", "COLOR") / 255
    assert np.abs(got - colours).max() < 0.02


@pytest.mark.skipif(shutil.which("node") is None or not NPM_DECODER.exists(), reason="no node, or no npm packages")
def test_npms_decoder_reads_the_same(tmp_path: Path) -> None:
    cases = _cases()
    for number, (data, *_) in enumerate(cases):
        (tmp_path / f"{number}.bin").write_bytes(data)
    told = [list(case[1:]) for case in cases]
    script = f"""
import {{ MeshoptDecoder as D }} from {json.dumps(NPM_DECODER.as_uri())};
import fs from "node:fs";
await D.ready;
{json.dumps(told)}.forEach(([count, size, mode, filter], number) => {{
  const target = new Uint8Array(count * size);
  D.decodeGltfBuffer(target, count, size, new Uint8Array(fs.readFileSync(`${{number}}.bin`)), mode, filter);
  fs.writeFileSync(`${{number}}.out`, target);
}});"""
    subprocess.run(["node", "--input-type=module", "-e", script], cwd=tmp_path, check=True, timeout=60)
    for number, (data, count, stride, mode, kind) in enumerate(cases):
        ours = decode(data, count, stride, mode, kind).tobytes()
        assert ours == (tmp_path / f"{number}.out").read_bytes(), (mode, kind)


def _cases() -> list[tuple[bytes, int, int, str, str]]:
    floats = np.random.default_rng(1).normal(size=(301, 3)).astype(np.float32)
    normals, turns = np.pad(directions(301), ((0, 0), (0, 1))), directions(301, 4)
    _, triangles = grid(12)
    exponential = encode_filter_exp(floats, bits=14, mode=ExpMode.SHARED_COMPONENT)
    return [
        (encode_vertices(noise(301, 5, 1)), 301, 20, "ATTRIBUTES", "NONE"),
        (encode_vertices(noise(301, 5, 1), version=1), 301, 20, "ATTRIBUTES", "NONE"),
        (encode_vertices(encode_filter_oct(normals)), 301, 4, "ATTRIBUTES", "OCTAHEDRAL"),
        (encode_vertices(encode_filter_oct(normals, bits=12, stride=8)), 301, 8, "ATTRIBUTES", "OCTAHEDRAL"),
        (encode_vertices(encode_filter_quat(turns)), 301, 8, "ATTRIBUTES", "QUATERNION"),
        (encode_vertices(exponential), 301, 12, "ATTRIBUTES", "EXPONENTIAL"),
        (encode_vertices(encode_filter_color(np.abs(turns))), 301, 4, "ATTRIBUTES", "COLOR"),
        (encode_triangles(triangles), len(triangles), 4, "TRIANGLES", "NONE"),
        (encode_indices(triangles), len(triangles), 2, "INDICES", "NONE"),
    ]


@given(
    st.binary(max_size=400),
    st.integers(-1, 600),
    st.integers(-1, 300),
    st.sampled_from(["ATTRIBUTES", "TRIANGLES", "INDICES", "?"]),
    st.sampled_from(["NONE", "OCTAHEDRAL", "QUATERNION", "EXPONENTIAL", "COLOR", "?"]),
)
def test_whatever_the_bytes_are_they_decode_or_are_named(
    data: bytes, count: int, stride: int, mode: str, kind: str
) -> None:
    for head in (b"", b"\xa0", b"\xa1", b"\xe1", b"\xd1"):
        try:
            assert decode(head + data, count, stride, mode, kind).shape == (count, stride)
        except MeshoptError as error:
            assert str(error)


@given(st.data())
@settings(max_examples=50)
def test_a_changed_byte_changes_numbers_or_is_named(data: st.DataObject) -> None:
    packed, count, stride, mode, kind = data.draw(st.sampled_from(_cases()))
    broken = bytearray(packed)
    broken[data.draw(st.integers(0, len(packed) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        assert decode(bytes(broken), count, stride, mode, kind).shape == (count, stride)
    except MeshoptError as error:
        assert str(error)


def test_cut_or_longer_data_are_malformed() -> None:
    for data, *told in _cases():
        for broken in (data[:-1], data + b"\0", b""):
            with pytest.raises(MeshoptError, match="malformed"):
                decode(broken, *told)  # type: ignore[arg-type]  # the rest of a case is decode's arguments


def test_memory_is_bounded_and_what_was_taken_is_given_back() -> None:
    with pytest.raises(MeshoptError, match="MB"):
        decode(b"\xa0" + bytes(100), 1 << 30, 4, "ATTRIBUTES")
    with runtime.instance("decoder") as decoder:
        before = decoder.size
    data = encode_vertices(noise(20_000, 8, 2))
    for _ in range(20):
        decode(data, 20_000, 32, "ATTRIBUTES")
    with runtime.instance("decoder") as decoder:
        assert decoder.size < before + 8_000_000
    with pytest.raises(MeshoptError), runtime.instance("decoder") as decoder:
        decoder.call("meshopt_decodeFilterExp", 2**31 - 64, 4, 16)  # outside its memory: a trap
    assert decode(data, 20_000, 32, "ATTRIBUTES").shape == (20_000, 32)


def test_threads_do_not_share_an_instance() -> None:
    wrong: list[int] = []

    def work(seed: int) -> None:
        table = noise(3_000, 6, seed)
        answers = [decode(encode_vertices(table), 3_000, 24, "ATTRIBUTES") for _ in range(10)]
        wrong.extend(seed for answer in answers if not np.array_equal(answer, table))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_reordering_keeps_every_triangle_and_shortens_the_file() -> None:
    _, indices = grid(40)
    shuffled = np.random.default_rng(5).permutation(indices.reshape(-1, 3)).reshape(-1)
    cached = cache_order(shuffled, 1_700)
    assert triangles_of(cached) == triangles_of(shuffled)
    table = fetch_order(cached, 1_700)
    assert sorted(table[:1_600]) == list(range(1_600)) and (table[1_600:] == UNUSED).all()
    ordered = table[cached]
    assert len(encode_triangles(ordered)) < 0.5 * len(encode_triangles(shuffled))


def test_simplifying_keeps_the_shape_within_the_error() -> None:
    positions, indices = grid(40)
    fewer, error = simplify(indices, positions, target=6, error=0.01)
    assert len(fewer) < 0.05 * len(indices) and error <= 0.01
    assert np.array_equal(np.ptp(positions[fewer], axis=0), np.ptp(positions, axis=0))
    hills = positions.copy()
    hills[:, 1] = np.sin(hills[:, 0] / 3) * 4
    kept, error = simplify(indices, hills, target=6, error=0.01)
    assert len(kept) > len(fewer) and error <= 0.01
    locked, _ = simplify(indices, positions, target=6, error=0.01, locked=np.ones(1_600, bool))
    assert triangles_of(locked) == triangles_of(indices)


def test_indices_past_the_last_vertex_never_reach_webassembly() -> None:
    positions, indices = grid(4)
    with pytest.raises(MeshoptError):
        cache_order(indices, 15)
    with pytest.raises(MeshoptError):
        fetch_order(indices, 15)
    with pytest.raises(MeshoptError):
        simplify(indices, positions[:-1], target=3, error=1.0)


def compressed_scene(data: bytes, **told: Any) -> Scene:
    """A triangle whose positions are a compressed view."""
    tree = triangle()
    tree["buffers"] = [
        {"byteLength": len(data)},
        {"byteLength": 36, "extensions": {"EXT_meshopt_compression": {"fallback": True}}},
    ]
    own = {"buffer": 0, "byteLength": len(data), "byteStride": 12, "count": 3, "mode": "ATTRIBUTES"}
    tree["bufferViews"] = [
        {"buffer": 1, "byteLength": 36, "byteStride": 12, "extensions": {"EXT_meshopt_compression": {**own, **told}}}
    ]
    del tree["meshes"][0]["primitives"][0]["indices"], tree["accessors"][1]
    tree["extensionsUsed"] = tree["extensionsRequired"] = ["EXT_meshopt_compression"]
    return parse_scene(glb(tree, data))


def test_compressed_accessors_are_read_and_judged() -> None:
    corners = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]], np.float32)
    scene = compressed_scene(encode_vertices(corners))
    assert read(scene, 0).tolist() == corners.tolist()
    assert errors_of(check(scene)) == []
    wrong = compressed_scene(encode_vertices(corners * 2))
    assert "ACCESSOR_MAX_MISMATCH" in {finding.code for finding in check(wrong)}


def test_malformed_compressed_data_are_an_error() -> None:
    packed = encode_vertices(np.zeros((3, 3), np.float32))
    scene = compressed_scene(packed[:-1])
    with pytest.raises(BrokenData) as broken:
        read(scene, 0)
    assert broken.value.code == "MESHOPT_MALFORMED"
    assert [finding.code for finding in errors_of(check(scene))] == ["MESHOPT_MALFORMED"]


@given(
    st.dictionaries(
        st.sampled_from(["buffer", "byteOffset", "byteLength", "byteStride", "count", "mode", "filter"]),
        st.integers(-5, 10**12) | st.none() | st.text(max_size=3) | st.floats() | st.booleans() | st.just({}),
    )
)
def test_any_compressed_view_is_read_or_named(told: dict[str, Any]) -> None:
    scene = compressed_scene(encode_vertices(np.zeros((3, 3), np.float32)))
    scene.json["bufferViews"][0]["extensions"]["EXT_meshopt_compression"].update(told)
    try:
        assert read(scene, 0).shape == (3, 3)
    except SceneError as error:
        assert str(error)


def test_a_bomb_is_refused_before_it_unpacks() -> None:
    count = Limits().zero_bytes // 12 + 100_000
    zeros = encode_vertices(np.zeros((count, 3), np.float32))
    scene = compressed_scene(zeros, count=count)
    scene.json["bufferViews"][0]["byteLength"] = scene.json["buffers"][1]["byteLength"] = count * 12
    scene.json["accessors"][0]["count"] = count
    small = Limits(zero_bytes=1 << 20, meshopt_ratio=16)
    with pytest.raises(BrokenData) as broken:
        read(parse_scene(glb(scene.json, zeros), limits=small), 0)
    assert broken.value.code == "MESHOPT_BOMB"


def test_the_build_step_takes_the_modules_out_of_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    if not NPM_DECODER.exists():
        pytest.skip("npm's packages are not installed")
    monkeypatch.syspath_prepend(str(WEB))
    spec = importlib.util.spec_from_file_location("build_meshopt", WEB / "build_meshopt.py")
    assert spec and spec.loader
    step = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(step)
    sys.modules.pop("build_client", None)
    source = NPM_DECODER.read_text("utf-8")
    assert step.extract(source, "wasm_simd") == (step.TARGET / "decoder.wasm").read_bytes()
    with pytest.raises(Exception, match="does not know"):
        step.extract(source.replace("'b9H79", "'c9H79"), "wasm_simd")
