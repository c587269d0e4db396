"""ICE-lite, the server's side of one session (RFC 8445 section 2.5): which address its datagrams go to.

Owns the addresses that spoke for the session, the one in use, and the credentials before and after an ICE restart.

Rule: **the session moves only to an address that answered a check of ours**, and an address without such an answer,
the first one included, gets at most `AMPLIFICATION` bytes for each that came from it (`ice_paths` says what proves
what). An agent that is lite by the book sends no checks at all and believes the source of any that comes: one forged
datagram would aim our stream at a stranger.

What the endpoint does with it:

- A STUN request: `parse` it, find the session by `Message.local_ufrag`, `receive_request`. A STUN response: find the
  session by the `tag` its transaction ID begins with, `receive_response`. Then send `outgoing`, then the reply.
- `events` keep its tables. A `Claimed` address must not take the table's entry from a session that has it `Proven`.
- Datagrams go to `address`, without asking while `proven` is true; otherwise each asks `admit` first, retransmissions
  too. What is refused may be held until `Proven`. What comes from an address without proof is told to `received`.
- A finished DTLS handshake is an answer to a nonce as well (ServerHello's random): tell `prove`.
- After each call `next_timer` may have changed.

A check goes out before the reply that lets the peer begin its handshake, so its answer arrives before the ClientHello
does and the happy path waits for nothing.

Left out, as a lite agent may: candidates other than host's, role conflicts (RFC 8445 section 6.1.1: a lite agent is
controlled), and checks of our own against the peer's candidates. Errors 400 and 401 are left out too: who cannot name
a session and sign for it gets no answer.
"""

from __future__ import annotations

import math
from typing import Final

from roomscale.netcode.webrtc import stun
from roomscale.netcode.webrtc.ice_events import Claimed, ConsentLost, Event, Forgotten, Moved, Proven, Retired
from roomscale.netcode.webrtc.ice_paths import MAX_TRIES, TAG, Credentials, Generation, Path
from roomscale.netcode.webrtc.stun import Address

MAX_PATHS: Final = 4
"""Addresses that one session keeps: a phone has two networks, each of two families."""
FRESH: Final = 10.0
"""Seconds in which a proof lets the session move at once; later it is asked again first. Longer than the address in
use is ever left unasked, short enough that nobody else has got the address meanwhile."""
FORGET: Final = 30.0
"""Seconds after an address's last check, when it is not in use, until it is forgotten."""


class IceSession:
    """One session. `tag`: `TAG` bytes at most that no other session of the endpoint has."""

    __slots__ = ("_current", "_events", "_next", "_out", "_path", "_paths", "_tag", "_wanted", "_wanted_by", "proven")

    def __init__(self, remote: Credentials, *, tag: bytes = b"") -> None:
        if len(tag) > TAG:
            raise ValueError(f"a tag of {len(tag)} bytes, at most {TAG}")
        self.proven = False
        """Whether `address` may get datagrams without limit."""
        self._tag = tag
        self._current = _generation(remote)
        self._next: Generation | None = None
        self._paths: dict[Address, Path] = {}
        self._path: Path | None = None
        self._wanted: Path | None = None
        """Which the peer nominated last; it may have to prove itself yet."""
        self._wanted_by = self._current
        self._out: list[tuple[bytes, Address]] = []
        self._events: list[Event] = []

    @property
    def address(self) -> Address | None:
        """Where the session's datagrams go; None before the first authentic check."""
        return self._path.address if self._path else None

    @property
    def local(self) -> Credentials:
        """Our newest credentials, for the answer."""
        return (self._next or self._current).local

    @property
    def addresses(self) -> list[Address]:
        """All that spoke for this session and are remembered."""
        return list(self._paths)

    @property
    def ufrags(self) -> list[str]:
        """What this session is called: one name, and one more during a restart."""
        return [generation.local.ufrag for generation in (self._current, self._next) if generation]

    def restart(self, remote: Credentials) -> Credentials:
        """An ICE restart (RFC 8445 section 2.4): new credentials for the answer to an offer that brought new ones.

        Those in use live on, with their address, until one proves itself by the new ones. That it was nominated is not
        waited for: who restarts has lost the old way, and Chromium takes a second more to choose among the new. An
        earlier restart that did not get so far is over.
        """
        if self._next:
            self._events.append(Retired(self._next.local.ufrag))
            if self._wanted_by is self._next:
                self._wanted, self._wanted_by = None, self._current
            for path in self._paths.values():
                path.generation = self._current
        self._next = _generation(remote)
        return self._next.local

    def receive_request(self, message: stun.Message, address: Address, now: float) -> bytes | None:
        """A Binding request came: the response, to be sent at once, or None. Never raises.

        Requests that are not signed for this session change nothing.
        """
        generation = self._generation_of(message)
        if generation is None or message.kind != stun.BINDING_REQUEST or not message.authentic(generation.local_key):
            return None
        path = self._paths.get(address) or self._claim(address, generation, now)
        path.heard_at = now
        if path.generation is not generation:
            path.generation = generation
            if path.tries:
                self._check(path, now)  # those under way are signed for who the peer is no more, or not yet
        if not path.proven:
            path.received += len(message.data)
        if unknown := message.unknown():
            reply = stun.error(message.transaction, 420, "Unknown Attribute", generation.local_key, unknown)
        else:
            reply = stun.success(message.transaction, path.mapped, generation.local_key)
            if stun.USE_CANDIDATE in message.attributes:
                self._nominate(path, generation, now)
            elif path is not self._path and path.proven and now < path.proven_at + FRESH:
                self._arrive(path)
            if not path.proven and not path.tries:
                self._check(path, now)
        if not path.admit(len(reply)):
            return None
        if self._out:  # our check must not be overtaken by the reply
            self._out.append((reply, address))
            return None
        return reply

    def receive_response(self, message: stun.Message, address: Address, now: float) -> bool:
        """A Binding response came: whether it is the answer of this address to a check of ours. Never raises."""
        path = self._paths.get(address)
        if path is None or not path.answers(message, now):
            return False
        self._believe(path, now)
        return True

    def received(self, address: Address, size: int, now: float) -> bool:
        """A datagram of `size` bytes came that is not STUN. False: from no address of this session; drop it."""
        path = self._paths.get(address)
        if path is None:
            return False
        if not path.proven:
            path.received += size
            if not path.tries:
                self._check(path, now)
        return True

    def admit(self, address: Address, size: int) -> bool:
        """Whether a datagram of `size` bytes may be sent there now; if so, it counts as sent."""
        path = self._paths.get(address)
        return path is not None and path.admit(size)

    def prove(self, address: Address, now: float) -> bool:
        """An upper layer's nonce came back from this address: whether that proves the address in use.

        The caller vouches that the nonce went to this address and no other, seconds ago at most: all of a DTLS
        server's flight, which is so for the first handshake as long as it is sent to `address`, because without proof
        that never changes; or an SCTP HEARTBEAT with its random. A record that merely authenticates proves who sent
        it, not from where.
        """
        path = self._path
        if path is None or path.address != address:
            return False
        self._believe(path, now)
        return True

    def next_timer(self) -> float | None:
        """When `on_timer` is due; None for never."""
        due = math.inf
        for path in self._paths.values():
            due = min(due, path.due_at())
            if path is not self._path:
                due = min(due, path.heard_at + FORGET)
        return None if due == math.inf else due

    def on_timer(self, now: float) -> None:
        """Time has passed: checks are repeated, proofs run out, addresses are forgotten."""
        for path in list(self._paths.values()):
            if path.stale(now) and path is self._path:
                self.proven = False
                self._events.append(ConsentLost())
            if now >= path.check_at:
                self._check(path, now)
            if path is not self._path and now >= path.heard_at + FORGET:
                self._forget(path)

    def outgoing(self) -> list[tuple[bytes, Address]]:
        """Datagrams to be sent now, in this order. They are within the budget."""
        out, self._out = self._out, []
        return out

    def events(self) -> list[Event]:
        """What has happened since the last call."""
        events, self._events = self._events, []
        return events

    def _generation_of(self, message: stun.Message) -> Generation | None:
        username = message.attributes.get(stun.USERNAME)
        if username == self._current.expects:
            return self._current
        return self._next if self._next and username == self._next.expects else None

    def _claim(self, address: Address, generation: Generation, now: float) -> Path:
        """A new address. It takes the place of the one whose loss hurts least, so a flood of forged ones is bounded."""
        if len(self._paths) >= MAX_PATHS:
            spare = [path for path in self._paths.values() if path is not self._path and path is not self._wanted]
            self._forget(min(spare, key=lambda path: (path.proven, path.heard_at)))
        path = self._paths[address] = Path(address, generation, now)
        self._events.append(Claimed(address))
        if self._path is None:
            self._path = path
            self._events.append(Moved(address))
        return path

    def _forget(self, path: Path) -> None:
        del self._paths[path.address]
        if path is self._wanted:
            self._wanted, self._wanted_by = None, self._current
        self._events.append(Forgotten(path.address))

    def _nominate(self, path: Path, generation: Generation, now: float) -> None:
        """The peer wants this address (RFC 8445 section 7.3.1.5). The latest wish counts, of the newest credentials."""
        if path is self._wanted and path is self._path and generation is self._wanted_by:
            return
        if self._wanted_by is not generation and generation is self._current:
            return  # a late word on the network that the peer is leaving
        self._wanted, self._wanted_by = path, generation
        if path.proven and now < path.proven_at + FRESH:
            self._use(path)
        elif not path.tries:
            self._check(path, now)

    def _check(self, path: Path, now: float) -> None:
        """Ask an address for its proof, within its budget; not for ever."""
        if not path.proven and path.tries >= MAX_TRIES:
            path.rest()
            return
        datagram = path.check(self._tag, now)
        if path.admit(len(datagram)):
            self._out.append((datagram, path.address))

    def _believe(self, path: Path, now: float) -> None:
        """An address has proven itself, for the first time or again."""
        if not path.proven:
            self._events.append(Proven(path.address))
        path.prove(now)
        self._arrive(path)
        if path is self._wanted or path is self._path or not self.proven:
            self._use(path)

    def _arrive(self, path: Path) -> None:
        """The peer spoke from this proven address. By new credentials: there it is, while it has nominated none."""
        if self._next and path.generation is self._next and self._wanted_by is not self._next:
            self._wanted, self._wanted_by = path, self._next
            self._use(path)

    def _use(self, path: Path) -> None:
        """The session's datagrams go to this proven address."""
        if self._next and path is self._wanted and self._wanted_by is self._next:
            self._events.append(Retired(self._current.local.ufrag))
            self._current, self._next = self._next, None
            for other in self._paths.values():
                other.generation = self._current
        if path is not self._path:
            if self._path:
                self._path.rest()
            self._path = path
            self._events.append(Moved(path.address))
        self.proven = True
        path.keep_fresh()


def _generation(remote: Credentials) -> Generation:
    return Generation(Credentials.fresh(), remote, stun.ICE_CONTROLLED)
