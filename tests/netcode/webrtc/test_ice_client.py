"""The ICE client against our server's side, over a seeded network in virtual time."""

from __future__ import annotations

import itertools
import secrets
from dataclasses import dataclass, field

import pytest

from roomscale.netcode.testing.link import Link, LinkConfig
from roomscale.netcode.webrtc import stun
from roomscale.netcode.webrtc.ice import IceSession
from roomscale.netcode.webrtc.ice_client import MAX_CANDIDATES, MAX_UNHEARD, PACING, IceClient
from roomscale.netcode.webrtc.ice_events import Claimed, ConsentLost, Failed, Moved, Proven, Retired
from roomscale.netcode.webrtc.ice_paths import CONSENT, CONSENT_EVERY, Credentials
from roomscale.netcode.webrtc.stun import Address, Key
from tests.netcode.webrtc.ice_peer import AWAY, HOME

SERVER = ("198.51.100.1", 3478)
SERVER_6 = ("2001:db8::1", 3478)
DEAD = ("198.51.100.9", 3478)

HELLO = b"\x16" * 180
"""What is not STUN, such as a small ClientHello."""

Flight = tuple[bytes, Address, Address]
"""A datagram, whence, whither."""


class Way:
    """One direction of the network: the link carries numbers, and who spoke to whom is remembered beside it."""

    def __init__(self, config: LinkConfig, seed: int) -> None:
        self._link = Link(config, seed)
        self._sent: list[Flight] = []

    def send(self, flight: Flight, now: float) -> None:
        self._link.send(len(self._sent).to_bytes(4, "big"), now)
        self._sent.append(flight)

    def due(self, now: float) -> list[Flight]:
        return [self._sent[int.from_bytes(number, "big")] for number in self._link.due(now)]


@dataclass
class Pair:
    """A client and a server's session, a link each way, and a clock of their own."""

    config: LinkConfig = field(default_factory=LinkConfig)
    seed: int = 1
    where: Address = HOME
    """The client's address as the server sees it."""
    cut: bool = False
    """Whether nothing that the server sends arrives."""
    now: float = 0.0
    client: IceClient = field(default_factory=IceClient)
    carried: int = 0
    """STUN messages that arrived."""
    spoken: float = -1.0
    content: bool = False

    def __post_init__(self) -> None:
        self.session = IceSession(self.client.local, tag=b"abcd")
        self.up = Way(self.config, self.seed)
        self.down = Way(self.config, self.seed + 1000)

    def call(self, *candidates: tuple[str, int]) -> None:
        self.client.accept(self.session.local, candidates or [SERVER], self.now)
        self.flush()

    def restart(self) -> None:
        """Both sides' halves of an ICE restart; signalling takes no time."""
        self.client.accept(self.session.restart(self.client.restart()), [SERVER], self.now)
        self.flush()

    def flush(self) -> None:
        """What both sides have to say goes onto the link."""
        for datagram, to in self.client.outgoing():
            self.up.send((datagram, self.where, to), self.now)
        for datagram, to in self.session.outgoing():
            self.down.send((datagram, SERVER, to), self.now)

    def deliver(self) -> None:
        """What has arrived by now is taken, and answered."""
        for datagram, whence, to in self.up.due(self.now):
            if to == SERVER and datagram is HELLO:
                self.session.received(whence, len(datagram), self.now)
            elif to in (SERVER, SERVER_6):
                self.carried += 1
                self._at_server(stun.parse(datagram), whence, to)
        for datagram, whence, to in self.down.due(self.now):
            if to == self.where and not self.cut:
                self.carried += 1
                self._at_client(stun.parse(datagram), whence)

    def run(self, until: float) -> None:
        """Let time pass, in steps of 5 ms."""
        while self.now < until:
            self.now += 0.005
            self.deliver()
            for side in (self.client, self.session):
                due = side.next_timer()
                if due is not None and due <= self.now:
                    side.on_timer(self.now)
            self.speak()
            self.flush()

    def speak(self) -> None:
        """Once it is connected the client says hello each second, and when the server is content, much each 50 ms."""
        self.content = self.content or self.session.proven
        if self.client.connected and self.now >= self.spoken + (0.05 if self.content else 1.0):
            self.spoken = self.now
            self.up.send((HELLO, self.where, SERVER), self.now)

    def until(self, seconds: float) -> float:
        """Run until both are content, at most so long; how long it took."""
        began = self.now
        while not (self.client.connected and self.session.proven and self.session.address == self.where):
            assert self.now < began + seconds, "not in time"
            self.run(self.now + 0.005)
        return self.now - began

    def _at_server(self, message: stun.Message, whence: Address, to: Address) -> None:
        if message.kind == stun.BINDING_REQUEST:
            reply = self.session.receive_request(message, whence, self.now)
            for datagram, back in [*self.session.outgoing(), *([(reply, whence)] if reply else [])]:
                self.down.send((datagram, to, back), self.now)
        else:
            self.session.receive_response(message, whence, self.now)

    def _at_client(self, message: stun.Message, whence: Address) -> None:
        if message.kind == stun.BINDING_REQUEST:
            if reply := self.client.receive_request(message, whence):
                self.up.send((reply, self.where, whence), self.now)
        else:
            self.client.receive_response(message, whence, self.now)


def test_it_connects_in_one_round_trip_without_any_timer_and_the_servers_proof_is_there_before_the_client_speaks() -> (
    None
):
    pair = Pair(LinkConfig(delay=0.01))
    pair.call()
    for _ in range(2):
        pair.now += 0.01
        pair.deliver()
    assert pair.client.connected
    assert pair.client.address == SERVER
    pair.up.send((HELLO, pair.where, SERVER), pair.now)  # as soon as it is connected
    pair.now += 0.01
    first, second = pair.up.due(pair.now)
    assert second[0] is HELLO
    assert pair.session.receive_response(stun.parse(first[0]), first[1], pair.now)
    assert pair.session.proven
    assert pair.client.events() == [Moved(SERVER), Proven(SERVER)]
    assert pair.session.events() == [Claimed(HOME), Moved(HOME), Proven(HOME)]


@pytest.mark.parametrize(("loss", "median", "nearly_all"), [(0.05, 0.25, 0.8), (0.2, 0.5, 3.0), (0.3, 0.8, 5.0)])
def test_it_connects_over_bad_networks(loss: float, median: float, nearly_all: float) -> None:
    took = []
    for seed in range(40):
        pair = Pair(LinkConfig(delay=0.03, jitter=0.03, loss=loss, duplicate=0.1, reorder=0.1), seed=seed)
        pair.call()
        took.append(pair.until(10))
    assert sorted(took)[20] < median
    assert sorted(took)[38] < nearly_all


def test_the_first_candidate_that_answers_is_taken_and_the_others_are_left_alone() -> None:
    pair = Pair(LinkConfig(delay=0.01))
    pair.call(DEAD, SERVER_6, SERVER)
    assert pair.until(1) < PACING + 0.04
    assert pair.client.address == SERVER_6
    pair.client.events()
    pair.run(20)
    assert pair.client.address == SERVER_6
    assert pair.client.events() == []


def test_candidates_are_asked_one_after_the_other_and_not_too_many_of_them() -> None:
    client = IceClient()
    client.accept(Credentials.fresh(), [(f"198.51.100.{i}", 1) for i in range(20)] * 2, 5.0)
    asked = [(5.0, to) for _, to in client.outgoing()]
    while (due := client.next_timer()) is not None and due < 5.0 + PACING * 20:
        client.on_timer(due)
        asked += [(due, to) for _, to in client.outgoing()]
    firsts: dict[Address, float] = {}
    for at, to in asked:
        firsts.setdefault(to, at)
    assert len(firsts) == MAX_CANDIDATES
    assert sorted(firsts.values()) == pytest.approx([5.0 + PACING * i for i in range(MAX_CANDIDATES)])


def test_an_answer_whose_addresses_are_silent_or_none_fails_once() -> None:
    client = IceClient()
    client.accept(Credentials.fresh(), [DEAD, SERVER], 0.0)
    while (due := client.next_timer()) is not None:
        client.on_timer(due)
        assert due < 15
    assert client.events() == [Failed()]
    assert client.address is None
    client.accept(Credentials.fresh(), [], 0.0)
    assert client.events() == [Failed()]


def test_only_the_servers_answer_counts() -> None:
    client, server = IceClient(tag=b"me"), Credentials.fresh()
    client.accept(server, [SERVER, SERVER_6], 0.0)
    (check, to), *_ = client.outgoing()
    assert to == SERVER
    assert check[8:10] == b"me"
    request = stun.parse(check)
    assert request.authentic(Key(server.password.encode()))
    assert request.attributes[stun.USERNAME] == f"{server.ufrag}:{client.local.ufrag}".encode()
    assert stun.USE_CANDIDATE in request.attributes
    mapped = stun.MappedAddress(("192.0.2.1", 1))
    good = stun.parse(stun.success(request.transaction, mapped, Key(server.password.encode())))
    forged = stun.parse(stun.success(request.transaction, mapped, Key(client.local.password.encode())))
    assert not client.receive_response(forged, SERVER, 0.1)
    assert not client.receive_response(good, SERVER_6, 0.1)
    assert not client.receive_response(good, DEAD, 0.1)
    assert not client.connected
    assert client.receive_response(good, SERVER, 0.1)
    assert client.connected
    due = client.next_timer()
    assert due is not None
    client.on_timer(due)
    ((check, _),) = client.outgoing()
    again = stun.parse(stun.success(check[8:20], mapped, Key(server.password.encode())))
    assert not client.receive_response(again, DEAD, due)
    assert client.receive_response(again, SERVER, due)


def test_a_server_that_never_asks_is_asked_a_few_times_more_and_then_for_its_consent_alone() -> None:
    client, server = IceClient(), Credentials.fresh()
    client.accept(server, [SERVER], 0.0)
    asked, now = [], 0.0
    while now < 60.0:
        client.on_timer(now)
        for check, _ in client.outgoing():
            asked.append(now)
            good = stun.success(check[8:20], stun.MappedAddress(HOME), Key(server.password.encode()))
            assert client.receive_response(stun.parse(good), SERVER, now)
        now = client.next_timer() or 60.0
    gaps = [b - a for a, b in itertools.pairwise(asked)]
    assert all(gap < 0.3 for gap in gaps[:MAX_UNHEARD])
    assert all(0.79 < gap / CONSENT_EVERY < 1.21 for gap in gaps[MAX_UNHEARD:])
    assert len(asked) < 30
    assert client.events() == [Moved(SERVER), Proven(SERVER)]


def test_an_ipv6_sockets_longer_address_is_the_same_one() -> None:
    client, server = IceClient(), Credentials.fresh()
    client.accept(server, [SERVER_6], 0.0)
    ((check, _),) = client.outgoing()
    good = stun.success(check[8:20], stun.MappedAddress(AWAY), Key(server.password.encode()))
    assert client.receive_response(stun.parse(good), (*SERVER_6, 0, 0), 0.1)
    assert client.address == SERVER_6


def test_it_answers_the_servers_checks_even_before_the_answer_came_and_nobody_elses() -> None:
    client = IceClient()
    key = Key(client.local.password.encode())

    def check(username: str, key: Key, extra: bytes = b"") -> stun.Message:
        says = stun.check_attributes(username.encode(), 1, stun.ICE_CONTROLLED, 1, nominate=False) + extra
        return stun.parse(stun.seal(stun.BINDING_REQUEST, secrets.token_bytes(12), says, key))

    request = check(f"{client.local.ufrag}:anything", key)
    reply = client.receive_request(request, SERVER)
    assert reply is not None
    response = stun.parse(reply)
    assert response.authentic(key)
    assert response.transaction == request.transaction
    assert response.mapped_address() == SERVER
    assert client.receive_request(check("other:x", key), SERVER) is None
    assert client.receive_request(check(f"{client.local.ufrag}:x", Key(b"guess")), SERVER) is None
    assert client.receive_request(stun.parse(reply), SERVER) is None
    indication = stun.seal(stun.BINDING_INDICATION, bytes(12), request.data[20:-32], key)
    assert client.receive_request(stun.parse(indication), SERVER) is None
    odd = client.receive_request(check(f"{client.local.ufrag}:x", key, stun.attribute(0x7777, b"")), SERVER)
    assert odd is not None
    assert stun.parse(odd).error_code() == 420


@pytest.mark.parametrize("loss", [0.0, 0.2])
def test_consent_is_kept_for_as_long_as_the_server_is_there(loss: float) -> None:
    pair = Pair(LinkConfig(delay=0.05, burst_loss=loss, burst_length=3))
    pair.call()
    pair.until(5)
    pair.client.events()
    pair.session.events()
    before = pair.carried
    pair.run(300)
    assert pair.client.connected
    assert pair.session.proven
    assert pair.client.events() == pair.session.events() == []
    assert pair.carried - before < 2 * 2 * 300 / CONSENT_EVERY * (1.1 if not loss else 2.5)


def test_a_server_that_vanishes_loses_its_consent() -> None:
    pair = Pair(LinkConfig(delay=0.05))
    pair.call()
    pair.until(1)
    pair.client.events()
    pair.cut = True
    pair.run(CONSENT - 1)
    assert pair.client.connected
    pair.run(CONSENT + CONSENT_EVERY + 2)
    assert not pair.client.connected
    assert pair.client.events() == [ConsentLost()]
    assert pair.client.next_timer() is None
    pair.cut, old = False, pair.client.local.ufrag
    pair.restart()
    pair.run(pair.now + 1)
    assert pair.client.connected
    assert pair.session.proven
    assert pair.client.events() == [Retired(old), Proven(SERVER)]


@pytest.mark.parametrize("loss", [0.0, 0.2])
def test_a_restart_brings_the_session_to_another_network_in_time(loss: float) -> None:
    took = []
    for seed in range(30):
        pair = Pair(LinkConfig(delay=0.04, burst_loss=loss, burst_length=2), seed=seed)
        pair.call()
        pair.until(10)
        old, ours = pair.session.local.ufrag, pair.client.local.ufrag
        pair.run(pair.now + 3)
        pair.session.events()
        pair.client.events()
        pair.where = AWAY
        pair.restart()
        took.append(pair.until(10))
        pair.run(pair.now + 3)
        assert set(pair.session.events()) == {Claimed(AWAY), Proven(AWAY), Retired(old), Moved(AWAY)}
        assert pair.client.events() == [Retired(ours)]  # the server is where it was
        assert pair.session.address == AWAY
    assert sorted(took)[28] < 2.0


def test_a_restart_that_fails_leaves_what_there_was() -> None:
    pair = Pair(LinkConfig(delay=0.01))
    pair.call()
    pair.until(1)
    pair.client.events()
    pair.client.restart()
    pair.client.accept(Credentials.fresh(), [SERVER], pair.now)
    pair.run(40)
    assert pair.client.events() == [Failed()]
    assert pair.client.connected
    assert pair.session.proven
    pair.restart()
    pair.run(41)
    assert pair.client.connected
    assert any(isinstance(event, Retired) for event in pair.session.events())


def test_after_a_restart_the_old_name_is_answered_to_until_the_new_one_works() -> None:
    pair = Pair(LinkConfig(delay=0.01))
    pair.call()
    pair.until(1)

    def answers_to(name: Credentials) -> bool:
        says = stun.check_attributes(f"{name.ufrag}:x".encode(), 1, stun.ICE_CONTROLLED, 1, nominate=False)
        check = stun.seal(stun.BINDING_REQUEST, bytes(12), says, Key(name.password.encode()))
        return pair.client.receive_request(stun.parse(check), SERVER) is not None

    names = [pair.client.local]
    for _ in range(3):
        names.append(pair.client.restart())
        assert [answers_to(name) for name in names] == [True, *[False] * (len(names) - 2), True]
    pair.client.accept(pair.session.restart(names[-1]), [SERVER], pair.now)
    pair.run(pair.now + 1)
    assert [answers_to(name) for name in names] == [False, False, False, True]


def test_a_tag_leaves_most_of_a_nonce_to_chance() -> None:
    with pytest.raises(ValueError, match="tag"):
        IceClient(tag=b"12345")
