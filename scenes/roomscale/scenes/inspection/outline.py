"""The tree of nodes as a reader wants it: what each node is, and one line for many that are alike.

Rule: iterative, and each node once, so no graph costs more than its size; siblings are alike when their names differ
only in a number, and they and all below them are of the same kinds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from roomscale.scenes.checks.structure import require_sound
from roomscale.scenes.document import Scene
from roomscale.scenes.jsonio import JsonObject

_NUMBER = re.compile(r"[\d._ -]*\d[\d._ -]*")
LEAST_FOLDED = 3
"""Siblings alike from which on they are one line."""
_KINDS = (("mesh", "mesh"), ("skin", "skin"), ("camera", "camera"))


@dataclass(frozen=True, slots=True)
class Line:
    """One node. `depth`: below the scene's roots; `kinds`: what it is, extensions included.

    `alike`: further siblings that this line stands for; `hidden`: nodes below it that are not shown.
    """

    index: int
    depth: int
    name: str
    kinds: tuple[str, ...]
    alike: int = 0
    hidden: int = 0


def outline(scene: Scene, *, depth: int | None = None, folds: bool = True) -> Iterator[Line]:
    """The nodes of the scene that is shown, top down. Raises `RejectedScene` if its structure is broken.

    `depth`: levels shown, None for all; `folds`: whether alike siblings become one line.
    """
    require_sound(scene)
    scenes, nodes = scene.list_of("scenes"), scene.list_of("nodes")
    roots: list[int] = scenes[scene.json.get("scene", 0)].get("nodes", []) if scenes else []
    order = _order(nodes, roots)
    signatures, sizes = _signatures(nodes, order)
    seen: set[int] = set()
    todo = [(line, 0) for line in reversed(_grouped(roots, signatures, folds=folds))]
    while todo:
        (index, alike), level = todo.pop()
        if index in seen:
            continue
        seen.add(index)
        node = nodes[index]
        is_last = depth is not None and level + 1 >= depth
        hidden = sizes[index] - 1 if is_last else 0
        yield Line(index, level, str(node.get("name", "")), _kinds(node), alike, hidden)
        if not is_last:
            groups = _grouped(node.get("children", ()), signatures, folds=folds)
            todo.extend((group, level + 1) for group in reversed(groups))


def _order(nodes: list[JsonObject], roots: list[int]) -> list[int]:
    """All nodes below the roots, parents first, each once."""
    order: list[int] = []
    seen: set[int] = set()
    todo = list(roots)
    while todo:
        index = todo.pop()
        if index not in seen:
            seen.add(index)
            order.append(index)
            todo.extend(nodes[index].get("children", ()))
    return order


def _signatures(nodes: list[JsonObject], order: list[int]) -> tuple[dict[int, int], dict[int, int]]:
    """Node → a number that alike ones share; node → how many nodes it and all below it are."""
    numbers: dict[tuple[object, ...], int] = {}
    signatures: dict[int, int] = {}
    sizes: dict[int, int] = {}
    for index in reversed(order):
        node = nodes[index]
        children = node.get("children", ())
        below = tuple(dict.fromkeys(signatures.get(child, -1) for child in children))
        key = (_NUMBER.sub("#", str(node.get("name", ""))), _kinds(node), below)
        signatures[index] = numbers.setdefault(key, len(numbers))
        sizes[index] = 1 + sum(sizes.get(child, 0) for child in children)
    return signatures, sizes


def _grouped(children: list[int], signatures: dict[int, int], *, folds: bool) -> list[tuple[int, int]]:
    """(child, further ones alike), in the order of the file."""
    groups: dict[int, list[int]] = {}
    for child in children:
        groups.setdefault(signatures[child] if folds else child, []).append(child)
    lines: list[tuple[int, int]] = []
    for group in groups.values():
        if len(group) >= LEAST_FOLDED:
            lines.append((group[0], len(group) - 1))
        else:
            lines.extend((child, 0) for child in group)
    places = {child: place for place, child in enumerate(children)}
    return sorted(lines, key=lambda line: places[line[0]])


def _kinds(node: JsonObject) -> tuple[str, ...]:
    return (*(kind for key, kind in _KINDS if key in node), *node.get("extensions", {}))
