"""Whatever a scene says that no table knows, it says after every transform, and after all of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from roomscale.scenes import Scene, check, errors_of, mend, open_scene, parse_scene, to_glb
from roomscale.scenes.accessors import read
from roomscale.scenes.transforms.dedupe import dedupe
from roomscale.scenes.transforms.merge import merge
from roomscale.scenes.transforms.pipeline import optimise
from roomscale.scenes.transforms.prune import prune
from roomscale.scenes.transforms.resample import resample
from roomscale.scenes.transforms.shrink import shrink
from tests.scenes.crafted import BINARY, data_uri, glb, png, triangle
from tests.scenes.transforms.said import everything_said, nodes_of

SHARED = Path(__file__).parents[4] / "shared" / "gltf"
EXACT = {"prune": prune, "dedupe": dedupe, "merge": merge, "shrink": shrink, "resample": resample}
Json = dict[str, Any]

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(-2, 2) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
objects = st.dictionaries(
    st.sampled_from(["bufferView", "mesh", "a", "buffer", "index", "name"]), json_values, max_size=3
)
LISTS = ("nodes", "meshes", "accessors", "bufferViews", "materials", "textures", "images", "samplers")


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    """Two painted triangles, with names, extras and unknown extensions wherever chance puts them."""
    tree = triangle()
    tree["images"] = [{"uri": data_uri(png(), "image/png")} for _ in range(2)]
    tree["samplers"] = [{"wrapS": 10497}, {}]
    tree["textures"] = [{"source": 0, "sampler": 0}, {"source": 1, "sampler": 1}]
    tree["materials"] = [{"normalTexture": {"index": 0}}, {"pbrMetallicRoughness": {"baseColorTexture": {"index": 1}}}]
    tree["bufferViews"][0]["byteStride"] = 12
    tree["accessors"].append(dict(tree["accessors"][0]))
    tree["accessors"].append({"bufferView": 0, "componentType": 5126, "count": 3, "type": "VEC2"})
    tree["meshes"][0]["primitives"][0]["attributes"]["TEXCOORD_0"] = 3
    attributes = {"POSITION": 2, "TEXCOORD_0": 3}
    tree["meshes"].append({"primitives": [{"attributes": attributes, "material": draw(st.integers(0, 1))}]})
    tree["meshes"][0]["primitives"][0]["material"] = 0
    tree["nodes"] += [{"mesh": draw(st.integers(0, 1)), "translation": [1.0, 0.5, 0]}, {}]
    tree["scenes"][0]["nodes"] = [0, 1, 2]
    unknown = draw(st.booleans())
    for kind in LISTS:
        for entry in tree[kind]:
            if draw(st.integers(0, 3)) == 0:
                entry["extras"] = draw(json_values)
            if draw(st.integers(0, 3)) == 0:
                entry["name"] = draw(st.sampled_from(["", "one", "two"]))
            if unknown and draw(st.integers(0, 5)) == 0:
                entry["extensions"] = {draw(st.sampled_from(["ACME_one", "ACME_two"])): draw(objects)}
    if unknown:
        tree["extensionsUsed"] = ["ACME_one", "ACME_two"]
    return parse_scene(glb(tree, BINARY))


def is_kept(before: Scene, after: Scene) -> None:
    assert nodes_of(after) == nodes_of(before)
    lost = everything_said(prune(before).json) - everything_said(after.json)
    # Twins that say the same are one now, and say it once.
    assert [told for told in lost if told not in everything_said(after.json)] == []
    assert errors_of(check(parse_scene(to_glb(after)))) == []


@pytest.mark.parametrize("name", EXACT)
@given(scenes())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_each_transform_keeps_what_it_does_not_know(name: str, scene: Scene) -> None:
    is_kept(scene, EXACT[name](scene))


@given(scenes())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_all_of_them_keep_it_and_a_second_time_changes_nothing(scene: Scene) -> None:
    packed = to_glb(optimise(scene, workers=1)[0])
    is_kept(scene, parse_scene(packed))
    assert to_glb(optimise(parse_scene(packed), workers=2)[0]) == packed


def real_scenes() -> list[Path]:
    chosen = "Fox.glb WhackAMole.glb robot.glb garage.gltf simple_car.gltf ball_pit.gltf talking_sphere.gltf chest.glb"
    more = "VRMC_materials_mtoon_UV_Animation_Test.vrm BoxMeshopt.glb DracoSparseMesh.gltf nebula_cubemap.gltf 0.glb"
    return [next(SHARED.rglob(name)) for name in f"{chosen} {more}".split()] if SHARED.is_dir() else []


@pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/gltf is not there")
def test_real_scenes_keep_their_nodes_extensions_and_numbers() -> None:
    for path in real_scenes():
        scene, _ = mend(open_scene(path))
        result = scene
        for transform in (dedupe, prune, merge, shrink):
            result = transform(result)
        assert nodes_of(result) == nodes_of(scene), path.name
        assert set(everything_said(prune(scene).json)) == set(everything_said(result.json)), path.name
        for old, new in zip(meshes_of(scene), meshes_of(result), strict=True):
            assert old == new, path.name


def meshes_of(scene: Scene) -> list[Any]:
    """For each node with a mesh, all elements that it is drawn from; of compressed meshes what they say."""
    return [
        [_elements(scene, primitive) for primitive in scene.json["meshes"][node["mesh"]]["primitives"]]
        for node in scene.list_of("nodes")
        if "mesh" in node
    ]


def _elements(scene: Scene, primitive: Json) -> list[Any]:
    numbers = [*primitive["attributes"].items(), ("indices", primitive.get("indices"))]
    return [(name, read(scene, index).tobytes()) for name, index in sorted(numbers) if index is not None]


@pytest.mark.proof
@pytest.mark.timeout(1200)
@pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/gltf is not there")
def test_the_whole_corpus_packed_is_sound_and_packed_again_the_same() -> None:
    for path in sorted(SHARED.rglob("*")):
        if path.suffix not in (".glb", ".gltf", ".vrm") or "ValidatorFixtures" in path.parts:
            continue
        scene, _ = mend(open_scene(path))
        if errors_of(check(scene)):
            continue
        packed = to_glb(optimise(scene)[0])
        result = parse_scene(packed)
        assert errors_of(check(result)) == [], path.name
        assert nodes_of(result) == nodes_of(scene), path.name
        assert to_glb(optimise(result)[0]) == packed, path.name
