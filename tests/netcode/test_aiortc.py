"""What a hostile visitor, or a stranger who knows a port, can do to a node over aiortc: end their own session at most.

Our own endpoint is held to the same in `webrtc/`, layer by layer, and by `webrtc/test_endpoint.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import socket
import struct
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiortc.rtcsctptransport import DataChunk, RTCSctpTransport

from roomscale.netcode.node import seam
from roomscale.netcode.testing.visitor import Visitor
from tests.netcode.conftest import House

Houses = Callable[..., Awaitable[House]]


@pytest.fixture
def transport() -> str:
    """The one that this file is about."""
    return "aiortc"


def sctp(visitor: Visitor) -> Any:
    """aiortc's SCTP of a visitor, to misuse."""
    transport = visitor._pc.sctp if visitor._pc else None
    assert isinstance(transport, RTCSctpTransport)
    return transport


async def send_chunk(visitor: Visitor, stream: int, flags: int, data: bytes, protocol: int = 53) -> None:
    """One DATA chunk with the next TSN, past all of aiortc's own bookkeeping."""
    transport = sctp(visitor)
    chunk = DataChunk(flags=flags)
    chunk.tsn = transport._local_tsn
    transport._local_tsn = (transport._local_tsn + 1) % 2**32
    chunk.stream_id, chunk.stream_seq, chunk.protocol, chunk.user_data = stream, 0, protocol, data
    with contextlib.suppress(ConnectionError):  # the node has had enough
        await transport._send_chunk(chunk)


async def still_fine(house: House, *visitors: Visitor) -> None:
    """These visitors still hear each other move."""
    for visitor in visitors:
        where = (random.randint(-99, 99), 0.0, random.randint(-99, 99))
        visitor.move(*where)
        for other in visitors:
            if other is not visitor:
                await other.until(lambda o=other, v=visitor, w=where: o.place(v.peer or 0) == w, 3)  # type: ignore[misc]


async def ends_alone(house: House, others: list[Visitor]) -> None:
    """The hostile session `e` ended, the others did not, and the node's log shows no stack trace."""
    async with asyncio.timeout(5):
        while not any(isinstance(p, seam.Closed) and p.session == "e" for p in house.pushes):
            await asyncio.sleep(0.01)
    await still_fine(house, *others)
    assert [s.session for s in await house.gate.sessions()] == ["a", "b"]
    code, logged = await house.end()
    assert code == 0
    assert "Traceback" not in logged


@pytest.fixture
async def scene(house: House) -> tuple[House, list[Visitor], Visitor]:
    a, b, e = await asyncio.gather(*(house.enter(s) for s in "abe"))
    return house, [a, b], e


Scene = tuple[House, list[Visitor], Visitor]


async def test_fragments_that_never_become_a_message_end_the_session(scene: Scene) -> None:
    house, others, eve = scene
    for _ in range(1500):  # 1.6 MB, where aiortc promised to take one
        await send_chunk(eve, 0, 0b110, b"x" * 1100)
        if eve.closed.is_set():
            break
        await asyncio.sleep(0.001)
    await ends_alone(house, others)


async def test_packets_with_a_gap_before_each_end_the_session(scene: Scene) -> None:
    house, others, eve = scene
    for _ in range(1500):
        sctp(eve)._local_tsn += 1
        await send_chunk(eve, 1, 0b111, b"x")
        if eve.closed.is_set():
            break
        await asyncio.sleep(0.001)
    await ends_alone(house, others)


async def test_streams_without_end_end_the_session(scene: Scene) -> None:
    house, others, eve = scene
    for stream in range(2, 400):
        await send_chunk(eve, stream, 0b110, b"x")
    await ends_alone(house, others)


async def test_a_channel_of_ones_own_ends_the_session(scene: Scene) -> None:
    house, others, eve = scene
    assert eve._pc is not None
    eve._pc.createDataChannel("mine")
    await ends_alone(house, others)


@pytest.mark.parametrize(
    "data",
    [
        b"\x03" + bytes(11),  # opens a channel that exists
        b"\x02",  # acknowledges one that does not
        b"\x03\0\0\0\0\0\0\0\0\xff\0\xff" + b"\xff" * 20,  # names it what is not UTF-8
    ],
    ids=["open", "acknowledge", "name"],
)
async def test_channel_messages_that_break_aiortcs_assumptions_end_the_session(scene: Scene, data: bytes) -> None:
    house, others, eve = scene
    await send_chunk(eve, 0 if data[0] == 3 and len(data) == 12 else 1000, 0b111, data, protocol=50)
    await send_chunk(eve, 1001, 0b111, data, protocol=50)
    await send_chunk(eve, 1002, 0b111, data, protocol=50)
    await ends_alone(house, others)


async def test_a_text_that_is_not_utf_8_ends_the_session_or_is_counted(scene: Scene) -> None:
    house, others, eve = scene
    for _ in range(6):
        await send_chunk(eve, 0, 0b111, b"\xff\xfe", protocol=51)
    await ends_alone(house, others)


def strangers_packets() -> list[bytes]:
    """What somebody may send who knows an address and a port, and nothing else."""
    dice = random.Random(5)
    stun = struct.pack(">HHI", 1, 0, 0x2112A442)
    return [
        b"",
        b"\0",
        stun + bytes(12),
        stun + bytes(3),
        struct.pack(">HHI", 1, 8, 0x2112A442) + bytes(12) + b"\0\x06\0\x04abcd",
        struct.pack(">HHI", 0x0101, 0, 0x2112A442) + bytes(12),
        b"\x16\xfe\xfd" + bytes(60),
        b"\x15\xfe\xfd" + struct.pack(">HIHH", 0, 0, 9, 2) + b"\x01\x00",  # a close_notify without a key
        b"\x15\xfe\xfd" + struct.pack(">HIHH", 0, 0, 10, 2) + b"\x02\x28",  # a fatal alert without a key
        b"\x17\xfe\xfd" + struct.pack(">HIHH", 1, 0, 1, 40) + bytes(40),
        b"\x80" * 40,
        b"\x80\xc8" + bytes(30),
        *(dice.randbytes(dice.randint(1, 1400)) for _ in range(400)),
    ]


async def test_a_stranger_who_knows_the_port_of_a_session_changes_nothing(house: House) -> None:
    ada, bo = house.visitor(), await house.enter("b")
    reply = await house.call("a", ada)
    assert isinstance(reply, seam.Answer)
    found = re.search(r"udp \d+ ([\d.]+) (\d+) typ host", reply.sdp)
    assert found
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        for _ in range(20):  # while it connects, too
            for packet in strangers_packets()[:12]:
                stranger.sendto(packet, (found[1], int(found[2])))
            await asyncio.sleep(0.005)
        await ada.inside()
        for packet in strangers_packets():
            stranger.sendto(packet, (found[1], int(found[2])))
            await asyncio.sleep(0)
    await asyncio.sleep(0.2)
    await still_fine(house, ada, bo)
    assert not any(isinstance(push, seam.Closed) for push in house.pushes)
    _, logged = await house.end()
    assert "Traceback" not in logged


def open_files(pid: int) -> int:
    files = Path(f"/proc/{pid}/fd")
    if not files.exists():
        pytest.skip("no /proc to count open sockets in")
    return len(list(files.iterdir()))


async def test_offers_that_never_connect_leave_nothing_behind_and_nobody_else_waits(houses: Houses) -> None:
    house = await houses(hello_timeout=1.0)
    ada, bo = await asyncio.gather(house.enter("a"), house.enter("b"))
    assert house.process is not None
    pid = house.process.pid
    before = open_files(pid)
    sdp = await house.visitor().offer()
    replies = await asyncio.gather(*(house.gate.offer(house.offer(f"x{i}", f"{sdp}a=n:{i}\r\n")) for i in range(60)))
    assert all(isinstance(reply, seam.Answer) for reply in replies)
    assert open_files(pid) >= before + 60
    await still_fine(house, ada, bo)
    began = time.monotonic()
    while open_files(pid) > before:
        assert time.monotonic() - began < 5
        await asyncio.sleep(0.05)
    counts = (await house.gate.metrics())["transport"] | {"answered": 0}
    assert {name: n for name, n in counts.items() if not name.startswith("websocket_")} == {
        "open": 2,
        "connecting": 0,
        "answered": 0,
        "snapshots_skipped": 0,
        "too_slow": 0,
        "bloated": 0,
    }
    late = (await house.gate.metrics())["ticks"]
    assert late["late_ms_max"] < 1000
