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


class Document:
    """The tables of a protocol document."""

    def __init__(self, text: str) -> None:
        self.structs: dict[str, Table] = {}
        self.messages: dict[tuple[str, str, int], tuple[str, Table]] = {}
        for heading, body in sections(text):
            table = fields(body)
            if match := re.fullmatch(r"0x([0-9a-f]{2}) ([A-Z]+), (\w+), (\w+) to \w+", heading):
                code, name, channel, sender = match.groups()
                self.messages[sender, channel, int(code, 16)] = name, table
            elif table:
                self.structs[heading] = table
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
        message, rest = self.table(table, data[1:])
        if rest:
            raise Malformed("long")
        return {"type": name, **message}

    def table(self, table: Table, data: bytes) -> tuple[dict[str, Any], bytes]:
        """A struct's fields one after the other."""
        values: dict[str, Any] = {}
        for name, kind in table:
            values[name], data = self.field(kind, data, values)
        return values, data

    def field(self, kind: str, data: bytes, before: dict[str, Any]) -> tuple[Any, bytes]:
        """One field of a type as the tables write it: `u8 0–4`, `list of peer, not empty`, `pose`…"""
        if match := re.fullmatch(r"list of (\w+)(?:, (not empty|0–(\d+)))?", kind):
            return self.list(match, data, before)
        if match := re.fullmatch(r"([ui])(\d+)(?: (\w+)–(\w+))?", kind):
            return self.integer(match, data, before)
        if kind == "peer":
            return self.field("u16 1–65535", data, before)
        if kind in ("str8", "ascii8"):
            size, data = self.field("u8", data, before)
            raw, data = take(data, size)
            try:
                text = raw.decode("utf-8", "strict")
            except UnicodeDecodeError:
                raise Malformed("text") from None
            if kind == "ascii8" and not re.fullmatch(r"[\x21-\x7e]*", text):
                raise Malformed("value")
            return text, data
        return self.table(self.structs[kind.capitalize()], data)

    def list(self, match: re.Match[str], data: bytes, before: dict[str, Any]) -> tuple[list[Any], bytes]:
        count, data = self.field("u8", data, before)
        if (match[2] == "not empty" and count == 0) or (match[3] and count > int(match[3])):
            raise Malformed("value")
        values = []
        for _ in range(count):
            value, data = self.field(match[1], data, before)
            values.append(value)
        return values, data

    def integer(self, match: re.Match[str], data: bytes, before: dict[str, Any]) -> tuple[int, bytes]:
        raw, data = take(data, int(match[2]) // 8)
        value = int.from_bytes(raw, "little", signed=match[1] == "i")
        if match[3]:
            low, high = (int(b) if b.isdigit() else before[b] for b in (match[3], match[4]))
            if not low <= value <= high:
                raise Malformed("value")
        return value, data


def take(data: bytes, size: int) -> tuple[bytes, bytes]:
    if len(data) < size:
        raise Malformed("short")
    return data[:size], data[size:]


def sections(text: str) -> Iterator[tuple[str, str]]:
    """(heading, body) of every `###` section."""
    parts = re.split(r"^#{2,3} (.+)$", text, flags=re.MULTILINE)
    yield from zip(parts[1::2], parts[2::2], strict=True)


def fields(body: str) -> Table:
    """The rows of a table that begins `| field | type |`."""
    match = re.search(r"^\| field \| type \|.*\n\|[-|]+\n((?:\|.*\n)+)", body, flags=re.MULTILINE)
    if not match:
        return []
    rows = [[cell.strip() for cell in row.strip("|").split("|")] for row in match[1].splitlines()]
    return [(row[0], row[1]) for row in rows]


def read() -> Document:
    """The document of this checkout."""
    return Document((NETCODE / "PROTOCOL.md").read_text())
