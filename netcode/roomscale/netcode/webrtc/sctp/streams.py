"""The peer's messages: put together from fragments, and brought into the order of their stream (RFC 9260 §6.5–6.9).

Rule: `buffered` counts all that is kept, bookkeeping included, and whoever adds to it asks first.

A message's fragments have consecutive TSNs, so in the order of TSNs at most one message is open at a time. Fragments
come here in that order alone (`inbound` parks them until then); whole messages come as they arrive.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from roomscale.netcode.errors import BadSctp
from roomscale.netcode.webrtc.sctp.chunks import FIRST, LAST, UNORDERED, WHOLE
from roomscale.netcode.webrtc.sctp.events import Event, Message
from roomscale.netcode.webrtc.sctp.serial import U16, U32, after, after16

OVERHEAD: Final = 128
"""Bytes counted for keeping one chunk beside its payload, about what Python takes: small chunks fill a buffer, too."""


class Fragment(NamedTuple):
    """A DATA chunk: a fragment of a message, or all of it."""

    tsn: int
    flags: int
    stream: int
    ssn: int
    ppid: int
    payload: bytes


class Streams:
    """The inbound half of all streams. Messages that are ready go to `delivered`."""

    __slots__ = ("_delivered", "_next", "_open", "_open_data", "_waiting", "buffered", "max_message")

    def __init__(self, delivered: list[Event], max_message: int) -> None:
        self._delivered = delivered
        self._next: dict[int, int] = {}
        """The stream sequence number that each ordered stream waits for; absent: 0."""
        self._waiting: dict[int, dict[int, tuple[int, bytes]]] = {}
        self._open: Fragment | None = None
        """The newest fragment of the message that is being put together; `_open_data` holds its payload so far."""
        self._open_data = bytearray()
        self.buffered = 0
        self.max_message = max_message

    def take(self, chunk: Fragment) -> None:
        """A whole message as soon as it arrives, or the next fragment in the order of TSNs. Raises BadSctp."""
        if chunk.flags & WHOLE == WHOLE:
            self._whole(chunk.flags, chunk.stream, chunk.ssn, chunk.ppid, chunk.payload)
        else:
            self._fragment(chunk)

    def _whole(self, flags: int, stream: int, ssn: int, ppid: int, payload: bytes) -> None:
        """A message that is all here: delivered at once, or kept until its turn."""
        if flags & UNORDERED:
            self._delivered.append(Message(stream, ppid, payload))
            return
        expected = self._next.get(stream, 0)
        if ssn == expected:
            self._delivered.append(Message(stream, ppid, payload))
            self._next[stream] = (ssn + 1) & U16
            if stream in self._waiting:
                self._release(stream)
        elif after16(ssn, expected):
            waiting = self._waiting.setdefault(stream, {})
            if ssn not in waiting:
                waiting[ssn] = (ppid, payload)
                self.buffered += OVERHEAD + len(payload)
        # else: its turn has passed, which a new TSN cannot honestly mean

    def waits(self, flags: int, stream: int, ssn: int) -> bool:
        """Whether a whole message would be kept rather than delivered."""
        return not flags & UNORDERED and ssn != self._next.get(stream, 0)

    def _fragment(self, fragment: Fragment) -> None:
        """The next fragment in the order of TSNs. Raises BadSctp for a message that is too large."""
        last, payload = self._open, fragment.payload
        if fragment.flags & FIRST:
            self._close()
        elif (
            last is None
            or fragment.tsn != (last.tsn + 1) & U32
            or fragment.stream != last.stream
            or (fragment.flags ^ last.flags) & UNORDERED
            or (fragment.ssn != last.ssn and not fragment.flags & UNORDERED)
        ):
            self._close()  # the beginning was given up
            return
        if len(self._open_data) + len(payload) > self.max_message:
            raise BadSctp(f"a message of more than {self.max_message} bytes")
        self._open_data += payload
        self.buffered += len(payload)
        self._open = fragment._replace(payload=b"")
        if fragment.flags & LAST:
            data = bytes(self._open_data)
            self._close()
            self._whole(fragment.flags, fragment.stream, fragment.ssn, fragment.ppid, data)

    def forwarded(self, cumulative: int) -> None:
        """No TSN up to this one will come any more: a message that needs one is dropped."""
        if self._open and after(cumulative, self._open.tsn):
            self._close()

    def skip(self, stream: int, ssn: int) -> None:
        """The peer gave up this message and those before it: what waited for them is delivered (RFC 3758 §3.6)."""
        expected = self._next.get(stream, 0)
        if ssn != expected and not after16(ssn, expected):
            return
        waiting = self._waiting.get(stream, {})
        for early in sorted((w for w in waiting if not after16(w, ssn)), key=lambda w: (w - expected) & U16):
            self._deliver(stream, *waiting.pop(early))
        self._next[stream] = (ssn + 1) & U16
        self._release(stream)

    def reset(self, stream: int) -> None:
        """The stream begins anew at stream sequence number 0 (RFC 6525 §5.2.2)."""
        self._next.pop(stream, None)
        for _, payload in self._waiting.pop(stream, {}).values():
            self.buffered -= OVERHEAD + len(payload)

    def _release(self, stream: int) -> None:
        waiting = self._waiting.get(stream, {})
        ssn = self._next[stream]
        while ssn in waiting:
            self._deliver(stream, *waiting.pop(ssn))
            ssn = self._next[stream] = (ssn + 1) & U16
        if not waiting:
            self._waiting.pop(stream, None)

    def _deliver(self, stream: int, ppid: int, payload: bytes) -> None:
        self.buffered -= OVERHEAD + len(payload)
        self._delivered.append(Message(stream, ppid, payload))

    def _close(self) -> None:
        if self._open:
            self.buffered -= len(self._open_data)
            self._open = None
            self._open_data = bytearray()
