"""Who may do how much: guests never spend what members need; one token, one address, one sender at a time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from roomscale.worlds.gate import budget
from roomscale.worlds.gate.budget import Line, Rates
from roomscale.worlds.gate.config import GateLimits
from roomscale.worlds.gate.offerrates import OfferRates
from roomscale.worlds.gate.todevice import ToDeviceRates


def test_a_bucket_gives_its_burst_and_then_its_rate() -> None:
    rates: Rates[str] = Rates(2.0, 3)
    assert [rates.take("a", 0.0) for _ in range(4)] == [True, True, True, False]
    assert rates.wait_s("a", 0.0) == 0.5
    assert rates.take("a", 0.5)
    assert rates.take("b", 0.5)
    assert not rates.take("a", 0.6)


def test_forgotten_keys_keep_the_memory_bounded(monkeypatch: object) -> None:
    rates: Rates[int] = Rates(1.0, 1)
    for key in range(budget.BUCKETS_AT_MOST + 500):
        rates.take(key, 0.0)
    assert len(rates._buckets) == budget.BUCKETS_AT_MOST


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0.1, 5)), max_size=60))
def test_no_bucket_gives_more_than_burst_and_rate(asked: list[tuple[float, float]]) -> None:
    rates: Rates[str] = Rates(1.5, 4)
    now = given_out = 0.0
    for pause, cost in asked:
        now += pause
        given_out += cost * rates.take("k", now, cost)
    assert given_out <= 4 + 1.5 * now + 1e-6


def test_members_go_before_guests_and_guests_hold_half_the_counters() -> None:
    line: Line[str] = Line(places=10, at_once=4)
    for name in ("g1", "g2", "g3"):
        line.put(name, name, guest=True)
    for name in ("m1", "m2", "m3"):
        line.put(name, name, guest=False)
    served = [line.next() for _ in range(5)]
    assert served == [("m1", False), ("m2", False), ("m3", False), ("g1", True), None]
    for _ in range(3):
        line.done(guest=False)
    assert line.next() == ("g2", True)
    assert line.next() is None  # two guests at most, though two counters are free


def test_a_full_line_of_guests_leaves_the_members_line_open() -> None:
    line: Line[int] = Line(places=2, at_once=1)
    assert [line.put(str(n), n, guest=True) for n in range(4)] == [True, True, False, False]
    assert line.put("member", 9, guest=False)
    assert line.put("0", 7, guest=True)  # asks again: keeps the place, with the newer call
    assert line.next() == (9, False)
    line.done(guest=False)
    assert line.next() == (7, True)


def test_a_flood_of_guests_leaves_members_their_offers() -> None:
    rates = OfferRates(GateLimits(offers_per_world_burst=10, offers_in_all_burst=20))
    refused = sum(rates.admit(f"@{n}:here", "!a:here", guest=True, now=0.0) is not None for n in range(100))
    assert refused == 90
    assert rates.admit("@ada:here", "!a:here", guest=False, now=0.0) is None
    wait = rates.admit("@100:here", "!a:here", guest=True, now=0.0)
    assert wait is not None
    assert wait > 0


def test_one_sender_is_limited_by_itself() -> None:
    rates = OfferRates(GateLimits(offers_per_sender=0.5, offers_per_sender_burst=2))
    taken = [rates.admit("@ada:here", "!a:here", guest=False, now=0.0) for _ in range(3)]
    assert taken == [None, None, 2.0]


def test_to_device_is_capped_per_token_in_number_and_bytes() -> None:
    rates = ToDeviceRates(GateLimits())
    passed = sum(rates.admit("token", "1.2.3.4", "m.room.encrypted", 60_000, 0.0) is None for _ in range(1_600))
    assert passed == 17  # a megabyte, where Synapse alone took 96
    assert rates.admit("another", "1.2.3.4", "m.room.encrypted", 60_000, 0.0) is None
    assert rates.admit("token", "1.2.3.4", "m.room.encrypted", 60_000, 60.0) is None
    calls = [rates.admit("caller", "1.2.3.5", "m.call.invite", 2_000, 0.0) for _ in range(30)]
    assert calls.count(None) == 20


def test_to_device_is_capped_per_address_whatever_the_tokens() -> None:
    rates = ToDeviceRates(GateLimits(to_device_per_address_burst=50))
    passed = sum(rates.admit(f"t{n}", "1.2.3.4", "m.call.invite", 500, 0.0) is None for n in range(200))
    assert passed == 50
    assert rates.admit("elsewhere", "1.2.3.5", "m.call.invite", 500, 0.0) is None
