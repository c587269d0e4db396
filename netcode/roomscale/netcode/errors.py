"""The errors of this room. One root, and what a peer did wrong is never the class of what we did wrong."""

from __future__ import annotations

from typing import Literal

Reason = Literal["empty", "size", "type", "short", "long", "text", "value"]
"""Why a frame is malformed. The names stand in PROTOCOL.md and in the vectors."""


class NetcodeError(Exception):
    """Root of everything that this room raises on purpose."""


class ProtocolError(NetcodeError):
    """A peer sent a frame that PROTOCOL.md does not allow. The only thing that decoding can raise."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason: Reason = reason
        self.detail = detail


class JoinRefused(NetcodeError):
    """A session cannot join now: its world or the node is full. ``code`` is one of the seam's refusal codes."""

    def __init__(self, code: Literal["full", "busy"], detail: str) -> None:
        super().__init__(detail)
        self.code: Literal["full", "busy"] = code


class BadOffer(NetcodeError):
    """A visitor's SDP offer cannot be answered: the visitor's mistake."""


class BadAnswer(NetcodeError):
    """A server's SDP answer cannot be used: the server's mistake."""


class BadStun(NetcodeError):
    """A datagram that came as STUN is no well-formed message, or lacks what was looked for: its sender's mistake."""


class TransportError(NetcodeError):
    """The transport cannot serve though the offer was good: ours or the host's mistake, such as no usable address."""


DtlsEnd = Literal["fingerprint", "handshake", "timeout", "flood", "alert"]
"""Why a DTLS session failed: another certificate than the SDP named; OpenSSL refused the handshake; it took too long,
or too many datagrams; the peer sent a fatal alert."""


class DtlsFailure(NetcodeError):
    """A DTLS session failed, by the peer's doing or the network's. It is the session's `failure`, and never raised."""

    def __init__(self, reason: DtlsEnd, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason: DtlsEnd = reason
        self.detail = detail


class DtlsMisuse(NetcodeError):
    """We asked a DTLS session for what it cannot do: to send before it is established, after it ended, or too much."""


class BadSctp(NetcodeError):
    """A peer sent SCTP that the RFCs or our bounds do not allow: the peer's mistake."""


class BadDcep(NetcodeError):
    """A peer's channel message is none of RFC 8832's, or too large: the peer's mistake."""


class SeamError(NetcodeError):
    """The other side of the seam sent what the seam does not allow."""


class NodeFailed(NetcodeError):
    """The node cannot go on, by a mistake of ours; whoever supervises it starts another one."""


class NodeAway(NetcodeError):
    """The netcode node is not there, or went away before it answered. Nothing is known to have happened."""


class SocketBroken(NetcodeError):
    """The other end of a WebSocket sent what PROTOCOL.md does not allow there; it is ended, and nothing else."""


class CannotCompile(NetcodeError):
    """The netcode cannot be compiled here; the text says what is missing."""
