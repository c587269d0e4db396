"""A machine with two ways to the world outside, which may be taken away and given back: a Linux network namespace.

Rule: it needs root, and skips its tests with the reason where it cannot be made; it takes away what it made.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import pytest

OUTSIDE: Final = "10.201.0.1"
"""The world's address: on this machine, and reached from the phone by either way."""
_NAME: Final = "rs-phone"
_WAYS: Final = ("wifi", "cell")
"""The first is taken while both are there."""


class Phone:
    """Two virtual cables from a namespace to this machine."""

    def run(self, program: str, script: Path) -> Path:
        """A program that is `program` on the phone, written to `script`."""
        script.write_text(f'#!/bin/sh\nexec ip netns exec {_NAME} "{program}" "$@"\n')
        script.chmod(0o755)
        return script

    def give(self, way: str) -> None:
        """The phone has this way: an address, and a route by it."""
        number = _WAYS.index(way)
        cable = f"rs-{way}-in"
        _ip("-n", _NAME, "link", "set", cable, "up")
        _ip("-n", _NAME, "address", "replace", f"10.201.{number + 1}.2/24", "dev", cable)
        gateway = f"10.201.{number + 1}.1"
        _ip("-n", _NAME, "route", "replace", "default", "via", gateway, "dev", cable, "metric", str(100 + number))

    def in_use(self, seconds: float = 1.0) -> str:
        """The way by which more came out of the phone in this time."""
        before = [_came_out(way) for way in _WAYS]
        time.sleep(seconds)
        return max(zip([_came_out(way) - b for way, b in zip(_WAYS, before, strict=True)], _WAYS, strict=True))[1]

    def take(self, way: str) -> None:
        """This way is gone, with its address and its route."""
        number = _WAYS.index(way)
        _ip("-n", _NAME, "address", "del", f"10.201.{number + 1}.2/24", "dev", f"rs-{way}-in")
        _ip("-n", _NAME, "link", "set", f"rs-{way}-in", "down")


@contextmanager
def phone() -> Iterator[Phone]:
    """A phone that has both ways; it is gone with the block."""
    if shutil.which("ip") is None or os.geteuid() != 0:
        pytest.skip("network namespaces need root and iproute2")
    with ExitStack() as made:
        try:
            _ip("netns", "add", _NAME)
            made.callback(_ip, "netns", "delete", _NAME)
            for number, way in enumerate(_WAYS):
                cable = f"rs-{way}"
                _ip("link", "add", cable, "type", "veth", "peer", "name", f"{cable}-in", "netns", _NAME)
                made.callback(_ip, "link", "delete", cable)
                _ip("address", "add", f"10.201.{number + 1}.1/24", "dev", cable)
                _ip("link", "set", cable, "up")
            _ip("address", "add", f"{OUTSIDE}/32", "dev", "lo")
            made.callback(_ip, "address", "del", f"{OUTSIDE}/32", "dev", "lo")
            _ip("-n", _NAME, "link", "set", "lo", "up")
        except subprocess.CalledProcessError as error:
            pytest.skip(f"no network namespace can be made here: {error.stderr.strip()}")
        own = Phone()
        for way in _WAYS:
            own.give(way)
        yield own


def _came_out(way: str) -> int:
    """Packets that came to our end of a cable."""
    return int(Path(f"/sys/class/net/rs-{way}/statistics/rx_packets").read_text())


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)
