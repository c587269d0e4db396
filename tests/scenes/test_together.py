"""What is looked at together, for speed, is judged as if each were looked at alone."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

from roomscale.scenes import check, parse_scene
from roomscale.scenes.checks.extensions import EXTENSIONS
from roomscale.scenes.checks.gltf import NAME, ROOT, TEXTURE_INFO, UNIT, numbers
from roomscale.scenes.checks.schema import Boolean, Integer, ListOf, MapOf, Number, Object, OneOf, Ref, Text, Type
from roomscale.scenes.checks.walk import Walk
from roomscale.scenes.findings import Findings
from roomscale.scenes.reference_columns import columns_of
from roomscale.scenes.reference_walk import LISTS, all_extensions, walk_list
from roomscale.scenes.transforms.precision import rounded
from tests.scenes.crafted import Json, gltf
from tests.scenes.khronos.everything import Store, everything, packed

TABLES: list[Type] = [
    *(Boolean(), Integer(1, 9), Number(0.0, 2.0), Number(above=0.0), Number(0.0, 1.0, also=5.0), UNIT, NAME, Text()),
    *(OneOf((1, 2)), OneOf(("a", "b"), strict=True), Ref("textures"), numbers(3), ListOf(Ref("textures"), unique=True)),
    *(MapOf(Ref("textures")), MapOf(Integer(), 0), TEXTURE_INFO, Object("node", {"name": NAME}, open=True)),
    Object("camera", {"a": NAME, "b": NAME}, ("a",), needs=(("b", "c"),), open=True),
    Object("camera", {"a": NAME, "b": NAME}, exactly_one=(("a", "b"),)),
]
VALUES: list[Any] = [
    *(True, 0, 1, 2, 5, 9, 10, -1, 0.0, 0.5, 2.5, 10**400, float("nan"), "", "a", "c", None),
    *([], [0], [0, 0], [0, 1], [5], [1, 2, 3], [1, 2, "3"], [1, 2, 3, 4], [True], [[0]]),
    *({}, {"a": 1}, {"a": "1"}, {"b": "1"}, {"a": "1", "b": "2"}, {"index": 0}, {"index": 7}, {"index": 0, "x": 1}),
    *({"name": "a", "extras": 3}, {"extensions": {}}, {"extensions": {"KHR_lights_punctual": {"light": 0}}}),
    *({"a": "1", "extensions": {"UNKNOWN": 1}}, {"index": 0, "extensions": {"UNKNOWN": {}}}),
]


@pytest.mark.parametrize("table", TABLES, ids=str)
def test_what_is_plain_is_what_nothing_is_said_of(table: Type) -> None:
    for value in VALUES:
        for others in ([], [value, value], [1], ["a"], [{"index": 1}]):
            walk = Walk({"textures": [{}, {}]}, EXTENSIONS, Findings())
            if table.is_plain([*others, value], walk):
                table.check(value, walk)
                assert not walk.findings.listed() and not walk.used, value


def test_a_sound_scene_is_plain() -> None:
    scene = parse_scene(packed(*everything()))
    walk = Walk(scene.json, EXTENSIONS, Findings())
    walk.used = dict.fromkeys((name for name, _ in all_extensions(scene.json)), "")
    assert ROOT.is_plain([scene.json], walk)


def moving(samplers: int) -> tuple[Store, Json]:
    """A clip of many samplers, all in order; each accessor has a bufferView of its own."""
    store = Store()
    times = [store.add([0.0, 0.5, 1.0], bounds=True) for _ in range(samplers)]
    turns = [store.add([[0.0, 0.0, 0.0, 1.0]] * 3) for _ in range(samplers)]
    tree: Json = {"asset": {"version": "2.0"}, "nodes": [{} for _ in range(samplers)], "accessors": store.accessors}
    tree["animations"] = [
        {
            "samplers": [{"input": time, "output": turn} for time, turn in zip(times, turns, strict=True)],
            "channels": [
                {"sampler": number, "target": {"node": number, "path": "rotation"}} for number in range(samplers)
            ],
        }
    ]
    return store, tree


@pytest.mark.parametrize(
    ("accessor", "number", "value", "told"),
    [
        (17, 0, np.nan, [("ACCESSOR_INVALID_FLOAT", "/accessors/17")]),
        (38, 0, 0.25, [("ACCESSOR_MIN_MISMATCH", "/accessors/38/min/0")]),
        (38, 2, 2.0, [("ACCESSOR_MAX_MISMATCH", "/accessors/38/max/0")]),
        (17, 1, 0.0, [("ACCESSOR_ANIMATION_INPUT_NON_INCREASING", "/animations/0/samplers/17/input")]),
        (
            *(40, 0, -0.25),
            [
                ("ACCESSOR_MIN_MISMATCH", "/accessors/40/min/0"),
                ("ACCESSOR_ANIMATION_INPUT_NEGATIVE", "/animations/0/samplers/40/input"),
            ],
        ),
        (
            *(64, 7, 0.5),
            [
                (
                    "ACCESSOR_ANIMATION_SAMPLER_OUTPUT_ACCESSOR_NON_NORMALIZED_QUATERNION",
                    "/animations/0/samplers/23/output",
                )
            ],
        ),
    ],
)
def test_one_wrong_number_among_many_samplers_is_found(
    accessor: int, number: int, value: float, told: list[tuple[str, str]]
) -> None:
    store, tree = moving(41)
    view = store.views[store.accessors[accessor]["bufferView"]]
    at = view.get("byteOffset", 0) + 4 * number
    store.binary[at : at + 4] = np.float32(value).tobytes()
    tree |= {"bufferViews": store.views, "buffers": [{"byteLength": len(store.binary)}]}
    findings = check(parse_scene(packed(tree, bytes(store.binary))))
    wrong = [(finding.code, finding.pointer) for finding in findings if finding.severity.name == "ERROR"]
    assert wrong == told


def test_an_extension_is_met_where_it_stands_first() -> None:
    nodes: list[Json] = [{} for _ in range(1000)]
    for index in (700, 900, 990):
        nodes[index] = {"extensions": {"OMI_seat": {}, "X_unknown": {}}}
    findings = check(parse_scene(gltf({"asset": {"version": "2.0"}, "nodes": nodes}, None)))
    undeclared = [finding.pointer for finding in findings if finding.code == "UNDECLARED_EXTENSION"]
    assert undeclared == ["/nodes/700/extensions/OMI_seat", "/nodes/700/extensions/X_unknown"]


def test_columns_hold_what_a_walk_finds() -> None:
    tree, _ = everything()
    for kind in LISTS:
        entries = [entry for entry in tree.get(kind, ()) if not [*all_extensions(entry)]]
        walked = Counter((reference.kind, reference.index) for reference in walk_list(kind, entries).references)
        columns = columns_of(kind, entries)
        assert Counter((column.kind, index) for column in columns for index in column.indices()) == walked
        for column in columns:
            column.rewrite({index: index + 1 for index in range(100)})
        again = Counter((reference.kind, reference.index - 1) for reference in walk_list(kind, entries).references)
        assert again == walked


def test_arrays_are_rounded_together_as_each_alone() -> None:
    random = np.random.default_rng(1)
    arrays = [random.normal(size=(count, 3)).astype(np.float32) for count in (1, 7, 2, 30)]
    arrays += [np.full((2, 3), np.nan, np.float32), np.full((1, 3), 1e30, np.float32), np.zeros((4, 3), np.float32)]
    steps = [2.0**-n for n in range(len(arrays))]
    together = rounded(arrays, steps)
    assert [new is None for new in together] == [False] * 4 + [True] * 3
    for array, step, new in zip(arrays, steps, together, strict=True):
        (alone,) = rounded([array], [step])
        assert (new is None and alone is None) or np.array_equal(np.asarray(new), np.asarray(alone))
