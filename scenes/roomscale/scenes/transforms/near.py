"""What stands near one another goes together: meshes that become one draw are still out of sight together.

Rule: a group is cut in two, across its longest side, while it is too much for one draw, or wider than `CELL` and more
than `FEW` vertices; less than that costs a GPU no more than the draw that another cut would make.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from roomscale.scenes.extent import Points

CELL = 64.0
"""Metres. A draw this wide is out of sight as soon as one turns away; in a house everything is one."""
FEW = 16_384
"""Vertices. A phone's GPU takes them in well under a millisecond; its CPU needs longer for a few draws."""


def near(boxes: Points, vertices: NDArray[np.int64], *, least: int, most: int, most_vertices: int) -> list[list[int]]:
    """Groups of neighbours, each by the numbers of its boxes, in order.

    `boxes`: (n, 2, 3) in metres. `least`: members that a group has at least (if there are that many).
    `most`, `most_vertices`: what one draw takes, if cutting helps.
    """
    todo, found = [np.arange(len(boxes))], list[list[int]]()
    while todo:
        group = todo.pop()
        low, high = boxes[group, 0].min(axis=0), boxes[group, 1].max(axis=0)
        total = int(vertices[group].sum())
        is_much = len(group) > most or total > most_vertices or (float((high - low).max()) > CELL and total > FEW)
        if not is_much or len(group) < 2 * least:
            found.append(sorted(group.tolist()))
            continue
        centres = boxes[group].mean(axis=1)
        axis = int(np.ptp(centres, axis=0).argmax())
        group = group[np.lexsort((group, centres[:, axis]))]
        half = int(np.searchsorted(np.cumsum(vertices[group]), total / 2)) + 1
        half = min(max(half, least), len(group) - least)
        todo += [group[:half], group[half:]]
    return sorted(found)
