"""How many calls the door takes from whom. Pure: the time is a parameter.

The one rule: members and guests have budgets of their own at every level, so that guests, who are free, use up only
theirs.
"""

from __future__ import annotations

from roomscale.worlds.gate.budget import Rates
from roomscale.worlds.gate.config import GateLimits

REPLIES_PER_S = 1.0
REPLIES_BURST = 10
"""Refusals and repeated answers to one sender: an answer costs the homeserver about 5 ms."""


class OfferRates:
    """The limits of `GateLimits.offers_…`."""

    def __init__(self, limits: GateLimits) -> None:
        self._sender: Rates[str] = Rates(limits.offers_per_sender, limits.offers_per_sender_burst)
        self._world: Rates[tuple[str, bool]] = Rates(limits.offers_per_world, limits.offers_per_world_burst)
        self._all: Rates[bool] = Rates(limits.offers_in_all, limits.offers_in_all_burst)
        self._replies: Rates[str] = Rates(REPLIES_PER_S, REPLIES_BURST)

    def admit(self, user_id: str, room_id: str, *, guest: bool, now: float) -> float | None:
        """None: the call may be worked on. Otherwise the seconds after which to call again."""
        wait = max(
            self._sender.wait_s(user_id, now),
            self._world.wait_s((room_id, guest), now),
            self._all.wait_s(guest, now),
        )
        if wait > 0:
            return wait
        self._sender.take(user_id, now)
        self._world.take((room_id, guest), now)
        self._all.take(guest, now)
        return None

    def repeat(self, user_id: str, now: float) -> bool:
        """Whether an answer may be sent once more."""
        return self._replies.take(user_id, now)

    def refuse(self, user_id: str, now: float) -> bool:
        """Whether a refusal may be sent."""
        return self._replies.take(user_id, now)
