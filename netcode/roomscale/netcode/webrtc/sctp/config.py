"""What an endpoint may choose about its associations, and the bounds that nobody chooses.

Rule: a frozen dataclass with a docstring and a unit for each field; nothing here reads the environment.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MAX_PACKET: Final = 2048
"""Bytes of an SCTP packet that is looked at: peers fill 1,200 to 1,500; anything longer is dropped."""
MAX_CHUNKS: Final = 128
"""Chunks of a packet that are looked at: 1,200 bytes hold 58 of the smallest DATA."""
MAX_AHEAD: Final = 512
"""TSNs beyond the cumulative one that are kept; what comes farther ahead is dropped, and the peer sends it again.
At full packets this is four times the default receive buffer, at 20 poses a second 25 s."""
MAX_FLIGHT: Final = 1024
"""Chunks in flight at once, so that a SACK costs bounded work however small the chunks are."""
MAX_GAPS: Final = 64
"""Gap blocks that a SACK of ours reports, the lowest first: 256 bytes."""
MAX_DUPLICATES: Final = 16
"""Duplicate TSNs that a SACK of ours reports."""
GAP_DELAY: Final = 0.05
"""Seconds that the report of a gap waits for data to ride on: one tick at 20 Hz."""
MAX_REPLIES: Final = 16
"""Control chunks that wait to be sent; more are dropped, as if the network had lost them."""
MAX_STREAMS: Final = 256
"""Streams at most: FORWARD TSN may have to name them all in one packet."""
INFINITY: Final = float("inf")
"""The deadline of a timer that does not run."""


@dataclass(frozen=True, slots=True)
class SctpConfig:
    """What an endpoint may choose. The defaults suit poses and events of a visitor over DTLS in 1,200 bytes of UDP."""

    mtu: int = 1160
    """Bytes of an SCTP packet of ours at most: 1,200 of UDP payload less 37 of DTLS, and a multiple of four."""
    local_port: int = 5000
    """The SCTP port that our SDP names (a=sctp-port)."""
    remote_port: int = 5000
    """The SCTP port that the peer's SDP names."""
    streams: int = MAX_STREAMS
    """Streams each way that we agree to. RFC 8831 §6.2 would have 65,535; ours use two, and each costs memory."""
    max_message_size: int = 65_536
    """Bytes of a message from the peer (a=max-message-size)."""
    receive_buffer: int = 131_072
    """Bytes kept for messages that are not complete or not in order: the window that we advertise."""
    send_queue: int = 262_144
    """Bytes of reliable messages that are not acknowledged yet; a peer that reads slower than that is to be dropped."""
    rto_initial: float = 0.5
    """Seconds until the first retransmission of a handshake. The RFC's 1 s (§16) doubles a join that lost a packet."""
    rto_min: float = 0.25
    """Seconds. The RFC's 1 s is for strangers' links; a lost event of a game must not wait that long. It stays above
    the 200 ms for which a peer may hold an acknowledgement back."""
    rto_max: float = 3.0
    """Seconds, as measured on the path."""
    backoff_max: float = 1.0
    """Seconds to which repeated timeouts double the measured one at most. The RFC's 60 s is about a network that must
    recover from us; one packet a second burdens none, and a visitor back from a tunnel must not wait longer."""
    max_retransmissions: int = 20
    """Timeouts in a row after which the peer is gone: about 20 s."""
    max_init_retransmissions: int = 20
    """Times that a handshake's packet is sent again: about 20 s."""
    sack_delay: float = 0.06
    """Seconds for which a SACK waits for data to ride on: a tick at 20 Hz, and less than `queue_target`, or the wait
    would look like a queue to a peer that measures as we do. At most 0.2 (RFC 9260 §6.2), which suits a server whose
    peers send small poses: no window holds those back."""
    sack_age: float = 0.0
    """Seconds that what a SACK acknowledges has waited before it rides on data. More than the time from a peer's pose
    to the next tick makes one SACK of 16 bytes do for two poses (RFC 9260 §6.2: at least every second packet)."""
    max_window: int = 262_144
    """Bytes in flight at most."""
    queue_target: float = 0.08
    """Seconds of standing queue on the path, measured as round trips above the shortest one, at which we slow down."""
    heartbeat_interval: float = 15.0
    """Seconds of silence after which we ask whether the peer is there."""

    def __post_init__(self) -> None:
        if self.mtu % 4 or not 576 <= self.mtu <= MAX_PACKET:
            raise ValueError(f"an mtu of {self.mtu} bytes; a multiple of four from 576 to {MAX_PACKET}")
        if self.receive_buffer < max(1500, self.max_message_size):
            raise ValueError(f"a receive buffer of {self.receive_buffer} bytes for messages of {self.max_message_size}")
        if not 0 < self.sack_delay <= 0.2:
            raise ValueError(f"a SACK delay of {self.sack_delay} s; at most 0.2")
        if not 0 <= self.sack_age <= self.sack_delay - GAP_DELAY:
            raise ValueError(f"a SACK that waits {self.sack_age} s of {self.sack_delay}; {GAP_DELAY} must be left")
        if not 0 < self.streams <= MAX_STREAMS:
            raise ValueError(f"{self.streams} streams; at most {MAX_STREAMS}")
