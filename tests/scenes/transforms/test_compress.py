"""Compressing: what decodes is what was there, in a fraction of the bytes; three.js reads the same."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roomscale.scenes import Scene, to_glb
from roomscale.scenes.accessors import Array, read, read_floats
from roomscale.scenes.compressed import is_compressed
from roomscale.scenes.meshopt import decode, encode_vertices
from roomscale.scenes.transforms import filters
from roomscale.scenes.transforms.accessor_roles import accessor_roles
from roomscale.scenes.transforms.compress import compress
from roomscale.scenes.transforms.quantise import quantise
from roomscale.scenes.transforms.reorder import reorder
from roomscale.scenes.transforms.weld import weld
from tests.scenes.crafted import glb
from tests.scenes.solids import Builder, globe, world
from tests.scenes.transforms.meaning import assert_close, assert_same_meaning, triangles, written

WEB = Path(__file__).parents[3] / "web"
THREE = WEB / "node_modules" / "three"
LOSSY = {"NORMAL", "TANGENT", "rotation", "instance ROTATION"}


def packed(scene: Scene) -> Scene:
    return compress(reorder(weld(quantise(weld(scene)))))


def turned(before: Scene, after: Scene, index: int) -> float:
    """The largest angle between the vectors of an accessor, in degrees."""
    old, new = (read_floats(scene, index)[:, :3].astype(float) for scene in (before, after))
    old, new = (values / np.linalg.norm(values, axis=1, keepdims=True) for values in (old, new))
    return float(np.degrees(np.arccos(np.minimum(np.einsum("ij,ij->i", old, new), 1.0)).max()))


def test_everything_but_directions_comes_back_to_the_bit() -> None:
    before = world()
    after = written(compress(before))
    assert len(to_glb(after)) < 0.6 * len(to_glb(before))
    assert_same_meaning(before, after)
    for index, role in accessor_roles(before.json).items():
        if role == "triangles":
            continue  # the first corner of a triangle may be its second now
        if role in ("NORMAL", "TANGENT"):
            assert turned(before, after, index) < 1.5
        elif role in LOSSY:
            assert_close(before, after, index, "rotation")
        else:
            assert np.array_equal(read(before, index), read(after, index)), role
    for mesh in range(4):
        assert np.array_equal(triangles(before, mesh, 0, "POSITION"), triangles(after, mesh, 0, "POSITION"))


def test_a_packed_world_keeps_its_meaning_and_its_measures() -> None:
    before = world()
    after = written(packed(before))
    assert len(to_glb(after)) < 0.35 * len(to_glb(before))
    assert_same_meaning(before, after)
    for index, role in accessor_roles(before.json).items():
        if role in ("translation", "scale", "weights", "times", "instance TRANSLATION", "instance SCALE"):
            assert_close(before, after, index, "")
        elif role in ("rotation", "instance ROTATION"):
            assert_close(before, after, index, "rotation")
    for mesh in range(4):
        old, new = (triangles(scene, mesh, 0, "POSITION") for scene in (before, after))
        assert old.shape == new.shape and np.abs(old.max(axis=0) - new.max(axis=0)).max() < 1e-3
    assert {"EXT_meshopt_compression", "KHR_mesh_quantization"} == set(after.json["extensionsRequired"])


def test_the_newer_extension_is_shorter_and_holds_the_same() -> None:
    before = reorder(weld(quantise(world())))
    old, new = compress(before), compress(before, extension="KHR_meshopt_compression")
    assert len(to_glb(new)) < len(to_glb(old))
    assert "KHR_meshopt_compression" in written(new).json["extensionsRequired"]
    for index in range(len(before.list_of("accessors"))):
        assert np.array_equal(read(old, index), read(new, index))


def test_what_is_packed_passes_through() -> None:
    once = written(packed(world()))
    for transform in (weld, quantise, reorder, compress):
        assert transform(once) is once


def test_equal_contents_lie_there_once() -> None:
    indices, parts = globe()
    sizes = []
    for copies in (1, 5):
        builder = Builder()
        for _ in range(copies):
            builder.node(mesh=builder.mesh(builder.primitive(indices, **parts)))
        sizes.append(compress(builder.scene()).json["buffers"][0]["byteLength"])
    assert sizes[1] < 1.1 * sizes[0]


def test_what_gets_no_shorter_stays_as_it_is() -> None:
    builder = Builder()
    builder.node(mesh=builder.mesh(builder.primitive(None, POSITION=np.eye(3, dtype=np.float32))))
    scene = builder.scene()
    assert compress(scene) is scene


def test_strips_sparse_and_shared_accessors_stay_readable() -> None:
    indices, parts = globe()
    builder = Builder()
    strip = builder.primitive(indices, **parts) | {"mode": 5}
    builder.node(mesh=builder.mesh(strip))
    sparse = {
        "count": 1,
        "indices": {"bufferView": strip["indices"], "componentType": 5123},
        "values": {"bufferView": strip["attributes"]["POSITION"]},
    }
    told = builder.json["accessors"][strip["attributes"]["NORMAL"]]
    told["sparse"] = sparse
    before = builder.scene()
    after = compress(before)
    for index in range(len(before.json["accessors"])):
        assert np.array_equal(read(before, index), read(after, index))
    views = after.json["bufferViews"]
    kept = [is_compressed(views[accessor["bufferView"]]) for accessor in after.json["accessors"]]
    assert kept[strip["indices"]] and not kept[strip["attributes"]["NORMAL"]]


@given(st.integers(-60, 40), st.integers(0, 100), st.integers(1, 23))
def test_floats_on_a_grid_are_encoded_exactly(exponent: int, seed: int, bits: int) -> None:
    units = np.random.default_rng(seed).integers(-(2**bits) + 1, 2**bits, (40, 3))
    values = np.ldexp(units.astype(np.float64), exponent).astype(np.float32) + np.float32(0)
    told = filters.encode(values, "_ANY")
    assert told is not None and told.filter == "EXPONENTIAL"
    data = encode_vertices(told.rows)
    assert np.array_equal(decode(data, 40, 12, "ATTRIBUTES", "EXPONENTIAL").view("<f4"), values)


def test_signs_weigh_nothing() -> None:
    units = np.random.default_rng(0).integers(-100, 100, (400, 3)).astype(np.float32)
    centred, moved = (filters.encode(units + np.float32(by), "_ANY") for by in (0, 100))
    assert centred is not None and moved is not None
    assert len(encode_vertices(centred.rows)) < 1.01 * len(encode_vertices(moved.rows))


def test_numbers_off_every_grid_have_none() -> None:
    for values in ([0.1, 1000.0], [np.inf, 1.0], [np.nan, 1.0], [-0.0, 1.0], [1e-38, 1.0]):
        assert filters.grid_exponent(np.array([values], np.float32)) is None


@pytest.mark.skipif(shutil.which("node") is None or not THREE.exists(), reason="no node, or no npm packages")
def test_three_reads_the_same_world(tmp_path: Path) -> None:
    before = world()
    (tmp_path / "before.glb").write_bytes(to_glb(before))
    (tmp_path / "after.glb").write_bytes(to_glb(packed(before)))
    (tmp_path / "newer.glb").write_bytes(to_glb(compress(before, extension="KHR_meshopt_compression")))
    old, new, newer = (_seen_by_three(tmp_path / f"{name}.glb") for name in ("before", "after", "newer"))
    _assert_alike(old, new)
    _assert_alike(old, newer)


def _assert_alike(old: Any, new: Any) -> None:
    assert [node["name"] for node in old["nodes"]] == [node["name"] for node in new["nodes"]]
    assert len(old["nodes"]) > 8
    for was, now in zip(old["nodes"], new["nodes"], strict=True):
        assert np.allclose(was["matrix"], now["matrix"], atol=1e-6)
        assert ("box" in was) == ("box" in now)
        if "box" in was:
            assert np.allclose(was["box"], now["box"], atol=1e-3), was["name"]
    assert old["clips"] == [pytest.approx(length, abs=1e-3) for length in new["clips"]]
    assert np.allclose(old["lift"], new["lift"], atol=1e-3)


def _seen_by_three(path: Path) -> Any:
    """Names, matrices, boxes and a moved node's places as three.js has them once the file is loaded."""
    script = f"""
import * as THREE from {json.dumps((THREE / "build" / "three.module.js").as_uri())};
import {{ GLTFLoader }} from {json.dumps((THREE / "examples/jsm/loaders/GLTFLoader.js").as_uri())};
import {{ MeshoptDecoder }} from {json.dumps((THREE / "examples/jsm/libs/meshopt_decoder.module.js").as_uri())};
import fs from "node:fs";
globalThis.self = globalThis;
const file = fs.readFileSync({json.dumps(str(path))});
const loader = new GLTFLoader().setMeshoptDecoder(MeshoptDecoder);
const gltf = await loader.parseAsync(file.buffer.slice(file.byteOffset, file.byteOffset + file.length), "");
gltf.scene.updateMatrixWorld(true);
const nodes = [];
gltf.scene.traverse((node) => {{
  const told = {{ name: node.name, matrix: node.matrixWorld.toArray() }};
  if (node.geometry) {{
    node.geometry.computeBoundingBox();
    const box = node.geometry.boundingBox;
    told.box = [...box.min.toArray(), ...box.max.toArray()];
  }}
  nodes.push(told);
}});
const mixer = new THREE.AnimationMixer(gltf.scene);
gltf.animations.forEach((clip) => mixer.clipAction(clip).play());
const lift = [];
for (let step = 0; step < 20; step++) {{
  mixer.setTime(step * 0.19);
  lift.push(...gltf.scene.getObjectByName("lift").position.toArray());
}}
process.stdout.write(JSON.stringify({{ nodes, clips: gltf.animations.map((clip) => clip.duration), lift }}));
"""
    done = subprocess.run(
        ["node", "--input-type=module", "-e", script], capture_output=True, check=False, timeout=60, text=True
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@given(st.data())
def test_any_attributes_come_back(data: st.DataObject) -> None:
    """Types and widths that real files have, and odd ones that they may."""
    count = data.draw(st.integers(3, 400))
    random = np.random.default_rng(data.draw(st.integers(0, 99)))
    types = st.sampled_from(["f4", "u1", "u2", "i1", "i2", "u4"])
    arrays: dict[str, Array] = {"POSITION": random.normal(size=(count, 3)).astype("f4")}
    for number in range(data.draw(st.integers(0, 3))):
        dtype = data.draw(types)
        arrays[f"_OWN{number}"] = random.integers(0, 100, (count, 4)).astype(dtype)
    builder = Builder()
    builder.node(mesh=builder.mesh(builder.primitive(None, **arrays)))
    before = builder.scene()
    after = compress(before)
    for index in range(len(arrays)):
        assert np.array_equal(read(before, index), read(after, index))
    assert glb(after.json, None)
