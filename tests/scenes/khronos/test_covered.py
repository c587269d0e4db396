"""Where Khronos's validator is not asked, it would have refused nothing: proved on scenes with every field wrong.

What is compared is the verdict: with the validator, as `check` gives it, and without, as `pack`, `up` and `publish` do
where `is_covered` says that they may. `test_without_the_doubts…` shows that the comparison can fail.
"""

from __future__ import annotations

import copy
import re
import struct
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from roomscale.scenes import Scene, SceneError, errors_of, open_scene, parse_scene
from roomscale.scenes.judgement import judge
from roomscale.scenes.khronos import Answer, Validator, is_covered
from roomscale.scenes.khronos.covered import KNOWN_BETTER_TO_IT, KNOWN_TO_BOTH
from roomscale.scenes.khronos.runner import SCRIPT
from tests.scenes.crafted import Json, changed, data_uri, glb, gltf, jpeg, png, triangle
from tests.scenes.hostile import CASES
from tests.scenes.khronos.everything import everything, packed
from tests.scenes.test_fuzz import places, rich

SHARED = Path(__file__).parents[4] / "shared"
pytestmark = pytest.mark.skipif(not SCRIPT.exists(), reason="the validator is not built: python web/build_validator.py")
SAMPLE = 331
"""Every such one of the broken scenes is looked at in each run of the tests, all of them by `make proof`."""


Made = Path | bytes | Callable[[], bytes]


@pytest.fixture(scope="module")
def validator() -> Iterator[Validator]:
    with Validator() as validator:
        yield validator


class Tally:
    """Compares verdicts. `spared`: scenes of which the validator need not be asked. `wrong`: of those, refused ones."""

    def __init__(self, validator: Validator) -> None:
        self._validator = validator
        self.spared = self.clean = 0
        self.wrong: list[str] = []

    def look_at(self, name: object, made: Made) -> None:
        data = made() if callable(made) else made
        try:
            scene = open_scene(data) if isinstance(data, Path) else parse_scene(data)
        except SceneError:
            return
        alone = judge(scene)
        if errors_of(alone):
            return  # refused either way
        self.clean += 1
        if is_covered(scene, alone):
            self.spared += 1
            if errors := errors_of(judge(scene, self._validator)):
                self.wrong.append(f"{name}: {errors[0]}")


def tally(validator: Validator, scenes: Iterable[tuple[object, Made]]) -> Tally:
    count = Tally(validator)
    for name, data in scenes:
        count.look_at(name, data)
    return count


GONE = object()
ADDED: list[tuple[str, Any]] = [
    ("byteOffset", 2),
    ("byteOffset", 4),
    ("byteStride", 4),
    ("byteStride", 8),
    ("byteStride", 16),
    ("target", 34962),
    ("target", 34963),
    ("normalized", True),
    ("min", [0]),
    ("max", [1.5, 0, 0]),
    ("matrix", [2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 1, 0, 1]),
    ("matrix", [1, 0.2, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]),
    ("rotation", [0, 0, 0, 1.0003]),
    ("skin", 0),
    ("mesh", 0),
    ("camera", 1),
    ("weights", [0.5]),
    ("uri", "a.png"),
    ("bufferView", 0),
    ("mimeType", "image/png"),
    ("texCoord", 1),
    ("texCoord", 2),
    ("source", 1),
    ("spot", {}),
    ("spot", {"innerConeAngle": 0.8}),
    ("interpolation", "CUBICSPLINE"),
    ("node", 4),
    ("children", [7]),
    ("TEXCOORD_2", 3),
    ("COLOR_1", 3),
    ("COLOR_0", 0),
    ("JOINTS_2", 7),
    ("_MORE", 11),
    ("extensions", {"KHR_materials_unlit": {}}),
    ("extensions", {"KHR_mesh_quantization": {}}),
    ("extensions", {"KHR_texture_transform": {"texCoord": 1}}),
    ("extras", 1),
    ("name", "x"),
    ("sparse", {"count": 1, "indices": {"bufferView": 11, "componentType": 5123}, "values": {"bufferView": 0}}),
]
"""What is put into every object in turn."""
WRONG: list[Any] = [
    None,
    True,
    0,
    1,
    2,
    3,
    5,
    -1,
    0.5,
    1.0003,
    1e-9,
    99,
    1e39,
    "",
    "x",
    [],
    {},
    [0],
    [1, 0, 0],
    {"a": 1},
]
WORDS = ["SCALAR", "VEC2", "VEC3", "VEC4", "MAT2", "MAT3", "MAT4", "LINEAR", "STEP", "CUBICSPLINE", "translation"]
WORDS += ["rotation", "scale", "weights", "pointer", "spot", "point", "directional", "perspective", "orthographic"]
WORDS += [
    "image/png",
    "image/jpeg",
    "image/webp",
    "OPAQUE",
    "BLEND",
    data_uri(png()),
    data_uri(jpeg(1, 1), "image/jpeg"),
]
NUMBERS = [5120, 5121, 5122, 5123, 5125, 5126, 34962, 34963]


def instead_of(old: Any) -> Iterator[Any]:
    """Values of every type, and such as might be right elsewhere."""
    yield from WRONG
    if isinstance(old, bool):
        yield not old
    elif isinstance(old, (int, float)):
        yield from (old + 1, old - 1, old * 2, old + 2, old + 4, float(old), *NUMBERS, *range(6, 24))
    elif isinstance(old, str):
        yield from WORDS
    elif isinstance(old, list):
        yield from (old[:-1], old + old, [*old, 0], old[::-1])


def with_fields_wrong(tree: Json, binary: bytes) -> Iterator[tuple[object, Made]]:
    """One field wrong, missing or too many, all of them in turn."""

    def broken(path: tuple[Any, ...], key: Any, value: Any) -> tuple[object, Made]:
        def make() -> bytes:
            other = copy.deepcopy(tree)
            holder: Any = other
            for step in path:
                holder = holder[step]
            if value is GONE:
                del holder[key]
            else:
                holder[key] = value
            return packed(other, binary)

        return (*path, key, value), make

    for path in [(), *places(tree)]:
        old: Any = tree
        for step in path:
            old = old[step]
        if path:
            yield broken(path[:-1], path[-1], GONE)
            for value in instead_of(old):
                yield broken(path[:-1], path[-1], value)
        for key, value in ADDED if isinstance(old, dict) else ():
            yield broken(path, key, value)


FLOATS = [float("nan"), float("inf"), -1.0, 0.0, 0.1, 0.5, 1.0, 1.001, 1.0000002, 2.0, -0.0, 1e-30, 1e30]
CODES = {5120: "b", 5121: "B", 5122: "h", 5123: "H", 5125: "I", 5126: "f"}
WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}


def with_numbers_wrong(tree: Json, binary: bytes) -> Iterator[tuple[object, Made]]:
    """One number of a buffer wrong, all of them in turn; the bounds are left out where there need be none."""
    for index, accessor in enumerate(tree["accessors"]):
        view, code = tree["bufferViews"][accessor["bufferView"]], CODES[accessor["componentType"]]
        size = struct.calcsize(code)
        stride = view.get("byteStride", size * WIDTHS[accessor["type"]])
        values = FLOATS if code == "f" else [0, 1, 2, 3, 127, *([] if code == "b" else [255])]
        for element in range(accessor["count"]):
            for component in range(WIDTHS[accessor["type"]]):
                at = view["byteOffset"] + element * stride + component * size
                for value in values:
                    place = (index, element, component, value)
                    yield place, partial(_with_number, tree, binary, code, at, value)


def _with_number(tree: Json, binary: bytes, code: str, at: int, value: float) -> bytes:
    data = bytearray(binary)
    struct.pack_into(f"<{code}", data, at, value)
    return packed(copy.deepcopy(tree), bytes(data))


def with_images_wrong(tree: Json, binary: bytes) -> Iterator[tuple[object, Made]]:
    """One byte of a picture's header wrong, or the picture cut off."""
    pictures = [(0, png(4, 4), "image/png"), (1, jpeg(4, 4), "image/jpeg")]
    pictures += [
        (0, png(4, 4, extra), "image/png") for extra in (_chunk(b"gAMA", 5), _chunk(b"pHYs", 9), _chunk(b"x", 0))
    ]
    for index, data, kind in pictures:
        for at in range(min(len(data), 64)):
            variants = [data[:at]] + [data[:at] + bytes([value]) + data[at + 1 :] for value in (0, 1, 4, 0xC4, 0xFF)]
            for number, picture in enumerate(variants):
                image = {"uri": data_uri(picture, kind)}
                yield (index, at, number), partial(_with_image, tree, binary, index, image)


def _with_image(tree: Json, binary: bytes, index: int, image: Json) -> bytes:
    other = copy.deepcopy(tree)
    other["images"][index] = image
    return packed(other, binary)


def _chunk(kind: bytes, length: int) -> bytes:
    return struct.pack(">I", length) + kind.ljust(4, b"x") + bytes(length) + bytes(4)


def every_one() -> Iterator[tuple[object, Made]]:
    tree, binary = everything()
    yield from with_fields_wrong(tree, binary)
    yield from with_numbers_wrong(tree, binary)
    yield from with_images_wrong(tree, binary)


def test_the_scene_with_everything_is_in_order_and_covered(validator: Validator) -> None:
    """Else breaking it would prove nothing."""
    count = tally(validator, [("everything", packed(*everything()))])
    assert (count.clean, count.spared, count.wrong) == (1, 1, [])


def test_where_it_is_not_asked_it_would_have_refused_nothing(validator: Validator) -> None:
    count = tally(validator, (one for number, one in enumerate(every_one()) if number % SAMPLE == 0))
    assert count.wrong == []
    assert count.spared > 20


@pytest.mark.proof
@pytest.mark.timeout(3600)
def test_where_it_is_not_asked_it_would_have_refused_nothing_whatever_is_wrong(validator: Validator) -> None:
    count = tally(validator, every_one())
    print(f"{count.spared} of {count.clean} without errors of ours were spared")
    assert count.wrong == []
    assert count.spared > 0.5 * count.clean


@pytest.mark.proof
def test_the_same_of_a_scene_full_of_worlds_extensions(validator: Validator) -> None:
    tree = rich()
    tree["images"][0]["uri"] = data_uri(png(), "image/png")
    binary = b""
    count = tally(validator, (one for number, one in enumerate(with_fields_wrong(tree, binary)) if number % 5 == 0))
    assert count.wrong == []
    assert count.spared > 1_000


TREE, BINARY = everything()
PLACES = places(TREE)


@pytest.mark.proof
@pytest.mark.timeout(3600)
@settings(max_examples=2_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.tuples(st.sampled_from(PLACES), st.sampled_from([*WRONG, *NUMBERS, *WORDS])), min_size=2, max_size=3)
)
def test_several_fields_wrong_at_once(validator: Validator, changes: list[tuple[tuple[Any, ...], Any]]) -> None:
    tree = copy.deepcopy(TREE)
    for path, value in changes:
        holder: Any = tree
        try:
            for step in path[:-1]:
                holder = holder[step]
            holder[path[-1]] = value
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change took that place away
    assert tally(validator, [(changes, packed(tree, BINARY))]).wrong == []


@pytest.mark.proof
@pytest.mark.skipif(not SHARED.is_dir(), reason="../shared is not there")
def test_of_real_scenes_it_is_hardly_ever_asked() -> None:
    files = [path for path in sorted((SHARED / "gltf").rglob("*")) if path.suffix in (".glb", ".gltf", ".vrm")]
    files = [path for path in files if "ValidatorFixtures" not in path.parts]
    clean = spared = 0
    for path in files:
        alone = judge(scene := open_scene(path))
        if not errors_of(alone):
            clean, spared = clean + 1, spared + is_covered(scene, alone)
    assert clean > 100
    assert spared > 0.9 * clean


@pytest.mark.proof
@pytest.mark.timeout(3600)
@pytest.mark.skipif(not SHARED.is_dir(), reason="../shared is not there")
def test_no_real_hostile_or_khronos_own_file_is_refused_by_it_alone(validator: Validator) -> None:
    files = sorted(path for name in ("gltf", "hostile") for path in (SHARED / name).rglob("*") if path.is_file())
    count = tally(validator, ((path, path) for path in files))
    assert count.wrong == []
    assert count.spared > 200


@pytest.mark.proof
def test_no_crafted_hostile_file_is_refused_by_it_alone(validator: Validator) -> None:
    assert tally(validator, ((case.name, case.make) for case in CASES)).wrong == []


def doubtful() -> dict[str, bytes]:
    """Scenes that ours let pass and the validator refuses, each for another reason."""
    tree, binary = everything()

    def other(*path: str | int, to: Any) -> bytes:
        result = copy.deepcopy(tree)
        holder: Any = result
        for step in path[:-1]:
            holder = holder[step]
        holder[path[-1]] = to
        return packed(result, binary)

    weights = tree["bufferViews"][tree["accessors"][8]["bufferView"]]["byteOffset"]
    off = bytearray(binary)
    struct.pack_into("<f", off, weights, 0.5001)
    cmyk = jpeg(4, 4).replace(b"\x03" + bytes(9), b"\x04" + bytes(9))
    return {
        "matrix": gltf(changed("nodes", 0, "matrix", to=[1, 0.0005, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1])),
        "rotation": gltf(changed("nodes", 0, "rotation", to=[0, 0, 0, 1.0003])),
        "weights": packed(copy.deepcopy(tree), bytes(off)),
        "four channels": other("images", 1, "uri", to=data_uri(cmyk, "image/jpeg")),
        "media type": other("images", 1, to={"uri": data_uri(jpeg(4, 4), "image/png"), "mimeType": "image/jpeg"}),
    }


@pytest.mark.parametrize("name", doubtful())
def test_without_the_doubts_a_scene_would_pass_that_it_refuses(validator: Validator, name: str) -> None:
    scene = parse_scene(doubtful()[name])
    alone = judge(scene)
    assert errors_of(alone) == []
    assert not is_covered(scene, alone)
    assert errors_of(judge(scene, validator, only_in_doubt=True)) != []


class Counted(Validator):
    """Remembers how often it was asked."""

    count = 0

    def ask(self, scene: Scene) -> Answer:
        self.count += 1
        return Answer({"issues": {"messages": []}})


def test_it_is_asked_always_by_default_and_else_only_in_doubt() -> None:
    validator = Counted()
    plain = parse_scene(glb(triangle()))
    judge(plain, validator, only_in_doubt=True)
    assert validator.count == 0
    judge(plain, validator)
    assert validator.count == 1


def test_ours_know_by_name_all_extensions_that_it_checks() -> None:
    """Of a newer validator some might be missing, and would pass for unknown to it."""
    script = SCRIPT.read_text("utf-8")
    registered = set(re.findall(r'new A\.\w+\("((?:KHR|EXT)_\w+)"', script))
    assert registered == KNOWN_TO_BOTH | KNOWN_BETTER_TO_IT


def test_each_error_of_it_is_one_of_ours_or_cannot_be_met() -> None:
    """By its own list: those whose code nothing of ours names are told by ours under another."""
    issues = Path(__file__).parents[3] / "web" / "node_modules" / "gltf-validator" / "ISSUES.md"
    if not issues.exists():
        pytest.skip("web/node_modules is not installed")
    errors = re.findall(r"^\|([A-Z0-9_]+)\|.*\|Error\|$", issues.read_text("utf-8"), re.MULTILINE)
    sources = (Path(__file__).parents[3] / "scenes" / "roomscale" / "scenes").rglob("*.py")
    text = "".join(path.read_text("utf-8") for path in sources if path.name != "advice.py")
    ours = set(re.findall(r'"([A-Z0-9_]+)"', text))
    assert len(errors) > 100
    assert {code for code in errors if code not in ours and not code.startswith("GLB_")} == set(UNDER_ANOTHER_CODE)


UNDER_ANOTHER_CODE = {
    "ACCESSOR_ANIMATION_SAMPLER_OUTPUT_NON_NORMALIZED_QUATERNION": "…OUTPUT_ACCESSOR_NON_NORMALIZED_QUATERNION",
    "ACCESSOR_ELEMENT_OUT_OF_MAX_BOUND": "ACCESSOR_MAX_MISMATCH",
    "ACCESSOR_ELEMENT_OUT_OF_MIN_BOUND": "ACCESSOR_MIN_MISMATCH",
    "ACCESSOR_MAX_MISMATCH": "put together from its parts",
    "ACCESSOR_MIN_MISMATCH": "put together from its parts",
    "ARRAY_TYPE_MISMATCH": "TYPE_MISMATCH",
    "BUFFER_MISSING_GLB_DATA": "BUFFER_WITHOUT_DATA",
    "INVALID_INDEX": "UNRESOLVED_REFERENCE, TYPE_MISMATCH",
    "MESH_PRIMITIVE_MORPH_TARGET_INVALID_ATTRIBUTE_COUNT": "MESH_PRIMITIVE_MORPH_TARGET_INVALID_COUNT",
    "VALUE_MULTIPLE_OF": "BUFFER_VIEW_TOO_BIG_BYTE_STRIDE",
}
"""Its code → where ours say the same. DUPLICATE_ELEMENTS, which manifests know too, is ARRAY_NON_UNIQUE in scenes."""
