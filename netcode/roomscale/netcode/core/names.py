"""Names as they may be shown: clean, short, and no two alike in one world.

Rule: nothing invisible, nothing that turns the text around it, nothing that stacks up. What looks alike in
different scripts (Latin a, Cyrillic а) is not told apart here: the user id beside the name is there for that.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Final

MAX_NAME: Final = 48
"""Code points in a shown name, its number included; 192 bytes of UTF-8 at most, so it fits a str8."""
FALLBACK: Final = "Visitor"
"""Who has no name left after cleaning."""

_INPUT_LIMIT: Final = 4 * MAX_NAME
"""Code points looked at: bounds the work for a name of a megabyte."""
_MARKS: Final = 2
"""Combining marks kept in a row: enough for Vietnamese and Hebrew, too few to climb over the line above."""
_DROPPED: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
"""Control, format (bidi, zero width, tags), surrogates, private use, unassigned."""
_BLANK: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters and marks that show nothing: joiner, fillers, the empty braille cell."""
_JOINER: Final = "\u200d"
_EMOJI_STYLE: Final = "\ufe0f"


def _is_selector(c: str) -> bool:
    """Variation selectors, invisible by themselves."""
    return "\u180b" <= c <= "\u180f" or "\ufe00" <= c <= "\ufe0f" or "\U000e0100" <= c <= "\U000e01ef"


def _is_symbol(c: str) -> bool:
    return unicodedata.category(c) in ("So", "Sk")


def _kept(text: str) -> list[str]:
    """The characters that may stay, white space as single spaces."""
    kept: list[str] = []
    marks = 0
    for i, c in enumerate(text):
        category = unicodedata.category(c)
        follows = text[i + 1 : i + 2]
        if category.startswith("Z") or c in "\t\n\r\x0b\x0c":
            c = " "  # noqa: PLW2901 - one kind of space
        elif c == _JOINER:  # within an emoji only: a family is one sign, and the joiner shows
            if not (kept and (_is_symbol(kept[-1]) or kept[-1] == _EMOJI_STYLE) and follows and _is_symbol(follows)):
                continue
        elif _is_selector(c):
            if not (c == _EMOJI_STYLE and kept and _is_symbol(kept[-1])):
                continue
        elif category in _DROPPED or c in _BLANK:
            continue
        marks = marks + 1 if category.startswith("M") and c != _EMOJI_STYLE else 0
        if marks <= _MARKS and not (c == " " and (not kept or kept[-1] == " ")):
            kept.append(c)
    return kept


def _cut(text: str, limit: int) -> str:
    """At most `limit` code points, without a torn emoji or a blank at the end."""
    return text[:limit].rstrip(_JOINER + " ")


def clean(name: str) -> str:
    """A name that is safe to show, at most 48 code points; `FALLBACK` when nothing is left."""
    kept = _kept(unicodedata.normalize("NFC", name[:_INPUT_LIMIT]))
    while kept and unicodedata.category(kept[0]).startswith("M"):
        kept.pop(0)  # a mark with nothing to stand on would hang on whatever is drawn before the name
    return _cut("".join(kept).strip(), MAX_NAME) or FALLBACK


def likeness(name: str) -> str:
    """What makes two names equal to the eye: case, compatibility forms and spaces do not count."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return "".join(unicodedata.normalize("NFKC", folded).split())


def apart(name: str, taken: Callable[[str], bool]) -> str:
    """`name`, cleaned, or with the first free number behind it: `Ada`, `Ada (2)`, `Ada (3)`.

    `taken` says of a `likeness` whether somebody has it. Ends, since a world is finite.
    """
    base = clean(name)
    shown, number = base, 1
    while taken(likeness(shown)):
        number += 1
        suffix = f" ({number})"
        shown = _cut(base, MAX_NAME - len(suffix)) + suffix
    return shown
