"""A crowd of our own visitors in one process: `python -m tests.benchmarks.netcode.visitors KIND SPEC`.

The benchmark then says, a line each, and is answered by a JSON object each:

    join FIRST COUNT   {"joined": how many, "presence": seconds that they have been inside, added up}
    begin              {"began": …}: counts start anew
    end                {"ended": true}: the counts are in the spec's `result`

Beforehand it says {"ready": true}. `rivals/load.mjs` is its twin for clients in Node; both write the same result.

Rule: what a visitor sends and when is decided by the real client's half of the protocol, `Conversation`; only where it
walks, and what is noted, is added here.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import json
import logging
import sys
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

from roomscale.netcode.core.conversation import Conversation
from roomscale.netcode.core.messages import Channel, Pose, Role
from roomscale.netcode.errors import NetcodeError
from roomscale.netcode.node import seam
from roomscale.netcode.node.seam_client import SeamClient
from tests.benchmarks.netcode import crowd

if sys.platform != "win32":
    import uvloop

KINDS: Final = {
    "aiortc": "roomscale.netcode.testing.visitor:Visitor",
    "lean": "roomscale.netcode.testing.lean_visitor:LeanVisitor",
}
"""Headless visitors: a class that makes one `Client` without arguments."""
_AT_ONCE: Final = 8
"""Joins under way: as many as a node answers at once."""
_JOINING: Final = 60.0
"""Seconds from an offer to WELCOME."""


class Client(Protocol):
    """What this process needs of a headless visitor. Its `talk` is replaced before it offers."""

    talk: Conversation
    closed: asyncio.Event

    async def offer(self) -> str:
        """A new connection's SDP offer."""

    async def accept(self, answer: str, /) -> None:
        """The answer to it."""

    async def inside(self, timeout: float = 10.0) -> None:  # noqa: ASYNC109 - as the visitors have it
        """Wait for WELCOME."""


@dataclass(slots=True)
class Spec:
    """What the benchmark tells a load process."""

    server: dict[str, Any]
    """As `servers.Started.address`."""
    trace: str
    """The file that `crowd.write` wrote."""
    epoch: int
    """Microseconds of the monotonic clock at which the trace's tick 0 is."""
    watchers: list[int]
    """The visitors who look at all that they are shown."""
    result: str
    """Where to write `Log`."""


@dataclass(slots=True)
class Log:
    """What the clients saw. Times in microseconds of the monotonic clock, which all processes share."""

    snapshots: int = 0
    bytes: int = 0
    """Of the snapshots' payload."""
    poses: int = 0
    """Sent."""
    gone: int = 0
    """Visitors whose connection ended."""
    sent: list[tuple[int, int, int]] = field(default_factory=list)
    """(visitor, flags, time) of the first pose with other flags than before."""
    seen: list[tuple[int, int, int, int]] = field(default_factory=list)
    """(watcher, visitor, flags, time) at which a watcher was shown that."""


def _microseconds() -> int:
    return time.monotonic_ns() // 1000


class Walker(Conversation):
    """A visitor's half of the protocol that walks along the trace, and notes what it sees."""

    def __init__(self, index: int, way: crowd.Crowd, spec: Spec, log: Log) -> None:
        super().__init__(client="roomscale-benchmark", looks=index in spec.watchers)
        self._index = index
        self._way = way
        self._epoch = spec.epoch
        self._log = log
        self._watches = index in spec.watchers
        self._flags = -1
        self._known: dict[int, int] = {}

    def due(self, now: float) -> list[tuple[Channel, bytes]]:
        """See `Conversation.due`; the pose is the trace's for this moment."""
        tick = (_microseconds() - self._epoch) * crowd.TICK_RATE // 1_000_000
        x, z, yaw, pitch, flags = self._way[crowd.row(len(self._way), tick)].item()
        self.pose = Pose(x, 0, z, yaw, pitch, flags=flags)
        frames = super().due(now)
        for channel, _ in frames:
            if channel is Channel.POSES:
                self._log.poses += 1
                if self.pose.flags != self._flags:
                    self._flags = self.pose.flags
                    self._log.sent.append((self._index, self._flags, _microseconds()))
        return frames

    def receive(self, channel: Channel, data: bytes, now: float) -> None:
        """See `Conversation.receive`."""
        if channel is not Channel.POSES:
            super().receive(channel, data, now)
            return
        self._log.snapshots += 1
        self._log.bytes += len(data)
        super().receive(channel, data, now)
        if self._watches:
            self._look()

    def _look(self) -> None:
        known = self._known
        for peer, seen in self.seen.items():
            flags = seen.pose.flags
            before = known.get(peer)
            if flags != before:
                known[peer] = flags
                if before is not None:
                    subject = int(self.roster[peer].user_id[2:].partition(":")[0])
                    self._log.seen.append((self._index, subject, flags, _microseconds()))


class Load:
    """The visitors of this process."""

    def __init__(self, kind: str, spec: Spec) -> None:
        module, name = KINDS[kind].split(":")
        self._make = getattr(importlib.import_module(module), name)
        self._spec = spec
        self._records = crowd.read(Path(spec.trace))
        self._log = Log()
        self._visitors: list[Client] = []

    async def join(self, first: int, count: int) -> dict[str, Any]:
        """Let so many in, one after the other's answer; returns what `join` is answered."""
        slots = asyncio.Semaphore(_AT_ONCE)
        entered: list[int] = []
        async with SeamClient(Path(self._spec.server["seam"])) as gate:
            await gate.wait_up(10)

            async def enter(index: int) -> None:
                async with slots:
                    await self._enter(gate, index)
                    entered.append(_microseconds())

            async with asyncio.TaskGroup() as group:
                for index in range(first, first + count):
                    group.create_task(enter(index))
        now = _microseconds()
        gc.collect()
        gc.freeze()  # the visitors stay: let no collection walk over them while latency is measured
        return {"joined": len(entered), "presence": sum(now - at for at in entered) / 1e6}

    async def _enter(self, gate: SeamClient, index: int) -> None:
        visitor: Client = self._make()
        way = self._records[:, index].copy()  # in one piece: it is read at every beat
        visitor.talk = Walker(index, way, self._spec, self._log)
        offer = await visitor.offer()
        session, user = f"v{index}", f"@v{index}:bench"
        reply = await gate.offer(seam.Offer(session, "!bench:x", user, session, Role.VISITOR, False, offer))
        if not isinstance(reply, seam.Answer):
            raise NetcodeError(f"visitor {index} is refused: {reply.code}, {reply.reason}")
        await visitor.accept(reply.sdp)
        await visitor.inside(_JOINING)
        self._visitors.append(visitor)

    def begin(self) -> dict[str, Any]:
        """Count from here on."""
        log = self._log
        log.snapshots = log.bytes = log.poses = log.gone = 0
        log.sent.clear()
        log.seen.clear()
        return {"began": _microseconds()}

    def end(self) -> dict[str, Any]:
        """Write down what was counted."""
        self._log.gone = sum(visitor.closed.is_set() for visitor in self._visitors)
        Path(self._spec.result).write_text(json.dumps(asdict(self._log)), "utf-8")
        return {"ended": True}


async def serve(load: Load) -> None:
    """Do what standard input says until it ends, which ends this process and all its visitors."""
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[str] = asyncio.Queue()

    def read() -> None:
        for line in sys.stdin:
            loop.call_soon_threadsafe(lines.put_nowait, line)
        loop.call_soon_threadsafe(lines.put_nowait, "")

    threading.Thread(target=read, name="input", daemon=True).start()
    print(json.dumps({"ready": True}), flush=True)
    while words := (await lines.get()).split():
        match words:
            case ["join", first, count]:
                answer = await load.join(int(first), int(count))
            case ["begin"]:
                answer = load.begin()
            case ["end"]:
                answer = load.end()
            case _:
                raise ValueError(f"{words} is nothing to do")
        print(json.dumps(answer), flush=True)


def main(arguments: list[str]) -> None:
    """Run until standard input ends."""
    kind, spec = arguments
    logging.getLogger("aiortc").setLevel(logging.ERROR)
    logging.getLogger("aioice").setLevel(logging.ERROR)
    run = asyncio.run if sys.platform == "win32" else uvloop.run
    run(serve(Load(kind, Spec(**json.loads(Path(spec).read_text("utf-8"))))))


if __name__ == "__main__":
    main(sys.argv[1:])
