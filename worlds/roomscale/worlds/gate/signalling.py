"""The call events that come and go by to-device (MSC3401's shapes, version "1"). Pure.

The one rule: `sender` is what the homeserver vouches for; everything else in such an event is a claim, bounded here.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Literal

from roomscale.worlds.errors import BadContent
from roomscale.worlds.gate.config import GateLimits
from roomscale.worlds.ids import RoomId, UserId, parse_room_id, parse_user_id

INVITE = "m.call.invite"
ANSWER = "m.call.answer"
HANGUP = "m.call.hangup"
TICKET_KEY = "org.roomscale.ticket"
WEBSOCKET_KEY = "org.roomscale.websocket"
WEBSOCKET_PATH = "/net"
VERSION = "1"
ID_CHARS = 255
TAB_CHARS_LEAST = 8
"""A `sender_session_id` shorter than this is no random one."""
SEQ_MOST = 2**53 - 1
"""The largest integer that Matrix allows in JSON."""

Refusal = Literal["not_joined", "banned", "full", "busy", "bad_offer", "homeserver_away"]


@dataclass(frozen=True)
class Caller:
    """Who calls from where: enough to answer them, be it with a refusal."""

    user_id: UserId
    device_id: str
    """A claim: a false one only sends the answer astray."""
    tab: str
    """`sender_session_id`: fresh for each tab of a browser."""
    call_id: str
    room_id: RoomId
    seq: int

    @property
    def tab_key(self) -> str:
        """See `tab_key`."""
        return tab_key(self.user_id, self.tab)


@dataclass(frozen=True)
class Invite:
    """`m.call.invite`: somebody wants to come in (or to come in anew)."""

    caller: Caller
    sdp: str
    lifetime_s: float

    @property
    def offer_hash(self) -> bytes:
        """Tells one offer from another without keeping it."""
        return hashlib.sha256(self.sdp.encode()).digest()


@dataclass(frozen=True)
class Hangup:
    """`m.call.hangup`: somebody says that they go."""

    caller: Caller


class CallRefused(Exception):
    """A call that cannot be taken. With a `caller` there is somebody to tell so; without, it is dropped."""

    def __init__(
        self, message: str, caller: Caller | None = None, code: Refusal = "bad_offer", retry_after_ms: int | None = None
    ) -> None:
        super().__init__(message)
        self.caller = caller
        self.code: Refusal = code
        self.retry_after_ms = retry_after_ms


def parse_call(event: object, server_session: str, limits: GateLimits) -> Invite | Hangup | None:
    """A to-device event as a call of ours; None when it is none, or meant for an earlier session of the server.

    Raises:
        CallRefused: it is a call, but not one that can be taken.
    """
    if not isinstance(event, dict) or event.get("type") not in (INVITE, HANGUP):
        return None
    content = event.get("content")
    if not isinstance(content, dict):
        raise CallRefused("the call has no content")
    destination = content.get("dest_session_id")
    if destination not in (None, "", server_session):
        return None
    caller = _caller(event.get("sender"), content)
    if event["type"] == HANGUP:
        return Hangup(caller)
    if content.get("version") not in (VERSION, 1):
        raise CallRefused("the call's version is not known", caller)
    return Invite(caller, _sdp(content.get("offer"), caller, limits), _lifetime_s(content.get("lifetime")))


def tab_key(user_id: str, tab: str) -> str:
    """A tab, told apart from what other users claim theirs to be."""
    return hashlib.sha256(f"{user_id}\0{tab}".encode("utf-8", "surrogatepass")).hexdigest()[:40]


def check_offer(offer: object, limits: GateLimits) -> str:
    """The SDP of an `{type: "offer", sdp}`. Raises CallRefused."""
    return _sdp(offer, None, limits)


def answer_content(
    caller: Caller,
    server_session: str,
    device_id: str,
    seq: int,
    sdp: str,
    ticket: dict[str, object],
    websocket: dict[str, str],
) -> dict[str, Any]:
    """The content of the `m.call.answer` to a call."""
    content = _common(caller, server_session, device_id, seq)
    content["answer"] = {"type": "answer", "sdp": sdp}
    content[TICKET_KEY] = ticket
    content[WEBSOCKET_KEY] = websocket
    return content


def websocket(key: str) -> dict[str, str]:
    """How an answer says where else its session may come in, once and soon (netcode/PROTOCOL.md)."""
    return {"path": WEBSOCKET_PATH, "key": key}


def refusal_content(
    caller: Caller, server_session: str, device_id: str, seq: int, code: Refusal, retry_after_ms: int | None
) -> dict[str, Any]:
    """The content of the `m.call.hangup` that refuses a call."""
    content = _common(caller, server_session, device_id, seq)
    content["reason"] = f"org.roomscale.{code}"
    if retry_after_ms is not None:
        content["retry_after_ms"] = retry_after_ms
    return content


def _common(caller: Caller, server_session: str, device_id: str, seq: int) -> dict[str, Any]:
    return {
        "call_id": caller.call_id,
        "party_id": device_id,
        "version": VERSION,
        "conf_id": caller.room_id,
        "device_id": device_id,
        "sender_session_id": server_session,
        "dest_session_id": caller.tab,
        "seq": seq,
    }


def _caller(sender: object, content: dict[str, Any]) -> Caller:
    try:
        user_id = parse_user_id(sender)
        room_id = parse_room_id(content.get("conf_id"))
    except BadContent as error:
        raise CallRefused(str(error)) from None
    return Caller(
        user_id=user_id,
        device_id=_text(content, "device_id", 1),
        tab=_text(content, "sender_session_id", TAB_CHARS_LEAST),
        call_id=_text(content, "call_id", 1),
        room_id=room_id,
        seq=_seq(content.get("seq")),
    )


def _text(content: dict[str, Any], key: str, least: int) -> str:
    value = content.get(key)
    if not isinstance(value, str) or not least <= len(value) <= ID_CHARS:
        raise CallRefused(f"{key} is not {least} to {ID_CHARS} characters of text")
    if any(ord(c) < 0x20 or 0xD800 <= ord(c) <= 0xDFFF for c in value):
        raise CallRefused(f"{key} holds control characters")
    return value


def _seq(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= SEQ_MOST:
        raise CallRefused("seq is no whole number of 0 or more")
    return value


def _lifetime_s(value: object) -> float:
    """Seconds; a missing or strange lifetime counts as none, and the gate's own limit stands."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= SEQ_MOST:
        return float("inf")
    return value / 1000


def _sdp(offer: object, caller: Caller | None, limits: GateLimits) -> str:
    if not isinstance(offer, dict) or offer.get("type") != "offer":
        raise CallRefused("there is no offer", caller)
    sdp = offer.get("sdp")
    if not isinstance(sdp, str) or not sdp.startswith("v=0") or not sdp.isascii():
        raise CallRefused("the offer holds no SDP", caller)
    if len(sdp) > limits.offer_bytes:
        raise CallRefused(f"the offer is longer than {limits.offer_bytes} bytes", caller)
    return sdp
