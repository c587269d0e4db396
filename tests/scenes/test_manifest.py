"""Manifests: the golden vectors, the schema, and whatever else may come as one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from roomscale.scenes.errors import BadManifest
from roomscale.scenes.package import manifest as manifests
from roomscale.scenes.package.levels import chosen, download_bytes
from roomscale.scenes.package.manifest import FileRef, Manifest, Part, read_manifest

SCENES = Path(__file__).parents[2] / "scenes"


def vectors(name: str) -> list[dict[str, Any]]:
    read: list[dict[str, Any]] = json.loads((SCENES / "vectors" / f"{name}.json").read_text("utf-8"))
    return read


PUBLISHED = vectors("v1-published")
GOOD = [*vectors("v1-manifests"), *PUBLISHED]
BAD = [*vectors("v1-malformed"), *vectors("v1-published-malformed")]
SCHEMA = Draft202012Validator(json.loads((SCENES / "manifest.schema.json").read_text("utf-8")))
IMAGE = Part("a" * 64, 1000, "image/webp", 1, ("/images/3",), (1024, 512), 1)


def name_of(vector: dict[str, Any]) -> str:
    return str(vector["name"])


@pytest.mark.parametrize("vector", GOOD, ids=name_of)
def test_a_good_manifest_says_what_to_download_in_which_order(vector: dict[str, Any]) -> None:
    read = read_manifest(json.dumps(vector["manifest"]).encode())
    for level, hashes in vector["downloads"].items():
        assert [part.sha256 for part in chosen(read, int(level))] == hashes, level
    assert read_manifest(read.dump()) == read
    SCHEMA.validate(vector["manifest"])
    SCHEMA.validate(json.loads(read.dump()))


@pytest.mark.parametrize("vector", BAD, ids=name_of)
def test_a_malformed_manifest_is_refused_with_its_place(vector: dict[str, Any]) -> None:
    with pytest.raises(BadManifest) as caught:
        read_manifest(json.dumps(vector["manifest"]).encode())
    assert (caught.value.code, caught.value.pointer) == (vector["code"], vector["pointer"])
    if vector["code"] != "DUPLICATE_ELEMENTS":  # two parts against one another: JSON Schema cannot say it
        assert not SCHEMA.is_valid(vector["manifest"])


@pytest.mark.parametrize("vector", PUBLISHED, ids=name_of)
def test_a_published_manifest_says_where_its_files_are(vector: dict[str, Any]) -> None:
    assert read_manifest(json.dumps(vector["manifest"]).encode()).places() == vector["mxc"]


def test_publishing_adds_where_each_file_is_and_nothing_else() -> None:
    manifest = Manifest(FileRef("e" * 64, 5000), (IMAGE,), ("KHR_texture_transform",))
    places = {"e" * 64: "mxc://example.org/entry", "a" * 64: "mxc://example.org/part"}
    published = read_manifest(manifest.published(places).dump())
    assert published.places() == places
    assert published.published({"e" * 64: "", "a" * 64: ""}) == manifest
    with pytest.raises(KeyError):
        manifest.published({"e" * 64: "mxc://example.org/entry"})


def test_numbers_may_be_written_as_javascript_prints_none_of_them() -> None:
    text = Manifest(FileRef("e" * 64, 5000), (IMAGE,)).dump().replace(b'"level":1', b'"level":1.0')
    assert read_manifest(text).parts == (IMAGE,)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"", "INVALID_JSON"),
        (b"[]", "TYPE_MISMATCH"),
        (b'{"format":"org.roomscale.package","format":1}', "DUPLICATE_KEY"),
        (b'{"version":NaN}', "INVALID_JSON"),
        (b"[" * 100_000, "JSON_TOO_LARGE|JSON_TOO_DEEP|INVALID_JSON"),
        (b'{"a":"' + b"x" * manifests.MOST_BYTES + b'"}', "JSON_TOO_LARGE"),
    ],
    ids=["empty", "a list", "duplicate keys", "NaN", "deep", "large"],
)
def test_what_is_no_plain_json_object_is_refused(text: bytes, code: str) -> None:
    with pytest.raises(BadManifest) as caught:
        read_manifest(text)
    assert caught.value.code in code.split("|")


def test_more_parts_or_pointers_than_a_client_should_take_are_refused() -> None:
    few = Manifest(FileRef("e" * 64, 1), (Part("a" * 64, 1, "image/png", 1, ("/images/0",)),))
    tree = json.loads(few.dump())
    tree["parts"] = [tree["parts"][0]] * (manifests.MOST_PARTS + 1)
    with pytest.raises(BadManifest, match="10,001 elements, more than 10,000"):
        read_manifest(json.dumps(tree).encode())
    half = [f"/images/{index}" for index in range(manifests.MOST_TARGETS // 2 + 1)]
    tree["parts"] = [{**tree["parts"][0], "for": half, "level": level} for level in (1, 2)]
    with pytest.raises(BadManifest, match="100,000 pointers"):
        read_manifest(json.dumps(tree).encode())


def test_a_file_that_two_parts_name_is_downloaded_once() -> None:
    again = Part(IMAGE.sha256, 1000, "image/webp", 1, ("/images/4",))
    assert download_bytes(Manifest(FileRef("e" * 64, 5000), (IMAGE, again)), 1) == 6000


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
KEYS = ["format", "version", "entry", "parts", "extensionsRequired"]
PART_KEYS = ["sha256", "bytes", "type", "level", "for", "size", "priority", "mxc"]


@settings(deadline=None)  # a busy machine is no defect
@given(key=st.sampled_from(KEYS), part_key=st.sampled_from(PART_KEYS), value=JSON, inner=st.booleans())
def test_any_value_anywhere_is_read_or_refused_and_what_is_read_is_within_bounds(
    key: str, part_key: str, value: object, inner: bool
) -> None:
    tree = json.loads(Manifest(FileRef("e" * 64, 5000), (IMAGE,)).dump())
    (tree["parts"][0] if inner else tree)[part_key if inner else key] = value
    try:
        read = read_manifest(json.dumps(tree).encode())
    except BadManifest:
        return
    for part in read.parts:
        assert 1 <= part.level <= manifests.MOST_LEVEL
        assert all(target.rsplit("/", 1)[1].isdigit() for target in part.targets)
        assert part.kind in ("images", "meshes", "animations", "audio")
    assert read_manifest(read.dump()) == read


@settings(deadline=None)  # a busy machine is no defect
@given(data=st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with pytest.raises(BadManifest):
        read_manifest(data)
