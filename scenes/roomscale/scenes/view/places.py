"""Where visitors arrive, sit and leave, in all forms.

Rule: one value for each point, seat or link that a node is; `form` says which extension said so.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from roomscale.scenes.jsonio import JsonObject
from roomscale.scenes.view.values import Vector, number, record, text, vector

HUBS = "MOZ_hubs_components"
RIGHT_ANGLE = math.pi / 2  # between spine and thighs, where a seat does not say


@dataclass(frozen=True, slots=True)
class SpawnPoint:
    """Where visitors arrive. `node`: its index. MX_spawn_point looks the other way than OMI_spawn_point."""

    node: int
    form: str
    title: str = ""
    team: str = ""
    group: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """A portal or link. `uri`: where it leads, as written; `check` says whether it may."""

    node: int
    form: str
    uri: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Seat:
    """Something to sit on. `back`, `foot`, `knee`: points in the node's space, metres; `angle`: radians."""

    node: int
    back: Vector
    foot: Vector
    knee: Vector
    angle: float


def spawn_points(node: int, extensions: JsonObject) -> Iterator[SpawnPoint]:
    """OMI_spawn_point, else MX_spawn_point, else Hubs' spawn-point or waypoint."""
    hubs = record(extensions.get(HUBS))
    if (spawn := extensions.get("OMI_spawn_point")) is not None:
        told = record(spawn)
        yield SpawnPoint(node, "OMI_spawn_point", *(text(told.get(key)) for key in ("title", "team", "group")))
    elif "MX_spawn_point" in extensions:
        yield SpawnPoint(node, "MX_spawn_point")
    elif "spawn-point" in hubs or record(hubs.get("waypoint")).get("canBeSpawnPoint") is True:
        yield SpawnPoint(node, HUBS)


def links(node: int, extensions: JsonObject) -> Iterator[Link]:
    """OMI_link, MX_portal and Hubs' link; a node with two of them has two."""
    for form in ("OMI_link", "MX_portal"):
        told = record(extensions.get(form))
        if isinstance(uri := told.get("uri"), str):
            yield Link(node, form, uri, text(told.get("title")))
    if isinstance(href := record(record(extensions.get(HUBS)).get("link")).get("href"), str):
        yield Link(node, HUBS, href)


def seats(node: int, extensions: JsonObject) -> Iterator[Seat]:
    """OMI_seat."""
    if (seat := extensions.get("OMI_seat")) is not None:
        told = record(seat)
        back, foot, knee = (vector(told.get(key), (0.0, 0.0, 0.0)) for key in ("back", "foot", "knee"))
        yield Seat(node, back, foot, knee, number(told.get("angle"), RIGHT_ANGLE))
