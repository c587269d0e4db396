"""ICE, the client's side of one session (RFC 8445): controlling, towards a server whose addresses the answer lists.

Owns the checks of the answer's candidates, the address chosen, its consent, and ICE restarts.

Rule: the first candidate that answers is taken, since each check nominates: a server's candidates lead to the same
socket or to the same machine, so waiting for a better one would only cost time. Consent is kept by checks every
`CONSENT_EVERY` seconds (RFC 7675), and their loss is told; what to do then is the endpoint's affair.

Works with a lite server (ours) and with a full one (aiortc), whose own checks it answers. Left out: candidates of its
own (the server learns the address from the checks), peer-reflexive ones of the server, role conflicts (an offerer
controls, unless a lite one) and TURN.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from roomscale.netcode.webrtc import stun
from roomscale.netcode.webrtc.ice_events import ConsentLost, Event, Failed, Moved, Proven, Retired
from roomscale.netcode.webrtc.ice_paths import PACE, TAG, Credentials, Generation, Path
from roomscale.netcode.webrtc.stun import Address, Key

MAX_CANDIDATES: Final = 8
"""Candidates of one answer that are tried, the first ones."""
MAX_CHECKS: Final = 16
"""Checks of one candidate before it is given up, about 11 s after the first."""
MAX_UNHEARD: Final = 6
"""Checks answered by a server that has not asked us anything yet, before we take it for one that never asks. Ours
asks for proof and may send no more than it got: a lost check of its own would leave it waiting for our next one."""
PACING: Final = 0.05
"""Seconds between the first checks of two candidates (Ta, RFC 8445 section 14.2)."""


class IceClient:
    """One session's client. `tag` as of `IceSession`, for an endpoint with several on one socket."""

    __slots__ = (
        "_current",
        "_events",
        "_local",
        "_locals",
        "_next",
        "_out",
        "_path",
        "_paths",
        "_tag",
        "_unheard",
        "connected",
    )

    def __init__(self, *, tag: bytes = b"") -> None:
        if len(tag) > TAG:
            raise ValueError(f"a tag of {len(tag)} bytes, at most {TAG}")
        self.connected = False
        """Whether `address` has consented to what we send."""
        self._tag = tag
        self._local = Credentials.fresh()
        self._locals = {self._local.ufrag.encode(): Key(self._local.password.encode())}
        """Keys of checks that may come to us, by ufrag: those in use and those offered."""
        self._current: Generation | None = None
        self._next: Generation | None = None
        self._paths: dict[tuple[str, int], Path] = {}
        """Candidates of the newest answer, until one is chosen."""
        self._path: Path | None = None
        self._unheard = 0
        """Answers since the newest answer came, before the server asked anything."""
        self._out: list[tuple[bytes, Address]] = []
        self._events: list[Event] = []

    @property
    def address(self) -> Address | None:
        """The server's address in use; None before any candidate has answered."""
        return self._path.address if self._path else None

    @property
    def local(self) -> Credentials:
        """Our newest credentials, for the offer."""
        return self._local

    def restart(self) -> Credentials:
        """An ICE restart: new credentials, for a new offer. What is in use stays so until its answer's are proven."""
        self._local = Credentials.fresh()
        self._locals[self._local.ufrag.encode()] = Key(self._local.password.encode())
        self._abandon()
        return self._local

    def accept(self, remote: Credentials, candidates: Sequence[tuple[str, int]], now: float) -> None:
        """The answer to the newest offer came. The first check is in `outgoing` at once."""
        self._next = Generation(self._local, remote, stun.ICE_CONTROLLING, nominate=True)
        self._paths = {}
        self._unheard = 0
        for index, candidate in enumerate(list(dict.fromkeys(candidates))[:MAX_CANDIDATES]):
            path = self._paths[candidate] = Path(candidate, self._next, now)
            path.check_at = now + index * PACING
        self.on_timer(now)

    def receive_request(self, message: stun.Message, address: Address) -> bytes | None:
        """A Binding request came: the response, to be sent at once, or None. Never raises.

        A server's check may overtake its answer (RFC 8445 section 7.3), so its half of USERNAME is not looked at.
        """
        key = self._locals.get(message.local_ufrag())
        if key is None or message.kind != stun.BINDING_REQUEST or not message.authentic(key):
            return None
        if message.local_ufrag() == self._local.ufrag.encode():
            self._unheard = MAX_UNHEARD
        if unknown := message.unknown():
            return stun.error(message.transaction, 420, "Unknown Attribute", key, unknown)
        return stun.success(message.transaction, stun.MappedAddress(address), key)

    def receive_response(self, message: stun.Message, address: Address, now: float) -> bool:
        """A Binding response came: whether it is the answer of this address to a check of ours. Never raises."""
        host_port = address[:2]
        path = self._paths.get(host_port)
        if path and self._next and path.answers(message, now):
            self._choose(path, self._next)
        elif (path := self._path) is None or path.address != host_port or not path.answers(message, now):
            return False
        path.prove(now)
        if self._unheard < MAX_UNHEARD:
            self._unheard += 1
            path.check_at = now + PACE[0]
        else:
            path.keep_fresh()
        if not self.connected:
            self.connected = True
            self._events.append(Proven(path.address))
        return True

    def next_timer(self) -> float | None:
        """When `on_timer` is due; None for never."""
        due = min((path.due_at() for path in self._live()), default=math.inf)
        return None if due == math.inf else due

    def on_timer(self, now: float) -> None:
        """Time has passed: checks are repeated, or given up."""
        for path in self._live():
            if path.stale(now):
                self.connected = False
                self._events.append(ConsentLost())
            if now < path.check_at:
                continue
            if not path.proven and path.tries >= MAX_CHECKS:
                path.rest()
            else:
                self._out.append((path.check(self._tag, now), path.address))
        if self._next and all(path.check_at == math.inf for path in self._paths.values()):
            self._abandon()
            self._events.append(Failed())

    def outgoing(self) -> list[tuple[bytes, Address]]:
        """Datagrams to be sent now."""
        out, self._out = self._out, []
        return out

    def events(self) -> list[Event]:
        """What has happened since the last call."""
        events, self._events = self._events, []
        return events

    def _live(self) -> list[Path]:
        return [*self._paths.values(), *([self._path] if self._path else [])]

    def _choose(self, path: Path, generation: Generation) -> None:
        """The first candidate of the newest answer has answered."""
        if self._path is None or self._path.address != path.address:
            self._events.append(Moved(path.address))
        if self._current and self._current.local != generation.local:
            self._events.append(Retired(self._current.local.ufrag))
        self._path, self._current = path, generation
        self._abandon()

    def _abandon(self) -> None:
        """No candidates are being checked any more; credentials that nothing uses are forgotten."""
        self._next = None
        self._paths = {}
        kept = {self._local.ufrag.encode(), *([self._current.local.ufrag.encode()] if self._current else [])}
        self._locals = {ufrag: key for ufrag, key in self._locals.items() if ufrag in kept}
