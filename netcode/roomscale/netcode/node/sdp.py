"""The little of SDP (RFC 8866, 8829, 8841) that a transport's pipe touches, as text.

Rule: lines in, lines out; bounds first. Which line means what to ICE or DTLS is the transport's affair.
"""

from __future__ import annotations

import ipaddress
from typing import Final

from roomscale.netcode.errors import BadOffer
from roomscale.netcode.webrtc.sdp import MAX_SDP

_NEEDED: Final = ("a=ice-ufrag:", "a=ice-pwd:", "a=fingerprint:", "a=sctp-port:")


def clean_offer(offer: str) -> str:
    """An offer for data channels alone, without candidates: the visitor's address is learnt from its packets.

    (A `.local` candidate would cost a second of mDNS each, and an address in an offer is where somebody else could
    be sent our packets.) Raises BadOffer.
    """
    if len(offer.encode("utf-8", "replace")) > MAX_SDP:
        raise BadOffer(f"the offer is larger than {MAX_SDP} bytes")
    lines = [line.strip() for line in offer.splitlines() if line.strip()]
    media = [line for line in lines if line.startswith("m=")]
    if len(media) != 1 or not media[0].startswith("m=application "):
        raise BadOffer("the offer is not for data channels alone")
    for attribute in _NEEDED:
        if not any(line.startswith(attribute) for line in lines):
            raise BadOffer(f"the offer has no {attribute}")
    kept = [line for line in lines if not line.startswith(("a=candidate:", "a=end-of-candidates"))]
    return "\r\n".join(kept) + "\r\n"


def advertise(answer: str, public: str | None) -> str:
    """The answer with `public` in place of the bound addresses of its family (1:1 NAT, containers)."""
    if public is None:
        return answer
    version = ipaddress.ip_address(public).version
    lines: list[str] = []
    for line in answer.splitlines():
        fields = line.split(" ")
        if line.startswith("a=candidate:") and ipaddress.ip_address(fields[4]).version == version:
            fields[4] = public
        elif line.startswith("c=IN ") and fields[1] == f"IP{version}":
            fields[2] = public
        lines.append(" ".join(fields))
    return "\r\n".join(lines) + "\r\n"
