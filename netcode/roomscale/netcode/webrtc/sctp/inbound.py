"""What arrived: which TSNs, what of them is still missing, and the SACK that says so (RFC 9260 §6.2, §6.7; RFC 3758).

Rule: a TSN is marked as received only once its payload is delivered, or kept, or can become no message any more; what a
SACK reported is never dropped for want of room.

When a SACK is due. The RFC's "at least every second packet, within 200 ms" makes a packet of acknowledgement for every
two of data, where a world has data going both ways every 50 ms anyway. So a SACK waits for data to ride on, at least
`sack_age` and at most `sack_delay`; TCP's form of the rule stays, which is about bytes: two full packets' worth are
acknowledged at once, so that bulk gets its clock. A gap waits at most one tick: the peer needs three reports to act on
one, and each tick's packet carries one. Duplicates mean that our SACK was lost: answered at once, as is a DATA that
asks for it (RFC 7053).
"""

from __future__ import annotations

from typing import Final

from roomscale.netcode.errors import BadSctp
from roomscale.netcode.webrtc.sctp.chunks import IMMEDIATE, SACK, SACK_HEADER, UNORDERED, WHOLE, pack_sack
from roomscale.netcode.webrtc.sctp.config import GAP_DELAY, INFINITY, MAX_AHEAD, MAX_DUPLICATES, MAX_GAPS, SctpConfig
from roomscale.netcode.webrtc.sctp.events import Event, Message
from roomscale.netcode.webrtc.sctp.serial import HALF, U32
from roomscale.netcode.webrtc.sctp.streams import OVERHEAD, Fragment, Streams

_ORDINARY: Final = WHOLE | UNORDERED


class Inbound:
    """The receiving half of an association."""

    __slots__ = (
        "_ahead",
        "_at_once",
        "_buffer",
        "_delay",
        "_delivered",
        "_duplicates",
        "_streams",
        "_unreported",
        "cumulative",
        "patience",
        "sack_at",
    )

    def __init__(self, config: SctpConfig, tsn: int, delivered: list[Event]) -> None:
        """`tsn`: the peer's first one. Messages go to `delivered`."""
        self._delivered = delivered
        self._streams = Streams(delivered, config.max_message_size)
        self._buffer = config.receive_buffer
        self._delay = config.sack_delay
        self._at_once = 2 * config.mtu
        self._ahead: dict[int, Fragment | None] = {}
        """What arrived beyond a gap: None for what is delivered already."""
        self._duplicates: list[int] = []
        self._unreported = 0
        """Bytes of payload since the last SACK."""
        self.cumulative = (tsn - 1) & U32
        """Everything up to this TSN arrived, or was given up."""
        self.patience = config.sack_delay - config.sack_age
        """Seconds before `sack_at` from which on a SACK rides on data: `GAP_DELAY` or more, so reports of gaps do."""
        self.sack_at = INFINITY
        """When a SACK must go, whether or not data does; infinity when none is owed."""

    def data(self, flags: int, tsn: int, stream: int, ssn: int, ppid: int, payload: bytes, now: float) -> None:
        """A DATA chunk with payload. Raises BadSctp for more than was advertised, or too large a message."""
        ahead = (tsn - self.cumulative) & U32
        if ahead == 1 and not self._ahead:
            due = now + self._delay
            if flags & _ORDINARY == _ORDINARY:
                self.cumulative = tsn
                self._delivered.append(Message(stream, ppid, payload))
            elif self._admits(ahead, flags, stream, ssn, payload):
                self.cumulative = tsn
                self._streams.take(Fragment(tsn, flags, stream, ssn, ppid, payload))
        elif 0 < ahead <= MAX_AHEAD and tsn not in self._ahead:
            due = now + GAP_DELAY
            if self._admits(ahead, flags, stream, ssn, payload):
                self._beyond(ahead, Fragment(tsn, flags, stream, ssn, ppid, payload))
        else:
            if (ahead == 0 or ahead >= HALF or tsn in self._ahead) and len(self._duplicates) < MAX_DUPLICATES:
                self._duplicates.append(tsn)
            due = now
        self._unreported += len(payload)
        if flags & IMMEDIATE or self._unreported >= self._at_once:
            due = now
        if due < self.sack_at:  # noqa: PLR1730 - min() is a call, and this is the path of each pose
            self.sack_at = due

    def discard(self, tsn: int, now: float) -> None:
        """A DATA chunk that is acknowledged and thrown away: its stream does not exist (RFC 9260 §6.5)."""
        ahead = self._distance(tsn)
        if 0 < ahead <= MAX_AHEAD:
            self._ahead.setdefault(tsn)
            self._absorb()
        self.owe(now)

    def forward(self, cumulative: int, skipped: list[tuple[int, int]], streams: int, now: float) -> None:
        """FORWARD TSN: nothing up to `cumulative` will be sent again (RFC 3758 §3.6). Raises BadSctp."""
        distance = (cumulative - self.cumulative) & U32
        if 0 < distance < HALF:
            kept = sorted((t for t in self._ahead if (t - self.cumulative) & U32 <= distance), key=self._distance)
            for tsn in kept:
                self._take(tsn)
            self.cumulative = cumulative
            self._streams.forwarded(cumulative)
            self._absorb()
            for stream, ssn in skipped:
                if stream < streams:
                    self._streams.skip(stream, ssn)
        self.sack_at = min(self.sack_at, now + GAP_DELAY)

    def reset(self, stream: int) -> None:
        """The peer begins this stream anew."""
        self._streams.reset(stream)

    def owe(self, now: float) -> None:
        """A SACK is due at once."""
        self.sack_at = min(self.sack_at, now)

    def sack(self) -> bytes:
        """The SACK chunk of now; nothing is owed any more."""
        self.sack_at = INFINITY
        self._unreported = 0
        if not self._ahead and not self._duplicates:
            window = self._buffer - self._streams.buffered
            return SACK_HEADER.pack(SACK, 0, 16, self.cumulative, window if window > 0 else 0, 0, 0)
        duplicates, self._duplicates = self._duplicates, []
        window = max(0, self._buffer - self._streams.buffered)
        return pack_sack(self.cumulative, window, self._gaps(), duplicates)

    def _admits(self, ahead: int, flags: int, stream: int, ssn: int, payload: bytes) -> bool:
        """Whether there is room for what may have to be kept.

        The chunk that closes the first gap is always let in: it may be what everything else waits for. With nothing
        missing before it, twice the buffer means a peer that ignores its window.
        """
        if flags & WHOLE == WHOLE and not self._streams.waits(flags, stream, ssn):
            return True
        size = self._streams.buffered + OVERHEAD + len(payload)
        if ahead != 1:
            return size <= self._buffer
        if size > 2 * self._buffer:
            raise BadSctp(f"{size} bytes wait for what will not come, at most {self._buffer} were offered")
        return True

    def _beyond(self, ahead: int, chunk: Fragment) -> None:
        """A chunk beyond a gap, or the one that closes it."""
        if chunk.flags & WHOLE == WHOLE:
            self._ahead[chunk.tsn] = None
            self._streams.take(chunk)
        else:
            self._ahead[chunk.tsn] = chunk
            self._streams.buffered += OVERHEAD + len(chunk.payload)
        if ahead == 1:
            self._absorb()

    def _absorb(self) -> None:
        """Move the cumulative TSN over all that follows it."""
        tsn = (self.cumulative + 1) & U32
        while tsn in self._ahead:
            self._take(tsn)
            self.cumulative = tsn
            tsn = (tsn + 1) & U32

    def _take(self, tsn: int) -> None:
        chunk = self._ahead.pop(tsn)
        if chunk:
            self._streams.buffered -= OVERHEAD + len(chunk.payload)
            self._streams.take(chunk)

    def _distance(self, tsn: int) -> int:
        return (tsn - self.cumulative) & U32

    def _gaps(self) -> list[tuple[int, int]]:
        """Gap blocks as offsets from the cumulative TSN, ascending."""
        blocks: list[tuple[int, int]] = []
        for offset in sorted(map(self._distance, self._ahead)):
            if blocks and offset == blocks[-1][1] + 1:
                blocks[-1] = (blocks[-1][0], offset)
            elif len(blocks) == MAX_GAPS:
                break
            else:
                blocks.append((offset, offset))
        return blocks
