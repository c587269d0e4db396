"""Packing as a whole, of scenes in which something is broken: a named error, or a package that means the same.

Every field of accessors, bufferViews, animations, skins, meshes and sparse parts is a field to break, and every number
in the buffer. What our own checks let through is packed and compared; what they refuse is packed all the same, to see
that nothing but a `SceneError` comes of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import pack as packed_bytes
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from roomscale.scenes import SceneError, check, errors_of, jsonio, parse_scene, to_glb
from roomscale.scenes.package import apply, pack, pack_single
from tests.scenes.crafted import Json, glb
from tests.scenes.meaning import differences
from tests.scenes.solids import VERTICES, Builder, globe, turns

BROKEN = ("accessors", "bufferViews", "buffers", "animations", "skins", "meshes", "nodes")
GONE = object()
VALUES: list[Any] = [GONE, None, True, "", "VEC2", "VEC3", "MAT4", "SCALAR", "STEP", "CUBICSPLINE", [], {}, [0], 0.5]
VALUES += [
    -1,
    0,
    1,
    2,
    3,
    5,
    7,
    12,
    255,
    5121,
    5123,
    5125,
    5126,
    65_535,
    1 << 31,
    1 << 53,
    -0.0,
    1e38,
    "/nodes/1/scale",
]
NUMBERS = [packed_bytes("<f", value) for value in (0.0, -0.0, 1.0, 1e-40, 3e38, -3e38, float("inf"), float("nan"))]
NUMBERS += [packed_bytes("<I", value) for value in (1, 2, 65_535, 1 << 16, 1 << 31, (1 << 32) - 1)]
pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")  # a scene that fails is 10 kB
QUICK = settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
PROOF = settings(max_examples=1_500, deadline=None, suppress_health_check=list(HealthCheck))


def victim() -> tuple[Json, bytes]:
    """A skinned mesh with a dense and a sparse morph target, joints that move, a pointer that moves a colour."""
    builder = Builder()
    indices, parts = globe(7)
    count = len(parts["POSITION"])
    joints = np.tile(np.array([[0, 1, 0, 0]], np.uint16), (count, 1))
    weights = np.tile(np.array([[0.5, 0.5, 0, 0]], np.float32), (count, 1))
    primitive = builder.primitive(indices, **parts, JOINTS_0=joints, WEIGHTS_0=weights)
    dense = builder.accessor(parts["NORMAL"] * np.float32(0.1), target=VERTICES)
    few = builder.accessor(np.zeros((count, 3), np.float32), target=VERTICES)
    values = builder.accessor(np.ones((2, 3), np.float32))
    rows = builder.accessor(np.array([3, 5], np.uint32))
    primitive |= {"targets": [{"POSITION": dense}, {"POSITION": few}], "material": 0}
    tree = builder.json
    tree["accessors"][few] |= {"min": [0, 0, 0], "max": [1, 1, 1]}
    tree["accessors"][few]["sparse"] = {
        "count": 2,
        "indices": {"bufferView": tree["accessors"][rows]["bufferView"], "componentType": 5125},
        "values": {"bufferView": tree["accessors"][values]["bufferView"]},
    }
    tree["materials"] = [{"name": "skin", "pbrMetallicRoughness": {"baseColorFactor": [1, 0.5, 0.5, 1]}}]
    still = builder.primitive(indices, **parts)
    builder.node(name="walker", mesh=builder.mesh(primitive, weights=[0.5, 0.25]), skin=0)
    builder.node(name="hip", children=[2], translation=[0, 1, 0])
    builder.node(name="knee", root=False, extras={"kept": [1, 2]})
    builder.node(name="rock", mesh=builder.mesh(still, name="rock"))
    bind = np.tile(np.eye(4, dtype=np.float32).reshape(1, 16), (2, 1))
    tree["skins"] = [{"joints": [1, 2], "inverseBindMatrices": builder.accessor(bind), "skeleton": 1}]
    times = builder.accessor(np.linspace(0, 2, 30, dtype=np.float32))
    wave = np.sin(np.linspace(0, 6, 120)).astype(np.float32)
    outputs = [
        (turns(30), {"node": 2, "path": "rotation"}),
        (wave[:90].reshape(30, 3), {"node": 1, "path": "translation"}),
        (np.abs(wave[:60]), {"node": 0, "path": "weights"}),
    ]
    told = {"KHR_animation_pointer": {"pointer": "/materials/0/pbrMetallicRoughness/baseColorFactor"}}
    outputs.append((np.abs(wave).reshape(30, 4), {"path": "pointer", "extensions": told}))
    tree["animations"] = [
        {
            "name": "walk",
            "samplers": [{"input": times, "output": builder.accessor(output)} for output, _ in outputs],
            "channels": [{"sampler": number, "target": target} for number, (_, target) in enumerate(outputs)],
        }
    ]
    tree["extensionsUsed"] = ["KHR_animation_pointer"]
    scene = builder.scene()
    assert scene.glb is not None and scene.glb.binary is not None
    return scene.json, bytes(scene.glb.binary)


TREE, BINARY = victim()


def places(value: Any, *path: str | int) -> Iterator[tuple[str | int, ...]]:
    """Where every value in a tree stands, objects and lists among them."""
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from places(inner, *path, key)


PLACES = [place for key in BROKEN for place in places(TREE[key], key)]


@st.composite
def broken(draw: st.DrawFn) -> bytes:
    """The victim with one or two fields changed, or with other numbers in its buffer, or both."""
    tree, binary = jsonio.copy(TREE), bytearray(BINARY)
    for _ in range(draw(st.integers(0, 2))):
        *way, last = draw(st.sampled_from(PLACES))
        holder: Any = tree
        try:
            for step in way:
                holder = holder[step]
            value = draw(st.sampled_from(VALUES))
            if value is GONE:
                del holder[last]
            else:
                holder[last] = jsonio.copy(value)
        except (KeyError, IndexError, TypeError):
            continue  # what stood there is gone already
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, len(binary) // 4 - 1)) * 4
        binary[at : at + 4] = draw(st.sampled_from(NUMBERS))
    return glb(tree, bytes(binary))


def survives(data: bytes) -> None:
    """Raises for anything but a named error, or a package that means what the scene meant."""
    try:
        scene = parse_scene(data)
        is_sound = not errors_of(check(scene))
        with np.errstate(all="ignore"):
            single, package = pack_single(scene)[0], pack(scene)[0]
    except SceneError as error:
        assert str(error)
        return
    if not is_sound:
        return
    whole = apply(parse_scene(package.entry), package.manifest, package.parts, 2)
    for result in (parse_scene(single), whole, parse_scene(package.entry)):
        assert errors_of(check(result)) == []
    for result in (parse_scene(single), whole):
        assert differences(scene, result) == []
    assert to_glb(parse_scene(pack_single(parse_scene(single))[0])) == single


def test_the_victim_is_sound_and_packed() -> None:
    assert errors_of(check(parse_scene(glb(TREE, BINARY)))) == []
    survives(glb(TREE, BINARY))


@given(broken())
@QUICK
def test_what_is_broken_is_refused_by_name_or_packed_with_its_meaning(data: bytes) -> None:
    survives(data)


@pytest.mark.proof
@pytest.mark.timeout(3_000)
@given(broken())
@PROOF
def test_many_broken_scenes_are_refused_by_name_or_packed_with_their_meaning(data: bytes) -> None:
    survives(data)
