"""What an association tells its owner, in the order in which it happened.

Rule: plain values. A message is a named tuple, because one is made for every pose.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import NamedTuple, TypeAlias


class State(Enum):
    """RFC 9260 §4, without the states that last no longer than a call."""

    CLOSED = auto()
    """Before the handshake (a passive side keeps nothing then), and after the end."""
    COOKIE_WAIT = auto()
    COOKIE_ECHOED = auto()
    ESTABLISHED = auto()
    SHUTDOWN_PENDING = auto()
    """We close, and wait until the peer has what we sent."""
    SHUTDOWN_SENT = auto()
    SHUTDOWN_RECEIVED = auto()
    """The peer closes; it still gets what we sent."""
    SHUTDOWN_ACK_SENT = auto()


@dataclass(frozen=True, slots=True)
class Established:
    """The association is up: data may flow both ways."""


class Message(NamedTuple):
    """One whole message of the peer's."""

    stream: int
    ppid: int
    """Payload protocol identifier (RFC 8831 §8)."""
    data: bytes


@dataclass(frozen=True, slots=True)
class StreamClosed:
    """The peer reset its half of a stream: the data channel is closed (RFC 8831 §6.7). Ours is reset in answer."""

    stream: int


@dataclass(frozen=True, slots=True)
class StreamReset:
    """Our half of a stream is reset, the peer agreed or refused: the number may be used again."""

    stream: int


@dataclass(frozen=True, slots=True)
class PathProved:
    """The peer returned the nonce of a `probe`: whoever got that packet holds the session's keys."""

    nonce: bytes
    rtt: float
    """Seconds."""


@dataclass(frozen=True, slots=True)
class Closed:
    """The association is over; nothing follows."""

    reason: str


Event: TypeAlias = Established | Message | StreamClosed | StreamReset | PathProved | Closed


class Stats(NamedTuple):
    """How the path does: what a ladder of rates is chosen by."""

    srtt: float
    """Smoothed round trip, seconds; 0 before the first."""
    base_rtt: float
    """The shortest round trip of the last minute or two, seconds; 0 before the first."""
    queueing: float
    """Seconds by which the least of the latest round trips exceeds the shortest."""
    rto: float
    """Retransmission timeout, seconds."""
    loss: float
    """Share of chunks lost on the way to the peer, 0 to 1, over about the last 64."""
    cwnd: int
    """Congestion window, bytes."""
    flight: int
    """Bytes sent and neither acknowledged nor given up."""
    queued: int
    """Bytes of reliable messages that the peer has not acknowledged."""
    skipped: int
    """Unreliable messages that found no room."""
    dropped: int
    """Packets of the peer's that were malformed or not ours."""
