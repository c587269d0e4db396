"""A decoder made of nothing but the tables of PROTOCOL.md, to find where prose and code differ.

What it does not cover: the behaviour described in "How it goes" and the rates in "Limits".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tests.netcode.vectors import NETCODE

Table = list[tuple[str, str]]
"""(field, type) in order."""


class Malformed(Exception):
    """A frame that the document does not allow, with its reason."""


class Bits:
    """What is left of a frame; each byte is read from its lowest bit up."""

    def __init__(self, data: bytes) -> None:
        self.number = int.from_bytes(data, "little")
        self.left = 8 * len(data)

    def take(self, width: int) -> int:
        if width > self.left:
            raise Malformed("short")
        value = self.number & ((1 << width) - 1)
        self.number >>= width
        self.left -= width
        return value


class Document:
    """The tables of a protocol document."""

    def __init__(self, text: str) -> None:
        self.structs: dict[str, Table] = {}
        self.variants: dict[str, tuple[int, list[str]]] = {}
        """By name: the bit that tells, and the struct for 0 and for 1."""
        self.messages: dict[tuple[str, str, int], tuple[str, Table]] = {}
        for heading, body in sections(text):
            table = rows(body, r"field \| type")
            if match := re.fullmatch(r"0x([0-9a-f]{2}) ([A-Z]+), (\w+), (\w+) to \w+", heading):
                code, name, channel, sender = match.groups()
                self.messages[sender, channel, int(code, 16)] = name, table
            elif match := re.search(r"^\| bit (\d+) \| struct \|$", body, flags=re.MULTILINE):
                kinds = dict(rows(body, r"bit \d+ \| struct"))
                self.variants[heading] = int(match[1]), [kinds["0"], kinds["1"]]
            elif table:
                self.structs[heading] = table
        self.windows = {
            name: int(match[1].replace(",", ""))
            for name, _, cell in map(cells_of, re.findall(r"^\| [xyz] \| u\d+ \|.*$", text, flags=re.MULTILINE))
            if (match := re.search(r"modulo ([\d,]+)", cell))
        }
        """Centimetres after which a Delta's coordinates repeat."""
        limit = re.search(r"at most \*\*([\d,]+) bytes\*\*", text)
        assert limit
        self.limit = int(limit[1].replace(",", ""))

    def decode(self, sender: str, channel: str, data: bytes) -> dict[str, Any]:
        """A frame as its vector's JSON. Raises Malformed."""
        if not data:
            raise Malformed("empty")
        if len(data) > self.limit:
            raise Malformed("size")
        if (sender, channel, data[0]) not in self.messages:
            raise Malformed("type")
        name, table = self.messages[sender, channel, data[0]]
        bits = Bits(data[1:])
        message = self.table(table, bits)
        if bits.left:
            raise Malformed("long")
        return {"type": name, **message}

    def reference(self, delta: dict[str, int], known: dict[str, int]) -> dict[str, int]:
        """The pose that a Delta tells, by the formula below its table."""
        pose = {"yaw": delta["yaw"] * 256, "pitch": max(delta["pitch"] * 2, -127)}
        for axis, w in self.windows.items():
            r = (known[axis] + 5) // 10
            pose[axis] = 10 * (r + ((delta[axis] - r + w // 2) % w) - w // 2)
        flags = known["flags"] & ~1 | delta["speaking"]
        return {**known, **pose, "flags": flags}

    def table(self, table: Table, bits: Bits) -> dict[str, Any]:
        """A struct's fields one after the other."""
        values: dict[str, Any] = {}
        for name, kind in table:
            values[name] = self.field(kind, bits, values)
        return {name: value for name, value in values.items() if not name.startswith("(")}

    def field(self, kind: str, bits: Bits, before: dict[str, Any]) -> Any:
        """One field of a type as the tables write it: `u8 0–4`, `list of peer, not empty`, `pose`…"""
        if match := re.fullmatch(r"list of (\w+)(?:, (not empty|0–(\d+)))?", kind):
            return self.list(match, bits, before)
        if match := re.fullmatch(r"([ui])(\d+)(?: (\w+)–(\w+))?", kind):
            return self.integer(match, bits, before)
        if kind == "peer":
            return self.field("u16 1–65535", bits, before)
        if kind in ("str8", "ascii8"):
            return self.text(kind, bits)
        if kind in self.variants:
            bit, structs = self.variants[kind]
            if bits.left < 16:
                raise Malformed("short")
            return self.table(self.structs[structs[bits.number >> bit & 1]], bits)
        return self.table(self.structs[kind.capitalize()], bits)

    def text(self, kind: str, bits: Bits) -> str:
        size = bits.take(8)
        raw = bits.take(8 * size).to_bytes(size, "little")
        try:
            text = raw.decode("utf-8", "strict")
        except UnicodeDecodeError:
            raise Malformed("text") from None
        if kind == "ascii8" and not re.fullmatch(r"[\x21-\x7e]*", text):
            raise Malformed("value")
        return text

    def list(self, match: re.Match[str], bits: Bits, before: dict[str, Any]) -> list[Any]:
        count = bits.take(8)
        if (match[2] == "not empty" and count == 0) or (match[3] and count > int(match[3])):
            raise Malformed("value")
        return [self.field(match[1], bits, before) for _ in range(count)]

    def integer(self, match: re.Match[str], bits: Bits, before: dict[str, Any]) -> int:
        width = int(match[2])
        value = bits.take(width)
        if match[1] == "i" and value >> (width - 1):
            value -= 1 << width
        if match[3]:
            low, high = (int(b) if b.isdigit() else before[b] for b in (match[3], match[4]))
            if not low <= value <= high:
                raise Malformed("value")
        return value


def cells_of(row: str) -> list[str]:
    return [cell.strip() for cell in row.strip("|").split("|")]


def sections(text: str) -> Iterator[tuple[str, str]]:
    """(heading, body) of every `###` section."""
    parts = re.split(r"^#{2,3} (.+)$", text, flags=re.MULTILINE)
    yield from zip(parts[1::2], parts[2::2], strict=True)


def rows(body: str, head: str) -> Table:
    """The first two cells of each row of the table that begins with these."""
    match = re.search(rf"^\| {head} \|.*\n\|[-|]+\n((?:\|.*\n)+)", body, flags=re.MULTILINE)
    if not match:
        return []
    return [(cells[0], cells[1]) for cells in map(cells_of, match[1].splitlines())]


def read() -> Document:
    """The document of this checkout."""
    return Document((NETCODE / "PROTOCOL.md").read_text())
