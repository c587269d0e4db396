"""Where Khronos's validator is not asked, it would have refused nothing: proved on scenes with every field wrong.

What is compared is the verdict: with the validator, as `check` gives it, and without, as `pack`, `up` and `publish` do
where `is_covered` says that they may. `test_without_the_doubts…` shows that the comparison can fail.
"""

from __future__ import annotations

import copy
import re
import struct
from collections.abc import Iterable, Iterator
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
from tests.scenes.crafted import changed, data_uri, glb, gltf, jpeg, png, triangle
from tests.scenes.hostile import CASES
from tests.scenes.khronos.everything import everything, packed
from tests.scenes.khronos.wrong import NUMBERS, WORDS, WRONG, Made, every_one, with_fields_wrong
from tests.scenes.test_fuzz import places, rich

SHARED = Path(__file__).parents[4] / "shared"
pytestmark = pytest.mark.skipif(not SCRIPT.exists(), reason="the validator is not built: python web/build_validator.py")
SAMPLE = 331
"""Every such one of the broken scenes is looked at in each run of the tests, all of them by `make proof`."""


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
