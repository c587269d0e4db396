"""The two channels of one peer: SCTP within DTLS, wherever ICE sends it. Sans-IO, for either role.

Rule: datagrams and times go in, frames and datagrams come out; no address is known here. Mutate (`start`, `receive`,
`send`, `on_timer`, `close`), then drain `outgoing`, and after it `events`.

Both channels are negotiated by PROTOCOL.md: stream 0 is `events`, reliable and ordered; stream 1 is `poses`, unordered
and never retransmitted. A peer that opens one of them by DCEP is answered as if it had to (RFC 8832); other streams are
nobody's, and what comes on them is dropped.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple, TypeAlias

from roomscale.netcode.errors import BadDcep
from roomscale.netcode.webrtc import dcep
from roomscale.netcode.webrtc.dcep import PPID_BINARY, PPID_DCEP
from roomscale.netcode.webrtc.dtls import DtlsSession, DtlsState
from roomscale.netcode.webrtc.handshake import DtlsContext
from roomscale.netcode.webrtc.sctp import events as sctp
from roomscale.netcode.webrtc.sctp.association import Association
from roomscale.netcode.webrtc.sctp.config import INFINITY, SctpConfig
from roomscale.netcode.webrtc.sctp.events import Message

EVENTS: Final = 0
POSES: Final = 1
"""Stream ids (PROTOCOL.md, "Where it runs")."""

_CLOSED: Final = "the connection was closed"
"""The reason when the peer went by itself, however it did."""


class Opened(NamedTuple):
    """Both channels are open."""


class Ended(NamedTuple):
    """It is over, and nothing follows; not said of what `close` ended."""

    reason: str


Event: TypeAlias = Opened | Message | Ended
"""A Message's `stream` is EVENTS or POSES."""


class Channels:
    """One peer's channels. `fingerprints`: SHA-256 of the certificate that the peer's SDP named."""

    __slots__ = ("_client", "_config", "_dtls", "_events", "ended", "sctp")

    def __init__(
        self,
        context: DtlsContext,
        config: SctpConfig,
        fingerprints: Sequence[bytes],
        now: float,
        *,
        client: bool = False,
    ) -> None:
        self._dtls = DtlsSession(context, client=client, peer_fingerprints=fingerprints, now=now)
        self._client = client
        self._config = config
        self._events: list[Event] = []
        self.sctp: Association | None = None
        """From the moment when DTLS is established: the peer is who its SDP said, and has answered our nonce."""
        self.ended = False

    @property
    def deadline(self) -> float:
        """When SCTP wants `on_timer`; in the steady state that is all there is."""
        return INFINITY if self.sctp is None else self.sctp.deadline

    @property
    def unacknowledged(self) -> int:
        """Bytes of `events` that the peer has not acknowledged."""
        return 0 if self.sctp is None or self.ended else self.sctp.stats.queued

    def moved(self, now: float) -> None:
        """The peer is somewhere else: what was measured on the way to it, and what is under way, counts no more."""
        if self.sctp is not None:
            self.sctp.moved(now)

    def start(self, now: float) -> None:
        """Begin the handshake, as the client."""
        self._dtls.start(now)

    def receive(self, datagram: bytes, now: float) -> bool:
        """A DTLS datagram came. Whether that was all, as in the steady state. Never raises."""
        payloads = self._dtls.receive(datagram, now)
        association, calm = self.sctp, bool(payloads)
        if association is None:
            association, calm = self._establish(now), False
            if association is None:
                return False
        for payload in payloads:
            association.receive(payload, now)
        if self._dtls.state is not DtlsState.ESTABLISHED:
            self._dtls_over()
            return False
        return calm and not association.busy

    def send(self, channel: int, data: bytes, now: float) -> bool:
        """Send a frame. False when it cannot be: a pose, because the window is full, which costs this tick alone;
        an event, because the peer takes too little, which ought to end it.
        """
        if self.sctp is None or self.ended:
            return False
        reliable = channel == EVENTS
        return self.sctp.send(channel, PPID_BINARY, data, now, reliable=reliable, ordered=reliable)

    def outgoing(self, now: float) -> list[bytes]:
        """The datagrams to send now, in order."""
        association, dtls = self.sctp, self._dtls
        if association is None or dtls.state is not DtlsState.ESTABLISHED:
            return dtls.outgoing()
        sealed = [dtls.protect(packet) for packet in association.outgoing(now)]
        said = dtls.outgoing()
        return said + sealed if said else sealed

    def events(self, now: float) -> list[Event]:
        """What happened since the last call."""
        came = self.sctp.events() if self.sctp is not None else []
        if len(came) == 1 and not self._events:
            event = came[0]
            if isinstance(event, Message) and event.ppid == PPID_BINARY and event.stream <= POSES:
                return [event]  # nearly always
        for event in came:
            self._happened(event, now)
        events, self._events = self._events, []
        return events

    def next_timer(self) -> float:
        """When `on_timer` is due at the latest; infinity for never."""
        if self.ended:
            return INFINITY
        due = self._dtls.next_timer()
        at = INFINITY if due is None else due
        return at if self.sctp is None else min(at, self.sctp.deadline)

    def on_timer(self, now: float) -> None:
        """Time has passed. Harmless when called too early."""
        if self.ended:
            return
        self._dtls.on_timer(now)
        if self._dtls.state not in (DtlsState.CONNECTING, DtlsState.ESTABLISHED):
            self._dtls_over()
        elif self.sctp is not None:
            self.sctp.on_timer(now)

    def close(self, now: float) -> list[bytes]:
        """End it at once; the datagrams that tell the peer."""
        if self.ended:
            return []
        self.ended = True
        if self.sctp is not None:
            self.sctp.abort("closed")
        said = self.outgoing(now)
        self._dtls.close()
        return said + self._dtls.outgoing()

    def _establish(self, now: float) -> Association | None:
        if self._dtls.state is DtlsState.ESTABLISHED:
            self.sctp = Association(self._config, now)
            self.sctp.connect(now)
        elif self._dtls.state is not DtlsState.CONNECTING:
            self._dtls_over()
        return self.sctp

    def _happened(self, event: sctp.Event, now: float) -> None:
        if isinstance(event, Message):
            if event.ppid == PPID_DCEP:
                self._dcep(event.stream, event.data, now)
            elif event.stream <= POSES:
                self._events.append(event if event.ppid == PPID_BINARY else event._replace(data=b""))
            return
        match event:
            case sctp.Established():
                if self.sctp is not None and self.sctp.outbound.streams > POSES:
                    self._events.append(Opened())
                else:
                    self._end("it takes fewer streams than the protocol needs")
            case sctp.StreamClosed(stream):
                if stream in (EVENTS, POSES):
                    self._end(_CLOSED)
            case sctp.Closed(reason):
                self._end(_CLOSED if reason.startswith(("closed", "aborted")) else reason)

    def _dcep(self, stream: int, data: bytes, now: float) -> None:
        """An OPEN is answered, so that a peer which insists on it may send; the channel's kind is ours to say."""
        try:
            message = dcep.read_dcep(data)
        except BadDcep:
            return
        if isinstance(message, dcep.Open) and stream in (EVENTS, POSES) and self.sctp is not None:
            self.sctp.send(stream, PPID_DCEP, dcep.pack_dcep(dcep.Ack()), now)

    def _dtls_over(self) -> None:
        failure = self._dtls.failure
        self._end(_CLOSED if failure is None else f"DTLS failed: {failure}")

    def _end(self, reason: str) -> None:
        if not self.ended:
            self.ended = True
            self._events.append(Ended(reason))
