"""Remembers which calls came and what they were answered, so that answering twice does nothing twice. Pure.

The one rule: of each tab of each user only the newest call counts.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Literal

from roomscale.worlds.gate.signalling import Invite

REMEMBERED = 20_000
"""Tabs remembered, about 1 kB each; the longest silent ones are forgotten first."""
REMEMBERED_S = 600.0
"""A tab that was silent for so long starts anew."""

Verdict = Literal["fresh", "again", "waiting", "stale"]


@dataclass
class _Call:
    call_id: str
    offer_hash: bytes
    seq: int
    at: float
    event_type: str | None = None
    content: dict[str, Any] | None = None


class CallLog:
    """The newest call of each tab."""

    def __init__(self) -> None:
        self._calls: OrderedDict[str, _Call] = OrderedDict()

    def judge(self, invite: Invite, now: float) -> Verdict:
        """What to do with an invite; a fresh one is the tab's newest from now on.

        fresh: work on it. again: send `answered` once more. waiting: the answer is under way. stale: drop it.
        """
        self._forget(now)
        caller, key = invite.caller, invite.caller.tab_key
        known = self._calls.get(key)
        if known is not None:
            same = known.call_id == caller.call_id and known.offer_hash == invite.offer_hash
            if same and caller.seq <= known.seq:
                return "stale" if known.content is None else "again"
            if same and known.event_type is None:
                known.seq, known.at = caller.seq, now
                return "waiting"
            if same and known.event_type == "m.call.answer":
                known.seq, known.at = caller.seq, now
                return "again"
            if caller.seq <= known.seq:
                return "stale"
        self._calls[key] = _Call(caller.call_id, invite.offer_hash, caller.seq, now)
        self._calls.move_to_end(key)
        while len(self._calls) > REMEMBERED:
            self._calls.popitem(last=False)
        return "fresh"

    def answered(self, invite: Invite) -> tuple[str, dict[str, Any]] | None:
        """Event type and content that a call was answered with."""
        known = self._calls.get(invite.caller.tab_key)
        if known is None or known.event_type is None or known.content is None:
            return None
        return known.event_type, known.content

    def is_newest(self, invite: Invite) -> bool:
        """Whether no newer call of the same tab came meanwhile."""
        known = self._calls.get(invite.caller.tab_key)
        return known is not None and (known.call_id, known.offer_hash) == (
            invite.caller.call_id,
            invite.offer_hash,
        )

    def answer(self, invite: Invite, event_type: str, content: dict[str, Any]) -> None:
        """Remember an answer, for those who ask again."""
        known = self._calls.get(invite.caller.tab_key)
        if known is not None and self.is_newest(invite):
            known.event_type, known.content = event_type, content

    def forget(self, tab_key: str) -> None:
        """The tab is gone, or its answer is void: its next call is fresh."""
        known = self._calls.get(tab_key)
        if known is not None:
            known.event_type = known.content = None
            known.call_id = ""

    def _forget(self, now: float) -> None:
        while self._calls:
            key, call = next(iter(self._calls.items()))
            if now - call.at <= REMEMBERED_S:
                return
            del self._calls[key]
