"""Whether somebody would arrive inside something closed: a block, a pillar, the ground.

Rule: by the faces that one vertical line meets; those that show their backs to a chest are of what is around it. A
hollow shell that has a floor inside is a room, whichever way its walls face.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roomscale.scenes.extent import Points
from roomscale.scenes.solids import Solid

CHEST = 1.0
"""Metres above the spawn point from which up and down are looked."""
MIN_UP = 0.64
"""Share of a floor's normal that points up: 50° is the steepest that is walked on."""
FLOOR_OF_A_ROOM = 1.1
"""A floor may be wider than the shell that it is inside of, by walls and doorsteps; the ground is wider by far."""
_MILLIMETRE = 1e-3


@dataclass(frozen=True)
class Faces:
    """Where a vertical line meets faces: `heights` above its spawn point, and the share of each normal that points up.

    `low`, `high`: the box around what the faces are of.
    """

    heights: NDArray[np.float64]
    ups: NDArray[np.float64]
    low: Points
    high: Points


def is_enclosed(met: Sequence[tuple[Solid, Faces]]) -> bool:
    """Whether the chest is inside of something, by all that its line meets."""
    heights = np.concatenate([np.empty(0), *(faces.heights for _, faces in met)])
    ups = np.concatenate([np.empty(0), *(faces.ups for _, faces in met)])
    if _shows_backs(heights, ups):
        return True
    # By itself each: the floor that a block stands on, or in, lies nearer than the bottom of the block.
    things = _things(met)
    return any(
        _shows_backs(thing.heights, thing.ups) and _is_closed(thing) and not _is_room(thing, things) for thing in things
    )


def _shows_backs(heights: NDArray[np.float64], ups: NDArray[np.float64]) -> bool:
    """Whether the next face above looks up, and the next below down."""
    above, below = heights > CHEST, heights <= CHEST
    if not (above.any() and below.any()):
        return False
    next_above, next_below = ups[above][np.argmin(heights[above])], ups[below][np.argmax(heights[below])]
    return bool(next_above > 0.0 and next_below < 0.0)


def _things(met: Iterable[tuple[Solid, Faces]]) -> list[Faces]:
    """The faces of each thing: all primitives of a node, of each of its copies. Round ones are no boxes in truth, and
    nobody knows here whether the chest is beside them."""
    parts: dict[tuple[int, bytes], list[Faces]] = {}
    for solid, faces in met:
        if not solid.is_round:
            parts.setdefault((solid.node, solid.matrix.tobytes()), []).append(faces)
    return [
        Faces(
            np.concatenate([faces.heights for faces in several]),
            np.concatenate([faces.ups for faces in several]),
            np.min([faces.low for faces in several], axis=0),
            np.max([faces.high for faces in several], axis=0),
        )
        for several in parts.values()
    ]


def _is_closed(thing: Faces) -> bool:
    """Whether, counted together, more faces look outwards than inwards, above and below: not so of leaves and cards."""
    # A line through an edge meets the triangles on both sides of it.
    faces = np.unique(np.column_stack([thing.heights.round(6), np.sign(thing.ups)]), axis=0)
    above = faces[:, 0] > CHEST
    return bool(faces[above, 1].sum() > 0.0 and faces[~above, 1].sum() < 0.0)


def _is_room(thing: Faces, things: Iterable[Faces]) -> bool:
    """Whether a floor lies inside of a closed thing that is no wider than this."""
    bottom = float(thing.heights[thing.heights <= CHEST].max()) - _MILLIMETRE
    most = FLOOR_OF_A_ROOM * (thing.high - thing.low)
    return any(
        bool(((other.high - other.low) <= most)[[0, 2]].all())
        and bool(((other.ups >= MIN_UP) & (other.heights > bottom) & (other.heights <= CHEST)).any())
        for other in things
        if other is not thing
    )
