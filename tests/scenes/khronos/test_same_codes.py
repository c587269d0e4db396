"""What our checks refuse under a code of Khronos's, its validator refuses too, and under that code.

Each scene is the one with everything, with one thing wrong.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import pytest

from roomscale.scenes import Scene, check, errors_of, parse_scene
from roomscale.scenes.khronos import Validator
from roomscale.scenes.khronos.runner import SCRIPT
from tests.scenes.crafted import Json, data_uri
from tests.scenes.khronos.everything import everything, packed

Change = Callable[[Json, bytearray], object]


def at(*path: str | int, to: Any) -> Change:
    """One value put in."""

    def change(tree: Json, _: bytearray) -> None:
        holder: Any = tree
        for step in path[:-1]:
            holder = holder[step]
        holder[path[-1]] = to

    return change


def number(accessor: Callable[[Json], int], position: int, value: float, code: str = "f") -> Change:
    """One number of an accessor put in."""

    def change(tree: Json, binary: bytearray) -> None:
        view = tree["bufferViews"][tree["accessors"][accessor(tree)]["bufferView"]]
        struct.pack_into(f"<{code}", binary, view["byteOffset"] + position * struct.calcsize(code), value)

    return change


def attribute(name: str) -> Callable[[Json], int]:
    return lambda tree: int(tree["meshes"][0]["primitives"][0]["attributes"][name])


def output(sampler: int) -> Callable[[Json], int]:
    return lambda tree: int(tree["animations"][0]["samplers"][sampler]["output"])


def used_twice(tree: Json, _: bytearray) -> None:
    tree["animations"][0]["samplers"][0]["output"] = attribute("NORMAL")(tree)


def one_view_for_two(tree: Json, _: bytearray) -> None:
    indices = tree["accessors"][tree["meshes"][0]["primitives"][0]["indices"]]
    tree["accessors"][tree["animations"][0]["samplers"][3]["output"]] |= {
        "bufferView": indices["bufferView"],
        "componentType": 5121,
        "normalized": True,
    }


def with_stride(accessor: Callable[[Json], int]) -> Change:
    def change(tree: Json, _: bytearray) -> None:
        tree["bufferViews"][tree["accessors"][accessor(tree)]["bufferView"]]["byteStride"] = 64

    return change


def matrices(tree: Json) -> int:
    return int(tree["skins"][0]["inverseBindMatrices"])


def of_accessor(accessor: Callable[[Json], int], **fields: Any) -> Change:
    return lambda tree, _: tree["accessors"][accessor(tree)].update(fields)


def elsewhere(tree: Json, _: bytearray) -> None:
    tree["scenes"] = [{"nodes": [0, 4, 7]}]


def png_as_webp(tree: Json, _: bytearray) -> None:
    tree["textures"][1]["extensions"]["EXT_texture_webp"]["source"] = 1


SPOT = ("extensions", "KHR_lights_punctual", "lights", 0, "spot")
OUTPUT_FORMAT = "ANIMATION_SAMPLER_OUTPUT_ACCESSOR_INVALID_FORMAT"
ATTRIBUTE_FORMAT = "MESH_PRIMITIVE_ATTRIBUTES_ACCESSOR_INVALID_FORMAT"
CASES: list[tuple[str, str, Change]] = [
    ("a matrix begins oddly", "ACCESSOR_MATRIX_ALIGNMENT", of_accessor(matrices, byteOffset=2)),
    ("bounds of bytes", "INVALID_GL_VALUE", of_accessor(attribute("JOINTS_0"), max=[256, 0, 0, 0])),
    ("a vertex attribute that moves", "ACCESSOR_USAGE_OVERRIDE", used_twice),
    ("indices and values in one view", "BUFFER_VIEW_TARGET_OVERRIDE", one_view_for_two),
    ("an image among vertices", "BUFFER_VIEW_TARGET_OVERRIDE", at("images", 0, "bufferView", to=0)),
    ("apart", "ANIMATION_SAMPLER_ACCESSOR_WITH_BYTESTRIDE", with_stride(output(0))),
    ("matrices apart", "SKIN_IBM_ACCESSOR_WITH_BYTESTRIDE", with_stride(matrices)),
    ("vertices of 12 at 2", "MESH_PRIMITIVE_ACCESSOR_UNALIGNED", of_accessor(attribute("JOINTS_1"), byteOffset=2)),
    ("joints as fractions", ATTRIBUTE_FORMAT, of_accessor(attribute("JOINTS_0"), normalized=True)),
    ("coordinates no fractions", ATTRIBUTE_FORMAT, of_accessor(attribute("WEIGHTS_0"), componentType=5123)),
    ("weights as whole numbers", OUTPUT_FORMAT, of_accessor(output(3), componentType=5121)),
    ("turns as whole numbers", OUTPUT_FORMAT, of_accessor(output(4), normalized=False)),
    ("a color too bright", "ACCESSOR_NON_CLAMPED", number(attribute("COLOR_0"), 1, 1.5)),
    ("a matrix of perspective", "ACCESSOR_INVALID_IBM", number(matrices, 19, 0.5)),
    ("a joint twice", "ACCESSOR_JOINTS_INDEX_DUPLICATE", number(attribute("JOINTS_0"), 1, 0, "B")),
    ("a joint twice in two sets", "ACCESSOR_JOINTS_INDEX_DUPLICATE", number(attribute("JOINTS_1"), 4, 1, "H")),
    ("no such joint", "ACCESSOR_JOINTS_INDEX_OOB", number(attribute("JOINTS_1"), 0, 3, "H")),
    ("joints elsewhere", "NODE_SKIN_NO_SCENE", elsewhere),
    ("near behind far", "CAMERA_ZFAR_LEQUAL_ZNEAR", at("cameras", 0, "perspective", "zfar", to=0.1)),
    ("near behind far, flat", "CAMERA_ZFAR_LEQUAL_ZNEAR", at("cameras", 1, "orthographic", "znear", to=20)),
    ("no width", "CAMERA_XMAG_YMAG_ZERO", at("cameras", 1, "orthographic", "xmag", to=0.0)),
    ("another projection", "UNDEFINED_PROPERTY", at("cameras", 0, "type", to="orthographic")),
    (
        "a spot without a cone",
        "UNDEFINED_PROPERTY",
        at("extensions", "KHR_lights_punctual", "lights", 1, "type", to="spot"),
    ),
    ("a cone inside out", "KHR_LIGHTS_PUNCTUAL_LIGHT_SPOT_ANGLES", at(*SPOT, "innerConeAngle", to=0.5)),
    ("a cone too wide", "VALUE_NOT_IN_RANGE", at(*SPOT, "outerConeAngle", to=1.5708)),
    ("a cone too wide inside", "VALUE_NOT_IN_RANGE", at(*SPOT, "innerConeAngle", to=1.5708)),
    ("less than air", "VALUE_NOT_IN_RANGE", at("materials", 0, "extensions", "KHR_materials_ior", "ior", to=0.5)),
    (
        "two sets of coordinates",
        "MESH_PRIMITIVE_TOO_FEW_TEXCOORDS",
        at("materials", 0, "normalTexture", "extensions", to={"KHR_texture_transform": {"texCoord": 2}}),
    ),
    ("an extension at the root", "UNEXPECTED_EXTENSION_OBJECT", at("extensions", "KHR_mesh_quantization", to={})),
    ("a media type of nothing", "IMAGE_MIME_TYPE_INVALID", at("images", 0, "mimeType", to="")),
    ("a jpeg as webp", "TEXTURE_INVALID_IMAGE_MIME_TYPE", png_as_webp),
    (
        "a node beside a pointer",
        "KHR_ANIMATION_POINTER_ANIMATION_CHANNEL_TARGET_NODE",
        at("animations", 0, "channels", 5, "target", "node", to=7),
    ),
    (
        "another path beside a pointer",
        "KHR_ANIMATION_POINTER_ANIMATION_CHANNEL_TARGET_PATH",
        at("animations", 0, "channels", 5, "target", "path", to="scale"),
    ),
]


def scene_with(change: Change) -> Scene:
    tree, binary = everything()
    contents = bytearray(binary)
    change(tree, contents)
    return parse_scene(packed(tree, bytes(contents)))


@pytest.fixture(scope="module")
def validator() -> Any:
    with Validator() as validator:
        yield validator


@pytest.mark.skipif(not SCRIPT.exists(), reason="the validator is not built: python web/build_validator.py")
@pytest.mark.parametrize(("name", "code", "change"), CASES, ids=[name for name, _, _ in CASES])
def test_the_validator_says_the_same(name: str, code: str, change: Change, validator: Validator) -> None:
    report = validator.ask(scene_with(change)).report
    assert report is not None
    assert code in {message["code"] for message in report["issues"]["messages"] if message["severity"] == 0}


@pytest.mark.parametrize(("name", "code", "change"), CASES, ids=[name for name, _, _ in CASES])
def test_ours_refuse_it(name: str, code: str, change: Change) -> None:
    assert code in {finding.code for finding in errors_of(check(scene_with(change)))}


def test_a_spline_between_turns_is_looked_at_where_it_passes_through_them() -> None:
    """The tangents around a value are of any length."""
    assert errors_of(check(scene_with(number(output(2), 0, 5.0)))) == []
    codes = [finding.code for finding in errors_of(check(scene_with(number(output(2), 4, 5.0))))]
    assert codes == ["ACCESSOR_ANIMATION_SAMPLER_OUTPUT_ACCESSOR_NON_NORMALIZED_QUATERNION"]


def test_a_buffer_that_says_it_is_text_is_refused_and_an_ior_of_nothing_is_not() -> None:
    tree, binary = everything()
    tree["buffers"][0]["uri"] = data_uri(binary, "text/plain")
    codes = [finding.code for finding in errors_of(check(parse_scene(packed(tree, binary))))]
    assert codes == ["BUFFER_DATA_URI_MIME_TYPE_INVALID"]
    nothing = at("materials", 0, "extensions", "KHR_materials_ior", "ior", to=0)
    assert errors_of(check(scene_with(nothing))) == []
