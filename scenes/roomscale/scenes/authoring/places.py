"""Where visitors arrive, sit and leave: OMI_spawn_point, OMI_seat, OMI_link.

Spawn points and seats look along their node's −Z, as a glTF camera does: the green arrow (+Y) of an empty in Blender.
Rule: a seat is in metres whatever the scale of its node.
"""

from __future__ import annotations

import math

import numpy as np

from roomscale.scenes.authoring.said import Said
from roomscale.scenes.authoring.work import Work
from roomscale.scenes.jsonio import JsonObject
from roomscale.scenes.placement import Matrix
from roomscale.scenes.uris import link_refusal

SEAT_HEIGHT = 0.45
"""Metres from the floor to the sitting surface, where the node is: a dining chair."""
SEAT_BACK, SEAT_KNEE = 0.2, 0.25
"""Metres from the middle of the sitting surface to the back and to the knees."""


def spawn_point(work: Work, said: Said) -> None:
    """`spawn`: visitors arrive here (OMI_spawn_point; title, team, group are optional)."""
    if "spawn" not in said or not work.is_free(said.path, "OMI_spawn_point"):
        return
    told = {key: said.text("spawn", key) for key in ("title", "team", "group")}
    work.edit.extend(said.path, "OMI_spawn_point", {key: text for key, text in told.items() if text})
    work.note("spawn points", said)


def seat(work: Work, said: Said, matrix: Matrix | None) -> None:
    """`seat`: one may sit down here. `matrix`: the node's, in the world; None if it is not shown."""
    if "seat" not in said or not work.is_free(said.path, "OMI_seat"):
        return
    height = said.number("seat", "height", 0.05, 5.0) or SEAT_HEIGHT
    usual = {"back": [0.0, 0.0, SEAT_BACK], "foot": [0.0, -height, -SEAT_KNEE], "knee": [0.0, 0.0, -SEAT_KNEE]}
    content: JsonObject = {key: said.vector("seat", key) or _unscaled(point, matrix) for key, point in usual.items()}
    if (angle := said.number("seat", "angle", 0.0, 180.0)) is not None:
        content["angle"] = math.radians(angle)
    work.edit.extend(said.path, "OMI_seat", content)
    work.note("seats", said)


def _unscaled(point: list[float], matrix: Matrix | None) -> list[float]:
    """A point in metres along a node's axes, in the node's own units."""
    if matrix is None:
        return point
    lengths = np.linalg.norm(matrix[:3, :3], axis=0)
    scaled = np.array(point) / lengths
    usable = bool(np.isfinite(lengths).all() and (lengths > 0.0).all() and np.isfinite(scaled).all())
    return [round(float(part), 5) for part in scaled] if usable else point


def portal(work: Work, said: Said) -> None:
    """`portal` or `link`: walking in leads to `uri` (OMI_link)."""
    if "portal" not in said or not work.is_free(said.path, "OMI_link"):
        return
    written = said.text("portal", "uri")
    if not written:
        said.refuse(
            "portal",
            "uri",
            "a portal needs a uri to lead to",
            hint='give it the custom property uri, e.g. "#plaza:example.org" or "https://…"',
        )
        return
    uri = _matrix_uri(written)
    if (refusal := link_refusal(uri)) is not None:
        hint = "portals lead to a Matrix room (#plaza:example.org) or to https://"
        said.refuse("portal", "uri", refusal, hint)
        return
    title = said.text("portal", "title")
    work.edit.extend(said.path, "OMI_link", {"uri": uri} | ({"title": title} if title else {}))
    work.note("portals", said)


def _matrix_uri(text: str) -> str:
    """`#plaza:example.org` and `!id:example.org` as matrix: URIs (Matrix specification, "Matrix URI scheme")."""
    kind = {"#": "r", "!": "roomid"}.get(text[:1])
    return f"matrix:{kind}/{text[1:]}" if kind is not None and ":" in text else text
