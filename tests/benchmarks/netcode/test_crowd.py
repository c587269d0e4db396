"""The crowd is the same everywhere, and does what its traces promise."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests.benchmarks.netcode import crowd

RIVALS = Path(__file__).parent / "rivals"


def steps(records: crowd.Crowd) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Millimetres that each went between two ticks."""
    return np.hypot(np.diff(records["x"], axis=0), np.diff(records["z"], axis=0))


@pytest.mark.parametrize(
    ("moving", "digest"),
    [
        (1.0, "38a67e02f1e38b39b2e272e308fa160809c30fc150ef1fdf250c3c9908a43415"),
        (0.3, "d9af40f25c7957db9909c1f01bfc5421cc80bbf35c31e802780476f5a1c06db5"),
    ],
)
def test_a_seed_gives_the_same_bytes_on_every_machine(moving: float, digest: str) -> None:
    records = crowd.crowd(50, 200, moving=moving)
    assert hashlib.sha256(records.tobytes()).hexdigest() == digest
    assert records.tobytes() != crowd.crowd(50, 200, moving=moving, seed=2).tobytes()


def test_in_the_first_trace_everybody_walks_all_the_time_and_nobody_jumps() -> None:
    gone = steps(crowd.crowd(200, 400))
    assert gone.min() > 0
    assert gone.max() <= crowd.RUNNING / crowd.TICK_RATE * 1000 + 2


def test_in_the_second_trace_three_in_ten_walk_at_any_time() -> None:
    shares = (steps(crowd.crowd(1000, 400, moving=0.3)) > 0).mean(axis=1)
    assert 0.25 < shares.min() <= shares.max() < 0.36


def test_everybody_begins_or_ends_to_speak_every_two_seconds() -> None:
    flags = crowd.crowd(20, 401)["flags"].astype(int)
    assert (np.abs(np.diff(flags, axis=0)).sum(axis=0) == 10).all()


def test_a_file_gives_back_the_crowd_to_python_and_to_node(tmp_path: Path) -> None:
    records = crowd.crowd(7, 30)
    crowd.write(tmp_path / "trace", records)
    assert (crowd.read(tmp_path / "trace") == records).all()
    (tmp_path / "other").write_bytes(b"something else")
    with pytest.raises(ValueError, match="no trace"):
        crowd.read(tmp_path / "other")
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node on PATH")
    script = f"""
        import {{ Crowd }} from {json.dumps(str(RIVALS / "crowd.mjs"))};
        const crowd = new Crowd({json.dumps(str(tmp_path / "trace"))});
        console.log(JSON.stringify([0, 29, 30, 58, 61].map((tick) => crowd.at(5, tick))));
    """
    printed = subprocess.run([node, "--input-type=module", "-e", script], capture_output=True, check=True, timeout=30)
    for tick, pose in zip((0, 29, 30, 58, 61), json.loads(printed.stdout), strict=True):
        assert tuple(pose.values()) == records[crowd.row(30, tick)][5].item()
    assert [crowd.row(30, tick) for tick in (0, 29, 30, 58, 61)] == [0, 29, 28, 0, 3]
