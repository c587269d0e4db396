"""What is printed may go nowhere: a disk that is full, or a reader that has enough."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from roomscale.cli.errors import Exit

FULL = Path("/dev/full")


def inspect(scene: Path, out: int) -> tuple[int, str]:
    """Exit code and standard error of an `inspect` that prints to `out`."""
    command = [sys.executable, "-m", "roomscale.cli.app", "inspect", str(scene)]
    done = subprocess.run(command, stdout=out, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    return done.returncode, done.stderr


@pytest.mark.skipif(not FULL.is_char_device(), reason="only Linux has a device that is full")
def test_a_full_disk_behind_what_is_printed_is_one_line(plaza: Path) -> None:
    out = os.open(FULL, os.O_WRONLY)
    try:
        code, said = inspect(plaza, out)
    finally:
        os.close(out)
    assert code == Exit.ENVIRONMENT
    assert said == "roomscale: what is printed cannot be written: No space left on device\n"


@pytest.mark.skipif(sys.platform == "win32", reason="pipes end otherwise there")
def test_a_reader_that_has_enough_is_no_failure_to_speak_of(plaza: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        assert inspect(plaza, write) == (Exit.BROKEN_PIPE, "")
    finally:
        os.close(write)
