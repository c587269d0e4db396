"""JSON is read strictly, in order, and nothing of it is lost."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roomscale.scenes import Limits, UnreadableScene
from roomscale.scenes.jsonio import Written, copy, dump, parse

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12).filter(lambda text: text != "__proto__")
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)
TREES = st.dictionaries(TEXT, VALUES, max_size=5)


def spelled(value: Any) -> str:
    """Order and type of everything: 1, 1.0 and True are different, and so are orders of keys."""
    return repr(value)


@given(TREES)
def test_values_types_and_order_survive(tree: dict[str, Any]) -> None:
    for text in (json.dumps(tree), json.dumps(tree, ensure_ascii=False, indent=2)):
        assert spelled(parse(text.encode())) == spelled(tree)
    assert spelled(parse(dump(tree))) == spelled(tree)


@given(TREES, TREES)
@settings(max_examples=25, deadline=None)
def test_what_was_written_of_other_roots_makes_no_difference(tree: dict[str, Any], other: dict[str, Any]) -> None:
    written = Written()
    for root in (tree, other, tree | other, other | {key: copy(value) for key, value in tree.items()}):
        assert written.size(root) == len(dump(root))
        assert written.dump(root) == dump(root)


@given(TREES)
def test_a_copy_is_equal_and_shares_nothing(tree: dict[str, Any]) -> None:
    before = spelled(tree)
    duplicate = copy(tree)
    assert spelled(duplicate) == before
    shared = {id(item) for item in containers(tree)} & {id(item) for item in containers(duplicate)}
    assert not shared


def containers(value: Any) -> list[Any]:
    if not isinstance(value, (dict, list)):
        return []
    inner = value.values() if isinstance(value, dict) else value
    return [value, *(found for item in inner for found in containers(item))]


@given(st.binary(max_size=120))
def test_any_bytes_are_a_tree_or_refused(data: bytes) -> None:
    for candidate in (data, b"{" + data + b"}", b'{"a":' + data + b"}"):
        try:
            assert isinstance(parse(candidate), dict)
        except UnreadableScene as error:
            assert str(error).isprintable()


@pytest.mark.parametrize("number", ["1e309", "-1e999", "1E+400", "1" + "0" * 400 + ".0", "0.1e310"])
def test_numbers_beyond_a_double_are_refused(number: str) -> None:
    with pytest.raises(UnreadableScene, match="beyond"):
        parse(f'{{"a": [{number}]}}'.encode())


@pytest.mark.parametrize("number", ["1e308", "1e-999", "0", "-0.0", "12345678901234567890", "1E2"])
def test_numbers_that_fit_are_read(number: str) -> None:
    assert parse(f'{{"a": {number}}}'.encode())["a"] == json.loads(number)


def test_the_limits_are_kept() -> None:
    with pytest.raises(UnreadableScene, match="more than 10"):
        parse(b'{"a": "0123456789"}', limits=Limits(json_bytes=10))
    nested = b'{"a":' * 5 + b"1" + b"}" * 5
    assert parse(nested, limits=Limits(json_depth=5))
    with pytest.raises(UnreadableScene, match="deeper than 4"):
        parse(nested, limits=Limits(json_depth=4))


def test_a_duplicate_key_is_named_wherever_it_stands() -> None:
    with pytest.raises(UnreadableScene, match='"uri"'):
        parse(b'{"buffers": [{"x": [{"uri": 1, "b": 2, "uri": 3}]}]}')
