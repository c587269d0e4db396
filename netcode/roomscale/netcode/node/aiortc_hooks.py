"""Where aiortc and aioice are held by their privates, because they leave open what a server must not.

Three hooks, each on one peer connection, none on a class or a module:

- `gather_on`: candidates on the addresses that the host chose. aioice offers every interface but loopback.
- the same sockets drop what did not come from an address that passed a STUN check, and what is neither STUN nor
  DTLS. aiortc hands such packets on, and an empty one from any stranger ends a session.
- `bound`: what SCTP keeps for a peer. aiortc announces a receive window but does not enforce it, keeps fragments
  for any of 65,535 streams, and searches all of them for each packet.

Rule: a hook only ever refuses; it changes nothing that aiortc does with what remains. Tested against aiortc 1.16
and aioice 0.13 by `tests/netcode/test_hostile.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Any, Final

from aioice import Candidate
from aioice.candidate import candidate_foundation, candidate_priority
from aioice.ice import StunProtocol
from aiortc import RTCPeerConnection
from aiortc.rtcsctptransport import InboundStream

from roomscale.netcode.core.messages import Channel
from roomscale.netcode.errors import TransportError

MAX_FRAGMENTS: Final = 256
"""DATA chunks kept for one stream: our messages take one or two, and some wait for those before them."""
MAX_GAPS: Final = 1024
"""TSNs received beyond a missing one: a second of POSEs at the worst loss is a tenth of it."""


class GuardedProtocol(StunProtocol):
    """A UDP socket of ICE that hears strangers speak STUN, and only proven peers speak DTLS (RFC 7983)."""

    def datagram_received(self, data: bytes | str, addr: tuple[Any, ...]) -> None:
        """A packet came."""
        if not data or not isinstance(data, bytes):
            return
        stun, dtls = data[0] < 4, 20 <= data[0] < 64
        if not stun and not (dtls and self._proven(addr)):
            return
        with contextlib.suppress(Exception):  # aioice's STUN parser, on a stranger's bytes: nothing happened
            super().datagram_received(data, addr)

    def _proven(self, addr: tuple[Any, ...]) -> bool:
        """Whether the address is of a remote candidate: it was in the answer, or passed an authenticated check."""
        return any(c._network_host == addr[0] and c.port == addr[1] for c in self.receiver._remote_candidates)


async def gather_on(pc: RTCPeerConnection, hosts: Sequence[str]) -> None:
    """Gather host candidates on these addresses, before aiortc gathers its own (which it does once).

    The peer connection has its data channels already, and no local description yet. Raises TransportError when
    an address cannot be bound.
    """
    assert pc.sctp is not None  # noqa: S101 - creating a data channel made it
    ice = pc.sctp.transport.transport.iceGatherer._connection
    ice._local_candidates_start = True
    loop = asyncio.get_running_loop()
    for host in hosts:
        try:
            _, protocol = await loop.create_datagram_endpoint(lambda: GuardedProtocol(ice), local_addr=(host, 0))
        except OSError as error:
            raise TransportError(f"cannot bind UDP on {host}: {error.strerror}") from None
        bound, port = protocol.transport.get_extra_info("sockname")[:2]
        protocol.local_candidate = Candidate(
            foundation=candidate_foundation("host", "udp", bound),
            component=1,
            transport="udp",
            priority=candidate_priority(1, "host"),
            host=bound,
            port=port,
            type="host",
        )
        ice._protocols.append(protocol)
        ice._local_candidates.append(protocol.local_candidate)
    ice._local_candidates_end = True


def bound(pc: RTCPeerConnection, exceeded: Callable[[], object]) -> None:
    """Call `exceeded`, and keep nothing more, when the peer's SCTP wants more kept than an honest one ever does.

    That is: streams other than our channels, more than `MAX_FRAGMENTS` chunks of one, or `MAX_GAPS` TSNs that wait.
    """
    sctp: Any = pc.sctp
    original: Callable[[int], InboundStream] = sctp._get_inbound_stream
    streams = frozenset(int(channel) for channel in Channel)

    def bounded(stream: int) -> InboundStream:
        if stream in streams and len(sctp._sack_misordered) <= MAX_GAPS:
            kept = original(stream)
            if len(kept.reassembly) <= MAX_FRAGMENTS:
                return kept
        exceeded()
        return InboundStream()

    sctp._get_inbound_stream = bounded


def unacknowledged(pc: RTCPeerConnection) -> int:
    """DATA chunks that SCTP has not sent, or not seen acknowledged."""
    sctp = pc.sctp
    return len(sctp._outbound_queue) + len(sctp._sent_queue) if sctp else 0
