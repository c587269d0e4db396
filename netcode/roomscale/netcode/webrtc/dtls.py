"""One DTLS 1.2 session (RFC 6347), sans-IO: datagrams and times go in, payloads and datagrams come out.

Rule: this module alone decides what goes onto the wire, and when. OpenSSL computes the flights of the handshake
(handshake.py); they are numbered, sealed, packed and repeated here, by the caller's clock. Once both sides are through,
OpenSSL is dropped and `records` is all there is. So OpenSSL never seals a record that anybody sees, and a server whose
last flight was lost can say it again, with fresh numbers, for 100 bytes of memory.

After the handshake only authentic records change anything: what epoch 0 says, alerts included, anybody could have said.
During it nothing is authentic, and a stranger who can spoof the peer's address can make it fail; the peer then calls
again. `receive` never raises: a session that went wrong has a `state` and a `failure`.

Left out: renegotiation and resumption (ignored), a new handshake on the same addresses (RFC 6347 §4.2.8: whoever
starts again signals again, and gets a new session), heartbeats, DTLS 1.3.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import Final

from roomscale.netcode.errors import DtlsEnd, DtlsFailure, DtlsMisuse
from roomscale.netcode.webrtc.handshake import DtlsContext, Handshake, Spoken, admitted
from roomscale.netcode.webrtc.records import (
    ALERT,
    APPLICATION_DATA,
    HANDSHAKE,
    LAST_RECORD,
    MAX_DATAGRAM,
    RecordLayer,
    epoch,
    plain,
    split,
)

PATIENCE: Final = 30.0
"""Seconds from the session's making to the end of its handshake, waiting for a first datagram included."""
FIRST_REPEAT: Final = 0.2
"""Seconds until a flight is said again: the least that TCPs use. RFC 6347 §4.2.4.1 names 1 s, and less where latency
matters: a join waits for it whenever a flight is lost."""
LONGEST_REPEAT: Final = 2.0
"""Seconds that doubling leads to. RFC 6347 goes on to 60 s, but `PATIENCE` ends it before."""
MAX_CAME: Final = 128
"""Datagrams taken during the handshake: two flights of 3, repeated for as long as `PATIENCE`, are fewer."""
MAX_HELD: Final = 8
"""Records of epoch 1 kept before it can be read: so many with data, and so many others, which OpenSSL sees and spends
16 kB each on. Data must not crowd out the Finished."""
MAX_ANSWERS: Final = 16
"""Times that a server says its last flight again, because the peer repeats its own or says nothing."""

_FINISHED: Final = 20
_CLOSE_NOTIFY: Final = 0
_WARNING, _FATAL = 1, 2


class DtlsState(enum.Enum):
    """Where a session stands."""

    CONNECTING = enum.auto()
    ESTABLISHED = enum.auto()
    CLOSED = enum.auto()
    """Orderly, by either side. Nothing more is taken or given."""
    FAILED = enum.auto()
    """As CLOSED, for the reason in `failure`."""


class DtlsSession:
    """One peer's session, as server (passive: the peer speaks first) or as client (`start`)."""

    __slots__ = (
        "_answers", "_came", "_client", "_context", "_deadline", "_fingerprints", "_flight", "_handshake", "_held",
        "_layer", "_outbox", "_plain_number", "_repeat_after", "_repeat_at", "failure", "state",
    )  # fmt: skip

    def __init__(self, context: DtlsContext, *, client: bool, peer_fingerprints: Sequence[bytes], now: float) -> None:
        self.state = DtlsState.CONNECTING
        self.failure: DtlsFailure | None = None
        self._context = context
        self._client = client
        self._fingerprints = peer_fingerprints
        """SHA-256, 32 bytes each; one of them must be the peer's."""
        self._handshake: Handshake | None = None
        self._layer: RecordLayer | None = None
        self._flight: list[Spoken] = []
        """What the peer has not yet shown to have received."""
        self._held: list[bytes] = []
        self._outbox: list[bytes] = []
        self._plain_number = 0
        """Sequence number of our next record in epoch 0."""
        self._came = 0
        self._answers = 0
        self._deadline = now + PATIENCE
        self._repeat_after = FIRST_REPEAT
        self._repeat_at: float | None = None

    def start(self, now: float) -> None:
        """Say ClientHello. For the client alone; once."""
        if not self._client or self._handshake or self.state is not DtlsState.CONNECTING:
            raise DtlsMisuse("start() is for a client that has not started")
        self._advance((), now)

    def receive(self, datagram: bytes, now: float) -> list[bytes]:
        """Take a datagram; give the payloads in it. Drain `outgoing` afterwards."""
        layer = self._layer
        if layer is None:
            return self._connect(datagram, now) if self.state is DtlsState.CONNECTING else []
        payloads: list[bytes] = []
        for record in split(datagram):
            payload = layer.unprotect(record)
            if payload is None:
                continue
            if record[0] == APPLICATION_DATA:
                payloads.append(payload)
                if self._flight:
                    self._flight, self._repeat_at = [], None  # who speaks with the new keys has our Finished
            elif not self._control(record[0], payload):
                break
        return payloads

    def protect(self, payload: bytes) -> bytes:
        """Seal a payload of at most `MAX_PAYLOAD` bytes into one datagram. Raises DtlsMisuse, unless ESTABLISHED."""
        layer = self._layer
        if layer is None:
            raise DtlsMisuse(f"a session that is {self.state.name} carries nothing")
        record = layer.protect(payload)
        if layer.sealed >= LAST_RECORD - 1:  # one is left, to say so
            self.close()
        return record

    def outgoing(self) -> list[bytes]:
        """Datagrams of the handshake, and alerts, to be sent now; they are forgotten here."""
        out = self._outbox
        if out:
            self._outbox = []
        return out

    def next_timer(self) -> float | None:
        """When `on_timer` wants to be called, on the caller's clock."""
        if self.state is not DtlsState.CONNECTING:
            return self._repeat_at
        return self._deadline if self._repeat_at is None else min(self._deadline, self._repeat_at)

    def on_timer(self, now: float) -> None:
        """Say the flight again, or give up. Harmless when called too early."""
        if self.state is DtlsState.CONNECTING and now >= self._deadline:
            self._fail("timeout", f"no handshake within {PATIENCE:g} s")
        elif self._repeat_at is not None and now >= self._repeat_at:
            self._repeat_after = min(2 * self._repeat_after, LONGEST_REPEAT)
            self._repeat_at = now + self._repeat_after
            if self.state is DtlsState.CONNECTING:
                self._say(self._flight)
            else:
                self._answer()

    def close(self) -> None:
        """End the session: close_notify, if there is somebody to hear it, and nothing after that."""
        if self._layer:
            self._outbox.append(self._layer.protect(bytes([_WARNING, _CLOSE_NOTIFY]), ALERT))
        if self.state in {DtlsState.CONNECTING, DtlsState.ESTABLISHED}:
            self._end(DtlsState.CLOSED)

    def _connect(self, datagram: bytes, now: float) -> list[bytes]:
        """A datagram while the handshake runs."""
        self._came += 1
        if self._came > MAX_CAME:
            self._fail("flood", f"more than {MAX_CAME} datagrams, and no handshake")
            return []
        came = [record for record in split(datagram) if self._admits(record)]
        if came and (self._handshake or not self._client):
            self._advance(came, now)
        return self._early(now) if self.state is DtlsState.ESTABLISHED else []

    def _admits(self, record: bytes) -> bool:
        """Whether OpenSSL sees this record now. Those of epoch 1 are ours to open, too, once we have the keys."""
        if epoch(record) == 1:
            data = record[0] == APPLICATION_DATA
            if sum((held[0] == APPLICATION_DATA) is data for held in self._held) == MAX_HELD:
                return False
            self._held.append(record)
        return admitted(record)

    def _advance(self, came: Sequence[bytes], now: float) -> None:
        if self._handshake is None:
            self._handshake = Handshake(self._context, client=self._client, fingerprints=self._fingerprints)
        spoken, failure = self._handshake.advance(came)
        if spoken:
            self._say(spoken)
            self._flight = spoken
            self._repeat_after = FIRST_REPEAT
            self._repeat_at = now + FIRST_REPEAT
        if failure:
            self.failure = failure
            self._end(DtlsState.FAILED)
        elif self._handshake.done:
            self.state = DtlsState.ESTABLISHED
            self._layer = self._handshake.layer
            self._handshake = None
            if self._client:
                self._flight, self._repeat_at = [], None  # the server's Finished has answered it

    def _early(self, now: float) -> list[bytes]:
        """Open the records of epoch 1 that came before its keys: the replay window has not seen the Finished yet that
        OpenSSL read, and data that overtook it is ours alone to open.
        """
        held, self._held = self._held, []
        flight, self._flight = self._flight, []  # the Finished among them is not a repeated one
        payloads = [payload for record in held for payload in self.receive(record, now)]
        if self._layer and not payloads:
            self._flight = flight
        elif payloads:
            self._repeat_at = None
        return payloads

    def _say(self, flight: Sequence[Spoken]) -> None:
        """Put a flight into the outbox: in few datagrams, and each record with a number that none had before."""
        datagram = b""
        for content_type, fragment, layer in flight:
            if layer:
                record = layer.protect(fragment, content_type)
            else:
                record = plain(content_type, self._plain_number, fragment)
                self._plain_number += 1
            if datagram and len(datagram) + len(record) > MAX_DATAGRAM:
                self._outbox.append(datagram)
                datagram = b""
            datagram += record
        if datagram:
            self._outbox.append(datagram)

    def _answer(self) -> None:
        """Say the server's last flight again. A client whose timer has doubled to seconds should not have to ask."""
        self._answers += 1
        if self._answers <= MAX_ANSWERS:
            self._say(self._flight)
        else:
            self._repeat_at = None

    def _control(self, content_type: int, payload: bytes) -> bool:
        """An authentic record that carries no data. False if the session is over."""
        if content_type == ALERT and len(payload) == 2:
            level, description = payload
            if description == _CLOSE_NOTIFY:
                self.close()
            elif level == _FATAL:
                self._fail("alert", f"the peer sent alert {description} (RFC 5246 §7.2)")
        elif content_type == HANDSHAKE and payload[:1] == bytes([_FINISHED]) and self._flight:
            self._answer()
        return self.state is DtlsState.ESTABLISHED

    def _fail(self, reason: DtlsEnd, detail: str) -> None:
        self.failure = DtlsFailure(reason, detail)
        self._end(DtlsState.FAILED)

    def _end(self, state: DtlsState) -> None:
        self.state = state
        self._layer = self._handshake = self._repeat_at = None
        self._flight, self._held = [], []
