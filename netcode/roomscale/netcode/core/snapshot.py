"""The SNAPSHOT frames of one world and tick.

Rule: every record is encoded once (it lies in the `PoseTable` as the wire wants it) and gathered for each viewer;
work per viewer is one slice and one header.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from roomscale.netcode.core.interest import nearest
from roomscale.netcode.core.messages import MAX_RECORDS
from roomscale.netcode.core.poses import PoseTable, places
from roomscale.netcode.core.protocol import RECORD, SNAPSHOT_HEADER, SNAPSHOT_TYPE


def snapshots(
    table: PoseTable, tick: int, server_ms: int, last_seqs: Sequence[int], limit: int = MAX_RECORDS
) -> list[bytes]:
    """One frame for each participant, in the order of `table.rows`, with the `limit` nearest others.

    `last_seqs`: in the same order, the seq of each one's newest POSE.
    """
    records = table.records()
    chosen = nearest(places(records), limit)
    count = chosen.shape[1] if len(records) else 0
    halves = records.view("<u8").reshape(-1, 2)  # two words to a record: numpy gathers those fastest
    gathered = memoryview(np.ascontiguousarray(halves.take(chosen, axis=0)).tobytes())
    size = count * RECORD
    pack = SNAPSHOT_HEADER.pack
    return [
        pack(SNAPSHOT_TYPE, tick, server_ms, seq, count) + gathered[i * size : (i + 1) * size]
        for i, seq in enumerate(last_seqs)
    ]
