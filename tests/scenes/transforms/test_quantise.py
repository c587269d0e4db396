"""Quantising: numbers stay within a millimetre, a tenth of a degree, or a thousandth; no unit changes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roomscale.scenes import to_glb
from roomscale.scenes.accessors import read, read_floats
from roomscale.scenes.transforms.accessor_roles import accessor_roles
from roomscale.scenes.transforms.filters import grid_exponent
from roomscale.scenes.transforms.precision import rounded
from roomscale.scenes.transforms.quantise import quantise
from tests.scenes.solids import Builder, globe, world
from tests.scenes.transforms.meaning import assert_close, assert_same_meaning, written


@pytest.mark.parametrize("integers", [False, True])
def test_a_world_stays_within_its_bounds_and_keeps_its_meaning(integers: bool) -> None:
    before = world()
    after = quantise(before, integers=integers)
    assert_same_meaning(before, written(after))
    for index, role in accessor_roles(before.json).items():
        if role in ("POSITION", "target POSITION", "TEXCOORD", "times", "scale", "rotation"):
            assert_close(before, after, index, role)
        if role == "POSITION":
            assert read(after, index).dtype == np.float32
    assert ("KHR_mesh_quantization" in after.json.get("extensionsRequired", ())) == integers


@pytest.mark.parametrize("integers", [False, True])
def test_quantised_twice_is_quantised_once(integers: bool) -> None:
    once = quantise(world(), integers=integers)
    assert to_glb(quantise(once, integers=integers)) == to_glb(once)


@given(st.floats(1e-3, 1e3), st.integers(0, 1000))
def test_a_mesh_of_any_size_is_rounded_once(size: float, seed: int) -> None:
    builder = Builder()
    points = np.random.default_rng(seed).normal(size=(30, 3)) * size
    builder.node(mesh=builder.mesh(builder.primitive(None, POSITION=points.astype(np.float32))))
    once = quantise(builder.scene())
    assert to_glb(quantise(once)) == to_glb(once)
    assert np.abs(read(once, 0) - points).max() <= max(1e-3, 1e-3 * float(np.ptp(points)))


@given(st.floats(2.0**-20, 4.0), st.integers(0, 1000))
def test_what_was_rounded_lies_on_a_grid(step: float, seed: int) -> None:
    values = np.random.default_rng(seed).uniform(-100, 100, (20, 3)).astype(np.float32)
    exact = 2.0 ** np.floor(np.log2(step))
    (new,) = rounded([values], [exact])
    if new is not None:
        exponent = grid_exponent(new)
        assert exponent is not None and 2.0**exponent >= exact
        assert np.abs(new - values).max() <= exact / 2


def test_a_collider_keeps_every_bit() -> None:
    before = world()
    after = quantise(before)
    index = before.json["meshes"][1]["primitives"][0]["attributes"]["POSITION"]
    assert np.array_equal(read(before, index), read(after, index))
    rock = before.json["meshes"][0]["primitives"][0]["attributes"]["POSITION"]  # on a node with a collider
    assert np.array_equal(read(before, rock), read(after, rock))


def test_weights_add_up_and_name_the_same_joints() -> None:
    before = world()
    after = quantise(before)
    told = after.json["meshes"][2]["primitives"][0]["attributes"]
    weights = read(after, told["WEIGHTS_0"])
    assert weights.dtype == np.uint8 and (weights.sum(axis=1, dtype=int) == 255).all()
    assert np.abs(read_floats(after, told["WEIGHTS_0"]) - read(before, told["WEIGHTS_0"])).max() < 0.005
    assert np.array_equal(read(after, told["JOINTS_0"]), read(before, told["JOINTS_0"]))


def test_a_large_scale_asks_for_finer_steps() -> None:
    _, parts = globe()
    errors = []
    for scale in (1, 60):
        builder = Builder()
        builder.node(mesh=builder.mesh(builder.primitive(None, POSITION=parts["POSITION"][:528])), scale=[scale] * 3)
        before = builder.scene()
        errors.append(float(np.abs(read(quantise(before), 0) - read(before, 0)).max()) * scale)
    assert max(errors) <= 1e-3


def test_what_is_as_large_as_a_town_is_rounded_by_its_own_measure() -> None:
    _, parts = globe()
    builder = Builder()
    ground = parts["POSITION"] * np.float32(500)
    builder.node(mesh=builder.mesh(builder.primitive(None, POSITION=ground[:528])))
    error = np.abs(read(quantise(builder.scene()), 0) - ground[:528]).max()
    assert 1e-3 < error <= np.ptp(ground[:528], axis=0).max() / 2**17


def test_numbers_without_meaning_pass() -> None:
    builder = Builder()
    odd = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]], np.float32)
    primitive = builder.primitive(None, POSITION=odd, _TEMPERATURE=np.array([0.1, 0.2, 0.3], np.float32))
    primitive["attributes"]["NORMAL"] = builder.accessor(np.zeros((3, 3), np.float32), target=34962)
    builder.node(mesh=builder.mesh(primitive))
    scene = builder.scene()
    assert quantise(scene, integers=True) is scene
