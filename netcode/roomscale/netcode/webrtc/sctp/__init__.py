"""SCTP for WebRTC data channels, sans-IO: RFC 9260, 3758 (partial reliability), 6525 (stream reset), 8831.

| module | owns |
|---|---|
| `association` | the whole: packets in, packets out, events, timers; begin reading here |
| `lifecycle`, `handshake` | its state machine, the four-way handshake and the cookie |
| `inbound`, `streams` | TSNs that arrived, SACKs; reassembly and order |
| `outbound`, `flight` | what is sent when; what is under way, lost, given up |
| `congestion` | the window, round trips, the timeout |
| `reset` | closing streams |
| `chunks` | the codec |
| `config`, `events`, `serial` | choices and bounds, what is told, numbers that wrap |
"""

from roomscale.netcode.webrtc.sctp.association import Association
from roomscale.netcode.webrtc.sctp.config import SctpConfig
from roomscale.netcode.webrtc.sctp.events import (
    Closed,
    Established,
    Event,
    Message,
    PathProved,
    State,
    Stats,
    StreamClosed,
    StreamReset,
)

__all__ = [
    "Association",
    "Closed",
    "Established",
    "Event",
    "Message",
    "PathProved",
    "SctpConfig",
    "State",
    "Stats",
    "StreamClosed",
    "StreamReset",
]
