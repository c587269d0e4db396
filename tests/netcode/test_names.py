"""Names as shown: nothing invisible, nothing that turns or stacks the text, no two alike."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roomscale.netcode.core.names import FALLBACK, MAX_NAME, apart, clean, likeness


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Ada", "Ada"),
        ("  Ada \t\n Lovelace  ", "Ada Lovelace"),
        ("A\0d\x07a\x7f", "Ada"),
        ("Ada\u202egnp.exe", "Adagnp.exe"),
        ("\u2066Ada\u2069\u200f\u061c", "Ada"),
        ("A\u200bd\u200c\u2060a\ufeff", "Ada"),
        ("Ada\u3164\u115f\u2800\u034f", "Ada"),
        ("A\u00add\U000e0041a", "Ada"),
        ("\ue000Ada\ud800", "Ada"),
        ("", FALLBACK),
        (" \u200b\u3164\u202e ", FALLBACK),
        ("Zoë", "Zoë"),
        ("Zoe\u0308", "Zoë"),
        ("\u0308\u0308Ada", "Ada"),
        ("Z" + "\u0335" * 40 + "algo", "Z" + "\u0335" * 2 + "algo"),
        ("שָׁלוֹם", unicodedata.normalize("NFC", "שָׁלוֹם")),
        ("👩\u200d🚀", "👩\u200d🚀"),
        ("a\u200db", "ab"),
        ("❤\ufe0f", "❤\ufe0f"),
        ("a\ufe0fb", "ab"),
        ("名前", "名前"),
        ("a\u2028b\u00a0c\u3000d", "a b c d"),
    ],
)
def test_a_name_is_shown_clean(name: str, shown: str) -> None:
    assert clean(name) == shown


def test_a_name_is_capped_without_a_blank_or_a_torn_emoji_at_its_end() -> None:
    assert clean("x" * 1_000_000) == "x" * MAX_NAME
    assert clean("x" * (MAX_NAME - 1) + " yz") == "x" * (MAX_NAME - 1)
    assert clean("x" * (MAX_NAME - 2) + "👩\u200d🚀") == "x" * (MAX_NAME - 2) + "👩"


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=300))
def test_whatever_comes_in_what_is_shown_is_clean_and_stays_so(name: str) -> None:
    shown = clean(name)
    assert 0 < len(shown) <= MAX_NAME
    assert shown == shown.strip()
    assert len(shown.encode()) <= 192
    for c in shown:
        assert unicodedata.category(c) not in ("Cc", "Cs", "Co", "Cn", "Zl", "Zp")
        assert unicodedata.category(c) != "Cf" or c == "\u200d"
    assert clean(shown) == shown


def names_of(*asked: str) -> list[str]:
    taken: dict[str, str] = {}
    for name in asked:
        shown = apart(name, taken.__contains__)
        assert likeness(shown) not in taken
        taken[likeness(shown)] = shown
    return list(taken.values())


def test_equal_names_are_numbered() -> None:
    assert names_of("Ada", "Ada", "Ada") == ["Ada", "Ada (2)", "Ada (3)"]


def test_case_and_compatibility_forms_do_not_tell_names_apart() -> None:
    assert names_of("Ada", "ADA", "Ａｄａ", "A d a") == ["Ada", "ADA (2)", "Ａｄａ (3)", "A d a (4)"]


def test_nobody_gets_the_name_of_one_who_was_numbered() -> None:
    assert names_of("Ada", "Ada", "Ada (2)") == ["Ada", "Ada (2)", "Ada (2) (2)"]


def test_a_number_stays_within_the_cap() -> None:
    long = "x" * 60
    first, second = names_of(long, long)
    assert first == "x" * MAX_NAME
    assert second == "x" * (MAX_NAME - 4) + " (2)"


@settings(deadline=None)
@given(st.lists(st.sampled_from(["a", "A", "a ", "", "\u200b", "a (2)", "x" * 60, "x" * 48 + "y"]), max_size=12))
def test_no_two_names_are_alike_whatever_is_asked(asked: list[str]) -> None:
    assert len(names_of(*asked)) == len(asked)
