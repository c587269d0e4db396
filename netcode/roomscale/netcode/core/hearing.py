"""What the frames of a session do.

Rule: whatever the bytes, nothing raises beyond `ProtocolError`, which the simulation counts; and a session can say
nothing but what its owner may: where they are, within `core.authority`, and how they look.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from roomscale.netcode.core.crowd import Crowd
from roomscale.netcode.core.messages import (
    NEWEST_VERSION,
    OLDEST_VERSION,
    Channel,
    Correct,
    GoodbyeCode,
    Hello,
    Jump,
    Ping,
    Pong,
    Pose,
)
from roomscale.netcode.core.protocol import decode_client, encode, newer, split_here, split_pose
from roomscale.netcode.core.reports import Counts
from roomscale.netcode.core.roster import Seat, Stage
from roomscale.netcode.core.timeline import Time
from roomscale.netcode.core.wire import pack_pose
from roomscale.netcode.core.world import Send
from roomscale.netcode.errors import ProtocolError

Close = Callable[[Seat, GoodbyeCode, str], None]
"""(seat, why, for people): end a session."""
_CORRECTION: Final = 0x10
"""One CORRECT in a seat's era."""


class Hearing:
    """Takes the frames of sessions."""

    def __init__(
        self, crowd: Crowd, time: Time, counts: Counts, send: Send, close: Close, greeted: Callable[[Seat], None]
    ) -> None:
        self._crowd = crowd
        self._time = time
        self._counts = counts
        self._send = send
        self._close = close
        self._greeted = greeted

    def event(self, seat: Seat, data: bytes, now: float) -> None:
        """A frame on `events`. Raises ProtocolError."""
        message = decode_client(Channel.EVENTS, data)
        if isinstance(message, Hello):
            if not seat.hello_due:
                raise ProtocolError("type", "HELLO said twice")
            self._hello(seat, message, now)
        elif seat.hello_due and seat.stage is not Stage.PRESENT:
            raise ProtocolError("type", "something before HELLO")
        elif isinstance(message, Jump):
            self._jump(seat, message, now)
        elif isinstance(message, Ping):
            pong = Pong(message.client_ms, self._time.tick_u32, self._time.ms(now))
            self._send(seat.session, Channel.EVENTS, encode(pong))
        seat.heard_at = now

    def pose(self, seat: Seat, data: bytes, now: float) -> None:
        """A frame on `poses`: HERE, or version 1's POSE. Raises ProtocolError."""
        if seat.version == 1:
            seq, body = split_pose(data)
            stamp, era = self._time.ms(now) & 0xFFFF, 0
        elif seat.version:
            seq, stamp, era, body = split_here(data)
        else:
            decode_client(Channel.POSES, data)
            return  # overtook its HELLO
        seat.heard_at = now
        if seat.seen_pose and not newer(seq, seat.last_seq):
            self._counts.stale_poses += 1
            return
        seat.last_seq, seat.seen_pose = seq, True
        if era != seat.era:
            return  # said before a JUMP that has come, or a CORRECT that has not
        if seat.stage is Stage.PRESENT:
            self._crowd.put(seat.row, body, seq, stamp, now)
        else:
            seat.body = body

    def correct(self, seat: Seat, pose: Pose) -> None:
        """Tell a session of version 2 that it is elsewhere. What it says before it obeys is not heard."""
        self._counts.corrected += 1
        if seat.version > 1:
            seat.era = (seat.era + _CORRECTION) & 0xFF
            self._send(seat.session, Channel.EVENTS, encode(Correct(seat.era >> 4, pose)))

    def _hello(self, seat: Seat, hello: Hello, now: float) -> None:
        if not (hello.oldest <= NEWEST_VERSION and hello.newest >= OLDEST_VERSION):
            reason = f"this server speaks version {OLDEST_VERSION} to {NEWEST_VERSION}"
            self._close(seat, GoodbyeCode.VERSION, reason)
            return
        seat.version = min(NEWEST_VERSION, hello.newest)
        seat.hello_due, seat.welcome_due = False, True
        seat.last_seq, seat.seen_pose, seat.era = 0, False, 0
        seat.client = hello.client
        seat.changed |= seat.avatar != hello.avatar
        seat.avatar = hello.avatar
        seat.body = pack_pose(hello.pose)
        if seat.stage is Stage.PRESENT:
            self._crowd.place(seat.row, seat.body, 0, self._time.ms(now) & 0xFFFF, now)
        else:
            seat.stage = Stage.GREETED
        self._greeted(seat)

    def _jump(self, seat: Seat, jump: Jump, now: float) -> None:
        if seat.version < 2 or seat.stage is not Stage.PRESENT:
            raise ProtocolError("type", "a JUMP of version 1, or before WELCOME")
        seat.era = seat.era & 0xF0 | jump.jumps
        if seat.jumping.take(now) and self._crowd.inside(jump.pose):
            self._counts.jumps += 1
            self._crowd.place(seat.row, pack_pose(jump.pose), seat.last_seq, self._time.ms(now) & 0xFFFF, now)
        else:
            self.correct(seat, self._crowd.pose(seat.row))
