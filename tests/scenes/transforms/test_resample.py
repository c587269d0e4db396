"""Keyframes go where nobody sees it: within the tolerance at every moment, and the clip as long as it was."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from roomscale.scenes import Scene, check, errors_of, parse_scene, to_glb
from roomscale.scenes.accessors import read
from roomscale.scenes.transforms.dedupe import dedupe
from roomscale.scenes.transforms.keyframes import needed_keys, needed_steps
from roomscale.scenes.transforms.precision import MOVE_STEP
from roomscale.scenes.transforms.quantise import quantise
from roomscale.scenes.transforms.resample import TOLERANCE, resample
from tests.scenes.crafted import BINARY, glb, triangle

Json = dict[str, Any]
Floats = NDArray[np.float64]


def clip(*tracks: tuple[str, Floats, Floats, str], scale: float = 1.0) -> Scene:
    """One animation. `tracks`: path, times, values, interpolation; all of node 1, child of one that is scaled."""
    tree, binary = triangle(), BINARY
    tree["nodes"] = [{"mesh": 0, "children": [1], "scale": [scale] * 3}, {}]
    animation: Json = {"channels": [], "samplers": []}
    for path, times, values, interpolation in tracks:
        sampler: Json = {"interpolation": interpolation}
        for key, array in (("input", times), ("output", values)):
            data = array.astype("<f4")
            kind = "SCALAR" if data.ndim == 1 else f"VEC{data.shape[1]}"
            accessor = {"bufferView": len(tree["bufferViews"]), "componentType": 5126, "count": len(data), "type": kind}
            if key == "input":
                accessor |= {"min": [float(data.min())], "max": [float(data.max())]}
            sampler[key] = len(tree["accessors"])
            tree["accessors"].append(accessor)
            tree["bufferViews"].append({"buffer": 0, "byteOffset": len(binary), "byteLength": data.nbytes})
            binary += data.tobytes()
        animation["channels"].append({"sampler": len(animation["samplers"]), "target": {"node": 1, "path": path}})
        animation["samplers"].append(sampler)
    tree["animations"] = [animation]
    tree["buffers"][0]["byteLength"] = len(binary)
    return parse_scene(glb(tree, binary))


def track(scene: Scene, number: int = 0) -> tuple[Floats, Floats]:
    sampler = scene.json["animations"][0]["samplers"][number]
    return read(scene, sampler["input"])[:, 0].astype(float), read(scene, sampler["output"]).astype(float)


def slerp(a: Floats, b: Floats, part: float) -> Floats:
    """glTF 2.0 §C.4 "Spherical Linear Interpolation"."""
    cosine = float(np.dot(a, b))
    angle = float(np.arccos(min(abs(cosine), 1.0)))
    if angle < 1e-9:
        return a
    sign = 1.0 if cosine > 0 else -1.0
    return np.asarray((np.sin(angle * (1 - part)) * a + sign * np.sin(angle * part) * b) / np.sin(angle))


def at(times: Floats, values: Floats, moment: float, *, turns: bool = False) -> Floats:
    """The value at a moment, slowly, as the specification says."""
    after = int(np.searchsorted(times, moment, side="right"))
    if after == 0 or after == len(times):
        return np.asarray(values[min(after, len(times) - 1)])
    before = after - 1
    part = (moment - times[before]) / (times[after] - times[before])
    if turns:
        return slerp(values[before], values[after], part)
    return np.asarray(values[before] * (1 - part) + values[after] * part)


FRAMES = np.arange(60) / 30.0


def test_a_straight_line_needs_two_keys() -> None:
    line = np.outer(FRAMES, [1.0, 2.0, 0.0])
    times, values = track(resample(clip(("translation", FRAMES, line, "LINEAR"))))
    assert times == pytest.approx([0.0, FRAMES[-1]])
    assert values == pytest.approx(line[[0, -1]])


def test_a_steady_turn_needs_few_keys() -> None:
    angle = FRAMES * 2.0
    turn = np.stack([0 * angle, np.sin(angle / 2), 0 * angle, np.cos(angle / 2)], 1)
    times, values = track(resample(clip(("rotation", FRAMES, turn, "LINEAR"))))
    assert len(times) <= 4
    for moment in np.linspace(0, FRAMES[-1], 97):
        cosine = abs(float(np.dot(at(times, values, moment, turns=True), at(FRAMES, turn, moment, turns=True))))
        assert 2 * np.degrees(np.arccos(min(cosine, 1.0))) < 0.1


def test_what_does_not_move_needs_one_key_where_another_track_says_how_long_the_clip_is() -> None:
    still = np.ones((60, 3))
    moving = np.stack([np.sin(FRAMES * 9), FRAMES * 0, FRAMES * 0], 1)
    result = resample(clip(("scale", FRAMES, still, "LINEAR"), ("translation", FRAMES, moving, "LINEAR")))
    assert track(result, 0)[0].tolist() == [0.0]
    assert track(result, 1)[0][-1] == pytest.approx(FRAMES[-1])


def test_a_clip_in_which_nothing_moves_lasts_as_long_as_it_did() -> None:
    result = resample(clip(("scale", FRAMES, np.ones((60, 3)), "LINEAR")))
    assert track(result)[0] == pytest.approx([0.0, FRAMES[-1]])


def test_steps_lose_only_what_repeats() -> None:
    steps = np.repeat([[0.0, 0, 0], [1, 0, 0], [1, 0, 1]], 20, axis=0)
    times, values = track(resample(clip(("translation", FRAMES, steps, "STEP"))))
    assert times == pytest.approx(FRAMES[[0, 20, 40, 59]])
    assert values.tolist() == steps[[0, 20, 40, 59]].tolist()


def test_splines_are_left_alone() -> None:
    scene = clip(("translation", FRAMES, np.zeros((180, 3)), "CUBICSPLINE"))
    assert resample(scene) is scene


def test_inside_something_large_the_tolerance_is_smaller() -> None:
    """A wave of 0.1 mm, which is nothing, is 10 cm under a parent that is scaled by 1000."""
    wave = np.stack([np.sin(FRAMES * 40) * 5e-6, FRAMES * 0, FRAMES * 0], 1)
    assert len(track(resample(clip(("translation", FRAMES, wave, "LINEAR"))))[0]) == 2
    assert len(track(resample(clip(("translation", FRAMES, wave, "LINEAR"), scale=1000.0)))[0]) > 30


def test_a_scene_without_a_key_too_many_is_itself() -> None:
    noise = np.random.default_rng(1).random((60, 3))
    scene = clip(("translation", FRAMES, noise, "LINEAR"))
    assert resample(scene) is scene


@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.floats(0, 0.3))
@settings(deadline=None, max_examples=40)
def test_no_moment_leaves_the_tolerance_and_a_second_time_changes_nothing(seed: int, waves: int, wild: float) -> None:
    random = np.random.default_rng(seed)
    times = np.cumsum(random.random(80) * 0.05 + 0.001)
    values = np.stack([np.sin(times[:, None] * random.random(waves) * 3).sum(1) for _ in range(3)], 1)
    values += (random.random(values.shape) < wild) * random.normal(0, 0.01, values.shape)
    values[30:50] = values[30]
    scene = clip(("translation", times, values, "LINEAR"))
    result = resample(scene)
    before, after = track(scene), track(result)
    for moment in np.concatenate([before[0], random.uniform(times[0], times[-1], 50)]):
        assert np.linalg.norm(at(*before, moment) - at(*after, moment)) <= TOLERANCE * 1.01
    assert resample(result) is result
    assert errors_of(check(parse_scene(to_glb(result)))) == []


@given(st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=40)
def test_no_rotation_leaves_the_tolerance_by_a_single_pass(seed: int) -> None:
    random = np.random.default_rng(seed)
    times = np.cumsum(random.random(40) * 0.05 + 0.001)
    walk = np.cumsum(random.normal(0, 0.05, (40, 4)), 0) + random.normal(0, 1, 4)
    turns = walk / np.linalg.norm(walk, axis=1, keepdims=True) * random.choice([-1, 1], (40, 1))
    tolerance = 0.01
    keep = needed_keys(times[None], turns[None], np.array([tolerance]), rotations=True)[0]
    assert keep[0] and keep[-1]
    for moment in np.concatenate([times, random.uniform(times[0], times[-1], 40)]):
        cosine = abs(
            float(np.dot(at(times[keep], turns[keep], moment, turns=True), at(times, turns, moment, turns=True)))
        )
        assert 2 * np.arccos(min(cosine, 1.0)) <= tolerance * 1.05 + 1e-6


@given(st.integers(0, 2**32 - 1), st.booleans())
@settings(deadline=None, max_examples=25)
def test_tracks_of_many_lengths_are_judged_as_each_alone(seed: int, rotations: bool) -> None:
    random = np.random.default_rng(seed)
    counts = np.sort(random.integers(1, 30, 8))[::-1]
    times = np.zeros((8, counts[0]))
    values = np.full((8, counts[0], 4), 7.0)
    for row, count in enumerate(counts):
        times[row, :count] = np.cumsum(random.random(count) + 0.001)
        walk = np.cumsum(random.normal(0, 0.05, (count, 4)), 0) + random.normal(0, 1, 4)
        values[row, :count] = walk / np.linalg.norm(walk, axis=1, keepdims=True)
    tolerance = random.uniform(0.001, 0.1, 8)
    together = needed_keys(times, values, tolerance, counts, rotations=rotations)
    steps = needed_steps(values, counts)
    for row, count in enumerate(counts):
        one = slice(row, row + 1)
        alone = needed_keys(times[one, :count], values[one, :count], tolerance[one], rotations=rotations)
        assert together[row, :count].tolist() == alone[0].tolist()
        assert steps[row, :count].tolist() == needed_steps(values[one, :count], counts[one])[0].tolist()
        assert not together[row, count:].any() and not steps[row, count:].any()


def test_samplers_that_need_the_same_keys_share_them() -> None:
    still = np.full((60, 3), 2.0)
    moving = np.column_stack([np.sin(FRAMES * 7), FRAMES * 0, FRAMES * 0])
    scene = clip(
        ("translation", FRAMES, moving, "LINEAR"),
        ("translation", FRAMES, still, "LINEAR"),
        ("scale", FRAMES, still, "LINEAR"),
    )
    animation = scene.json["animations"][0]
    for number in (3, 4):
        animation["samplers"].append(dict(animation["samplers"][1]))
        animation["channels"].append({"sampler": number, "target": {"node": 0, "path": "translation"}})
    for sampler in animation["samplers"]:  # as exporters have it: the same times for all of a clip
        sampler["input"] = animation["samplers"][0]["input"]
    made = resample(scene).json["animations"][0]
    assert [channel["sampler"] for channel in made["channels"]] == [0, 1, 2, 1, 3]  # the last has the old accessors
    _, second, third, _ = made["samplers"]
    assert second["input"] == third["input"]
    assert second["output"] != third["output"]  # one is of translations, the other of scales
    assert len(dedupe(resample(scene)).json["animations"][0]["samplers"]) == 3


def pointing(pointer: str, values: Floats, interpolation: str = "LINEAR", scale: float = 1.0) -> Scene:
    """A track of a clip that moves what a pointer leads to; as `clip`."""
    scene = clip(("translation", np.arange(len(values)) / 30.0, values, interpolation), scale=scale)
    tree = scene.json | {"extensionsUsed": ["KHR_animation_pointer"], "materials": [{}]}
    target = {"path": "pointer", "extensions": {"KHR_animation_pointer": {"pointer": pointer}}}
    tree["animations"][0]["channels"][0]["target"] = target
    return scene.changed(tree)


@pytest.mark.parametrize(
    ("pointer", "tolerance"),
    [
        ("/nodes/1/translation", TOLERANCE),
        ("/nodes/1/scale", TOLERANCE / 10),
        ("/materials/0/emissiveFactor", TOLERANCE),
        ("/materials/0/normalTexture/extensions/KHR_texture_transform/rotation", TOLERANCE),
        ("/extensions/ACME_sea/waves/0/height", 0.0),
        ("/materials/0/extensions/ACME_glow/colour", 0.0),
    ],
)
def test_what_a_pointer_moves_keeps_its_own_tolerance_and_what_nobody_knows_every_bit(
    pointer: str, tolerance: float
) -> None:
    wave = np.sin(np.arange(400)[:, None] / 30.0 * [0.5, 1.0, 1.5]) * 0.002
    wave[100:350] = wave[100]
    before = pointing(pointer, wave)
    after = resample(before)
    old, new = track(before), track(after)
    assert len(new[0]) < 160
    for moment in old[0]:
        assert np.abs(at(*old, moment) - at(*new, moment)).max() <= tolerance * 1.01 + 1e-15
    assert resample(after) is after
    if tolerance == 0.0:
        assert len(new[0]) > 145
        assert quantise(before) is before or np.array_equal(track(quantise(before))[1], old[1])


def test_what_a_pointer_moves_is_rounded_no_more_below_a_small_scale() -> None:
    before = pointing("/nodes/1/translation", np.random.default_rng(5).normal(0, 1, (50, 3)), scale=0.01)
    off = np.abs(track(quantise(before))[1] - track(before)[1]).max()
    assert 0 < off <= MOVE_STEP / 2


def test_under_an_unknown_extension_what_is_shared_stays() -> None:
    scene = clip(("translation", FRAMES, np.zeros((60, 3)), "LINEAR"), ("scale", FRAMES, np.ones((60, 3)), "LINEAR"))
    tree = scene.json | {"extensionsUsed": ["ACME_new"]}
    tree["nodes"][1]["extensions"] = {"ACME_new": {"accessor": 3}}
    tree["animations"][0]["samplers"][1]["output"] = tree["animations"][0]["samplers"][0]["output"]
    result = resample(scene.changed(tree))
    assert result.json["accessors"][3]["count"] == 60
