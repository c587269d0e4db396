"""Token buckets and the two-class line in front of the door. Pure: the time is a parameter.

The one rule: whatever a class of callers does, it spends its own budget. Free guests never use up what members need.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")

BUCKETS_AT_MOST = 20_000
"""Buckets kept per limit (about 200 bytes each); beyond that the longest unused one is forgotten."""


@dataclass
class _Bucket:
    tokens: float
    at: float


class Rates(Generic[K]):
    """One token bucket per key: `rate` tokens a second, at most `burst` of them saved up."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = float(burst)
        self._buckets: OrderedDict[K, _Bucket] = OrderedDict()

    def wait_s(self, key: K, now: float, cost: float = 1.0) -> float:
        """Seconds until `cost` tokens are there (0: now); takes nothing."""
        missing = cost - self._fill(key, now).tokens
        if missing <= 0:
            return 0.0
        return missing / self._rate if self._rate > 0 else float("inf")

    def take(self, key: K, now: float, cost: float = 1.0) -> bool:
        """Take `cost` tokens if they are there."""
        bucket = self._fill(key, now)
        if bucket.tokens < cost:
            return False
        bucket.tokens -= cost
        return True

    def _fill(self, key: K, now: float) -> _Bucket:
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = _Bucket(self._burst, now)
            while len(self._buckets) > BUCKETS_AT_MOST:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(key)
            bucket.tokens = min(self._burst, bucket.tokens + max(0.0, now - bucket.at) * self._rate)
            bucket.at = now
        return bucket


@dataclass
class Line(Generic[T]):
    """Who waits at the door: members before guests, each class with places of its own, one place per key.

    Somebody who asks again while still waiting keeps their place with the newer request.
    """

    places: int
    at_once: int
    _members: deque[str] = field(default_factory=deque)
    _guests: deque[str] = field(default_factory=deque)
    _waiting: dict[str, T] = field(default_factory=dict)
    _busy: int = 0
    _busy_guests: int = 0

    def put(self, key: str, item: T, *, guest: bool) -> bool:
        """Stand in line; False when the class's places are all taken."""
        if key in self._waiting:
            self._waiting[key] = item
            return True
        line = self._guests if guest else self._members
        if len(line) >= self.places:
            return False
        line.append(key)
        self._waiting[key] = item
        return True

    def next(self) -> tuple[T, bool] | None:
        """The next one to be served and whether as a guest; None when nobody may be served now.

        Call `done` when finished. Guests never hold more than half of the counters.
        """
        if self._busy >= self.at_once:
            return None
        if self._members:
            self._busy += 1
            return self._waiting.pop(self._members.popleft()), False
        if self._guests and self._busy_guests < max(1, self.at_once // 2):
            self._busy += 1
            self._busy_guests += 1
            return self._waiting.pop(self._guests.popleft()), True
        return None

    def done(self, *, guest: bool) -> None:
        """One that `next` gave is finished."""
        self._busy -= 1
        if guest:
            self._busy_guests -= 1

    def __len__(self) -> int:
        return len(self._waiting)
