"""What both ICE roles know of one remote address, and how they ask it for proof.

Owns credentials, the checks under way to an address, its proof, and its byte budget.

Rule: two questions are never mixed up. *Who is it?* A MESSAGE-INTEGRITY under our password answers that: the peer, or
one whom it told. *Does what we send there arrive at somebody who wants it?* Only an answer to a nonce that we sent to
that address and nowhere else answers that (return-routability): the source of a datagram can be forged by anybody,
and a peer that means harm signs a check that carries a stranger's address as gladly as its own.

Each check carries a transaction ID of its own (RFC 7675 section 5.1), so no answer counts later than `CHECK_LIFE`
after the check that it belongs to, however often a lost one was repeated.
"""

from __future__ import annotations

import base64
import math
import re
import secrets
from dataclasses import dataclass
from typing import Final

from roomscale.netcode.webrtc import stun
from roomscale.netcode.webrtc.stun import Address, Key

AMPLIFICATION: Final = 3
"""Bytes that may go to an address without proof, for each byte that came from it (as in RFC 9000 section 8.1)."""
CONSENT: Final = 30.0
"""Seconds that a proof lasts (RFC 7675 section 5.1)."""
CONSENT_EVERY: Final = 5.0
"""Seconds between a proof and the next check of the address in use, times 0.8 to 1.2 (RFC 7675 section 5.1)."""
PACE: Final = (0.2, 0.2, 0.2, 0.2, 0.4, 0.8, 1.0)
"""Seconds from an unanswered check to the next one; the last stands for all further ones. RFC 8445 section 14.3 begins
at 0.5 and doubles; a move to another address must work within 2 s with every fifth packet lost."""
MAX_TRIES: Final = 7
"""Checks in a row to an address without proof, before it is left alone (RFC 8489's Rc)."""
CHECK_LIFE: Final = 3.0
"""Seconds in which the answer to a check counts. A round trip that takes longer is of no use to a world."""
MAX_UNDER_WAY: Final = 8
"""Checks to one address whose answers are waited for; the oldest is forgotten. `PACE` makes 7 in `CHECK_LIFE`."""
TAG: Final = 4
"""Bytes at the start of a transaction ID that the endpoint may give its sessions, to tell by a response whose it is.
64 random bits remain: one guess in 2⁶⁴ at a check that lives for seconds."""

_PRIORITY: Final = (110 << 24) | (65_535 << 8) | 255
"""Of the peer-reflexive candidate that a check of ours would reveal (RFC 8445 section 7.1.1)."""
_ICE_CHARS = re.compile(r"[A-Za-z0-9+/]+")


@dataclass(frozen=True, slots=True)
class Credentials:
    """What one side calls itself, and its secret (RFC 8839 section 5.4). Raises ValueError for what is neither."""

    ufrag: str
    password: str

    def __post_init__(self) -> None:
        for value, least in ((self.ufrag, 4), (self.password, 22)):
            if not least <= len(value) <= 256 or not _ICE_CHARS.fullmatch(value):
                raise ValueError(f"not {least} to 256 of ICE's characters")

    @classmethod
    def fresh(cls) -> Credentials:
        """Nobody's yet: 48 and 144 random bits; RFC 8445 section 5.3 asks for 24 and 128."""
        return cls(*(base64.b64encode(secrets.token_bytes(size)).decode() for size in (6, 18)))


class Generation:
    """Both sides' credentials between two ICE restarts, made ready for the wire."""

    __slots__ = ("_check", "expects", "local", "local_key", "remote_key")

    def __init__(self, local: Credentials, remote: Credentials, role: int, *, nominate: bool = False) -> None:
        self.local = local
        self.expects = f"{local.ufrag}:{remote.ufrag}".encode()
        """USERNAME of checks that come to us."""
        self.local_key = Key(local.password.encode())
        """Signs those and our responses to them."""
        self.remote_key = Key(remote.password.encode())
        """Signs our checks and the responses to them."""
        says = f"{remote.ufrag}:{local.ufrag}".encode()
        self._check = stun.check_attributes(says, _PRIORITY, role, secrets.randbits(64), nominate=nominate)

    def check(self, transaction: bytes) -> bytes:
        """The Binding request of this transaction."""
        return stun.seal(stun.BINDING_REQUEST, transaction, self._check, self.remote_key)


class Path:
    """One remote address: what came from it, what may go to it, and what it has proven."""

    __slots__ = (
        "_asked",
        "address",
        "check_at",
        "generation",
        "heard_at",
        "mapped",
        "proven",
        "proven_at",
        "received",
        "sent",
        "tries",
    )

    def __init__(self, address: Address, generation: Generation, now: float) -> None:
        self.address = address
        self.generation = generation
        """Of the newest check that came from it, or that goes to it."""
        self.heard_at = now
        """When the last authentic check came."""
        self.mapped = stun.MappedAddress(address)
        self.proven = False
        self.proven_at = -math.inf
        """When it last answered."""
        self.check_at = math.inf
        """When the next check is due."""
        self.tries = 0
        """Checks since the last answer; 0 when none is under way."""
        self.received = self.sent = 0
        """Bytes since it was last without proof."""
        self._asked: dict[bytes, tuple[float, Key]] = {}

    def admit(self, size: int) -> bool:
        """Whether a datagram of `size` bytes may go there now; if so, it is taken to be sent."""
        if self.proven:
            return True
        if self.sent + size > AMPLIFICATION * self.received:
            return False
        self.sent += size
        return True

    def check(self, tag: bytes, now: float) -> bytes:
        """One more check, to be sent to this address alone: its transaction ID is the nonce."""
        transaction = tag + secrets.token_bytes(12 - len(tag))
        if len(self._asked) >= MAX_UNDER_WAY:
            del self._asked[next(iter(self._asked))]
        self._asked[transaction] = (now, self.generation.remote_key)
        self.check_at = now + PACE[min(self.tries, len(PACE) - 1)]
        self.tries += 1
        return self.generation.check(transaction)

    def answers(self, message: stun.Message, now: float) -> bool:
        """Whether a response from this address answers a check. An error does not, nor one under a wrong key."""
        at, key = self._asked.get(message.transaction, (-math.inf, None))
        if key is None or now > at + CHECK_LIFE or message.kind != stun.BINDING_SUCCESS:
            return False
        return message.authentic(key) and not message.unknown()

    def prove(self, now: float) -> None:
        """It has proven itself now, by whatever nonce. No further check is due until somebody says so."""
        self.proven = True
        self.proven_at = now
        self.rest()

    def rest(self) -> None:
        """No check is under way, and none is due."""
        self.tries = 0
        self.check_at = math.inf
        self._asked.clear()

    def keep_fresh(self) -> None:
        """Have the next check after a proof come in its time, spread so that sessions do not beat together."""
        self.check_at = self.proven_at + CONSENT_EVERY * (0.8 + secrets.randbelow(401) / 1000)

    def stale(self, now: float) -> bool:
        """Whether its proof has just run out; from now on its budget counts, from nothing."""
        if not self.proven or now < self.proven_at + CONSENT:
            return False
        self.proven = False
        self.received = self.sent = 0
        return True

    def due_at(self) -> float:
        """When to look at it again, for a check or because its proof runs out; `inf` for never."""
        return min(self.check_at, self.proven_at + CONSENT) if self.proven else self.check_at
