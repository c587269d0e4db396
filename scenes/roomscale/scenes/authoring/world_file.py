"""`world.toml`, beside a scene: what its creator says of the world and of its nodes without opening Blender.

Rule: whatever bytes it has, the answer is a `WorldFile` or `UnreadableScene`. Keys that nobody knows are findings with
the nearest known one; what the values are worth is judged where they are used.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from roomscale.scenes.authoring.vocabulary import NODE_WORDS, SCENE_WORDS, Words, meant, spelling
from roomscale.scenes.errors import UnreadableScene, printable
from roomscale.scenes.files import read_file
from roomscale.scenes.findings import Finding, Findings

NAME = "world.toml"
MOST_BYTES = 1 << 20
"""1 MiB: a table for each of 10,000 nodes."""
SECTIONS: dict[str, str] = {
    "scene": "sky, gravity, sound everywhere",
    "node": 'what a node is: [node."Its name"]',
    "author": "how names are read",
    "budgets": "what `roomscale check` measures the scene by: [budgets.mobile]",
}
"""All sections that there are; whoever adds one names it here. `budgets` is read by `check`, the others by `author`."""
_NO_TABLE: Mapping[str, Any] = MappingProxyType({})
AUTHOR_KEYS = ("names",)


class WorldFile(NamedTuple):
    """A world's own settings. `scene`, `budgets`: those tables as written; `nodes`: name → table.

    `uses_names`: whether nodes' names mean something (`-col`, `spawn`). `findings`: keys that nobody knows.
    """

    name: str = NAME
    scene: Mapping[str, Any] = _NO_TABLE
    nodes: Mapping[str, Mapping[str, Any]] = _NO_TABLE
    budgets: Mapping[str, Any] = _NO_TABLE
    uses_names: bool = True
    findings: tuple[Finding, ...] = ()


def read_world_file(path: str | Path) -> WorldFile:
    """Read a `world.toml`. Raises `UnreadableScene` if it is not there, or no TOML."""
    path = Path(path)
    return parse_world_file(bytes(read_file(path, MOST_BYTES)), path.name)


def beside(scene: str | Path) -> Path | None:
    """The `world.toml` in the folder of a scene file, None if there is none."""
    path = Path(scene).parent / NAME
    return path if path.is_file() else None


def parse_world_file(data: bytes, name: str = NAME) -> WorldFile:
    """As `read_world_file`, from memory."""
    shown = printable(name)
    if len(data) > MOST_BYTES:
        raise UnreadableScene("FILE_TOO_LARGE", f"{shown} has {len(data):,} bytes, more than {MOST_BYTES:,}")
    import tomllib  # noqa: PLC0415 - most scenes have no such file, and loading it takes 2 ms

    try:
        tree = tomllib.loads(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise UnreadableScene("INVALID_TOML", f"{shown} is not UTF-8 (at byte {error.start})") from error
    except tomllib.TOMLDecodeError as error:
        raise UnreadableScene("INVALID_TOML", f"{shown} is no valid TOML: {printable(str(error), 200)}") from error
    except (RecursionError, ValueError) as error:  # nested by the thousand; an integer of thousands of digits
        raise UnreadableScene("INVALID_TOML", f"{shown} is no sensible TOML") from error
    findings = Findings()
    _check_keys(tree, SECTIONS, shown, "section", findings)
    scene = _table(tree, "scene", shown, findings)
    _check_words(scene, SCENE_WORDS, f"{shown}: scene", findings)
    nodes = {}
    for node in _table(tree, "node", shown, findings):
        nodes[node] = _table(tree["node"], node, f"{shown}: node", findings)
        _check_words(nodes[node], NODE_WORDS, f'{shown}: node."{printable(node)}"', findings)
    author = _table(tree, "author", shown, findings)
    _check_keys(author, AUTHOR_KEYS, f"{shown}: author", "key", findings)
    uses_names = author.get("names", True)
    if not isinstance(uses_names, bool):
        findings.error("WORLD_FILE_VALUE", "", f"{shown}: author.names must be true or false")
    budgets = _table(tree, "budgets", shown, findings)
    return WorldFile(name, scene, nodes, budgets, uses_names is not False, tuple(findings.listed()))


def _table(holder: Mapping[str, Any], key: str, where: str, findings: Findings) -> dict[str, Any]:
    value = holder.get(key, {})
    if isinstance(value, dict):
        return value
    findings.error("WORLD_FILE_VALUE", "", f"{where}: {printable(key)} must be a table", hint=f"[{printable(key)}]")
    return {}


def _check_words(table: Mapping[str, Any], words: Words, where: str, findings: Findings) -> None:
    """Each key is a word, a property of one, or both joined (`audio_gain`); each table of a word has its properties."""
    plain = {*words, *(key for keys in words.values() for key in keys)}
    joined = {f"{word}_{key}" for word, keys in words.items() for key in keys}
    for key, value in table.items():
        name = spelling(key)
        if name not in plain and name not in joined:
            _unknown(key, plain, where, "key", findings)
        elif name in words and isinstance(value, dict):
            _check_keys(value, words[name], f"{where}.{name}", "key", findings)


def _check_keys(table: Mapping[str, Any], known: Iterable[str], where: str, kind: str, findings: Findings) -> None:
    for key in table:
        if spelling(key) not in known:
            _unknown(key, known, where, kind, findings)


def _unknown(key: str, known: Iterable[str], where: str, kind: str, findings: Findings) -> None:
    hint = meant(key, sorted(known)) or f"known are {', '.join(sorted(known))}"
    findings.error("WORLD_FILE_KEY", "", f"{where}: there is no {kind} {printable(key)}", hint=hint)
