"""The benchmark measures: a real node with a handful of visitors, and what it makes of what they saw."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.benchmarks.netcode import crowd, measure
from tests.benchmarks.netcode.bench import Plan, _latencies, measured
from tests.benchmarks.netcode.servers import SERVERS


async def test_a_real_node_with_six_visitors_gives_every_figure() -> None:
    figures = await measured(SERVERS["aiortc"], Plan(6, seconds=2.5, clients="aiortc", settle=0.3))
    assert figures.clients == "6 aiortc"
    assert figures.gone == 0
    assert figures.cpu_us > 0
    assert figures.join_ms > 0
    assert figures.memory_kb > 0
    assert figures.snapshots > 5
    assert 12 < figures.payload_out / figures.snapshots < 12 + 5 * 16  # a header, and some of the five others
    assert figures.latency_count > 0
    assert figures.latency_p50 is not None
    assert figures.latency_p99 is not None
    assert 0 < figures.latency_p50 <= figures.latency_p99
    if measure.may_capture():
        assert figures.bytes_out is not None
        assert figures.bytes_out > figures.payload_out


def test_latency_counts_who_stood_near_from_the_newest_change_before() -> None:
    records = np.zeros((10, 3), crowd.RECORD)
    records["x"][:, 2] = 6000  # six metres away
    logs: list[dict[str, Any]] = [
        {"sent": [(0, 1, 1000), (0, 0, 90_000)], "seen": []},
        {
            "sent": [(0, 1, 180_000)],
            "seen": [(1, 0, 1, 41_000), (2, 0, 1, 42_000), (1, 0, 0, 95_000), (1, 0, 1, 181_500)],
        },
    ]
    assert _latencies(logs, records, epoch=0) == [40.0, 5.0, 1.5]
    assert _latencies([{"sent": [(0, 1, 5000)], "seen": [(1, 0, 1, 4000)]}], records, epoch=0) == []
