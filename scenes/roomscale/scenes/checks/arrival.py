"""Where visitors arrive: is there a floor under each spawn point, and is it a place and not the inside of a wall.

Rule: a spawn point is judged as the browser client judges it (`settle` in `web/src/scene/spawn.ts`): a floor from
`HIGHEST_FLOOR` above to `LOWEST_FLOOR` below it. One vertical line through each point, in numpy; all are warnings, for
the client then looks for a place of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from roomscale.scenes.checks.enclosed import CHEST, MIN_UP, Faces, is_enclosed
from roomscale.scenes.checks.world import SPAWN_EXTENSIONS
from roomscale.scenes.document import Scene
from roomscale.scenes.errors import SceneError
from roomscale.scenes.extent import Points
from roomscale.scenes.findings import Findings, pointer
from roomscale.scenes.placement import world_matrices
from roomscale.scenes.solids import Solid, Triangles, solids

HIGHEST_FLOOR = 1.2
"""Metres above a spawn point up to which a floor is stepped onto."""
LOWEST_FLOOR = 4.0
"""Metres below it down to which a visitor is let down."""
MOST_TRIANGLES = 10_000_000
"""Triangles looked at in all, about three seconds of work."""
AT_ONCE = 250_000
"""Triangles looked at together: 30 MB."""
MOST_SPAWNS = 64
"""Spawn points that are looked at."""


@dataclass
class _Line:
    """The vertical line through a spawn point, and what it meets of each solid."""

    node: int
    form: str
    place: Points
    met: list[tuple[Solid, Faces]] = field(default_factory=list)


def check_arrival(scene: Scene, findings: Findings) -> None:
    """Check every spawn point that is shown, in a scene that all other checks have passed."""
    lines = _lines(scene)
    if not lines:
        return
    parts, budget = solids(scene), MOST_TRIANGLES
    over = _over(parts, lines)
    for part, is_over in zip(parts, over, strict=True):
        near = [line for line, is_near in zip(lines, is_over, strict=True) if is_near] if is_over.any() else []
        budget -= part.count * len(near)
        if near and budget < 0:
            findings.info("ARRIVAL_NOT_CHECKED", "", "there is too much below its spawn points to look at all of it")
            return
        if near:
            try:
                points, triangles = part.load()
            except SceneError as error:
                findings.info("ARRIVAL_NOT_CHECKED", "", f"what is below its spawn points cannot be read: {error}")
                return
            for line in near:
                if (faces := _meet(line.place, part, points, triangles)).heights.size:
                    line.met.append((part, faces))
    for line, is_over in zip(lines, over.T, strict=True):
        _judge(line, findings, is_outside=not is_over.any())


def _lines(scene: Scene) -> list[_Line]:
    found = []
    for index, matrix in sorted(world_matrices(scene).items()):
        extensions = scene.list_of("nodes")[index].get("extensions", {})
        form = next((name for name in SPAWN_EXTENSIONS if name in extensions), None)
        if form is not None and np.all(np.isfinite(matrix)):
            found.append(_Line(index, form, matrix[:3, 3]))
    return found[:MOST_SPAWNS]


def _over(parts: list[Solid], lines: list[_Line]) -> NDArray[np.bool_]:
    """(parts, lines): whether a line goes through the box around a part."""
    low = np.array([part.low for part in parts]).reshape(-1, 1, 3)[:, :, [0, 2]]
    high = np.array([part.high for part in parts]).reshape(-1, 1, 3)[:, :, [0, 2]]
    places = np.array([line.place for line in lines])[:, [0, 2]]
    return np.asarray(((low <= places) & (places <= high)).all(axis=2))


def _meet(place: Points, part: Solid, points: Points, triangles: Triangles) -> Faces:
    """Where the line through a place meets triangles: barycentric coordinates in the plane seen from above."""
    x, y, z = place
    found_heights, found_ups = [np.empty(0)], [np.empty(0)]
    for start in range(0, len(triangles), AT_ONCE):
        a, b, c = (points[triangles[start : start + AT_ONCE, corner]] for corner in range(3))
        normal = np.cross(b - a, c - a)
        area = normal[:, 1]  # twice the triangle's, seen from above
        with np.errstate(all="ignore"):  # upright triangles have none, and are never met
            v = ((z - a[:, 2]) * (c[:, 0] - a[:, 0]) - (x - a[:, 0]) * (c[:, 2] - a[:, 2])) / area
            w = ((x - a[:, 0]) * (b[:, 2] - a[:, 2]) - (z - a[:, 2]) * (b[:, 0] - a[:, 0])) / area
            met = (v >= -1e-9) & (w >= -1e-9) & (v + w <= 1.0 + 1e-9)
            heights = a[:, 1] + v * (b[:, 1] - a[:, 1]) + w * (c[:, 1] - a[:, 1])
            up = area / np.linalg.norm(normal, axis=1)
        found_heights.append(heights[met] - y)
        found_ups.append(up[met])
    return Faces(np.concatenate(found_heights), np.concatenate(found_ups), part.low, part.high)


def _judge(line: _Line, findings: Findings, *, is_outside: bool) -> None:
    where = pointer("nodes", line.node, "extensions", line.form)
    heights = np.concatenate([np.empty(0), *(faces.heights for _, faces in line.met)])
    ups = np.concatenate([np.empty(0), *(faces.ups for _, faces in line.met)])
    floors = heights[np.abs(ups) >= MIN_UP]
    below, above = floors[floors <= HIGHEST_FLOOR], heights[heights > CHEST]
    if is_enclosed(line.met):
        findings.warn(
            "SPAWN_POINT_INSIDE",
            where,
            "the spawn point is inside something solid",
            hint="move it to a free place, its foot on the floor; or turn the faces around it (Blender: Flip normals)",
        )
    elif below.size and below.max() >= -LOWEST_FLOOR:
        return
    elif below.size:
        findings.warn(
            "SPAWN_POINT_IN_THE_AIR",
            where,
            f"the floor is {-below.max():,.1f} m below the spawn point, more than {LOWEST_FLOOR:.0f} m",
            hint="move it down onto the floor",
        )
    elif above.size:
        findings.warn(
            "SPAWN_POINT_BELOW_GROUND",
            where,
            f"the spawn point has no floor below it, and something solid {above.min():,.1f} m above it",
            hint="move it up onto the floor; the foot of the spawn point is where visitors stand",
        )
    else:
        what = "is beside all that is solid" if is_outside else "has nothing solid below it"
        findings.warn(
            "SPAWN_POINT_NO_FLOOR", where, f"the spawn point {what}", hint="move it over a floor that is solid"
        )
