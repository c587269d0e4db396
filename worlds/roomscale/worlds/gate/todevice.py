"""Caps to-device requests in the pass-through. Pure: the time is a parameter.

Homeservers do not limit to-device at all (1,600 messages of 60 kB in 15 s from one guest were taken), and each one
lands in somebody's next sync. The one rule: tokens are told apart by their hash; the token itself is kept nowhere.
"""

from __future__ import annotations

import hashlib

from roomscale.worlds.gate.budget import Rates
from roomscale.worlds.gate.config import GateLimits

CALL_PREFIX = "m.call."
CALLS_PER_TOKEN = 2.0
"""Call messages of one token per second: a client repeats its invite each 4 s."""
CALLS_PER_TOKEN_BURST = 20
LEAST_COST = 1_024
"""Bytes that a request costs at least, also when it does not announce its length."""


class ToDeviceRates:
    """The limits of `GateLimits.to_device_…`, per token and per address."""

    def __init__(self, limits: GateLimits) -> None:
        self._unknown_cost = limits.to_device_bytes
        self._count: Rates[bytes] = Rates(limits.to_device_per_token, limits.to_device_per_token_burst)
        self._bytes: Rates[bytes] = Rates(limits.to_device_bytes_per_token, limits.to_device_bytes_per_token_burst)
        self._calls: Rates[bytes] = Rates(CALLS_PER_TOKEN, CALLS_PER_TOKEN_BURST)
        self._address: Rates[str] = Rates(limits.to_device_per_address, limits.to_device_per_address_burst)

    def admit(self, token: str, address: str, event_type: str, length: int | None, now: float) -> float | None:
        """None: it may pass. Otherwise the seconds after which it is worth another try.

        `length` in bytes; None (it comes in chunks) counts as the longest allowed.
        """
        key = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        size = float(max(LEAST_COST, self._unknown_cost if length is None else length))
        wait = max(
            self._address.wait_s(address, now),
            self._count.wait_s(key, now),
            self._bytes.wait_s(key, now, size),
            self._calls.wait_s(key, now) if event_type.startswith(CALL_PREFIX) else 0.0,
        )
        if wait > 0:
            return wait
        self._address.take(address, now)
        self._count.take(key, now)
        self._bytes.take(key, now, size)
        if event_type.startswith(CALL_PREFIX):
            self._calls.take(key, now)
        return None
