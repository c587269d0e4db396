"""A client's half: what it says of where it is and when, and what it makes of what it is told."""

from __future__ import annotations

import dataclasses

import pytest

from roomscale.netcode.core.conversation import Conversation
from roomscale.netcode.core.messages import (
    Channel,
    ClientMessage,
    Correct,
    Delta,
    Enter,
    Entrant,
    Here,
    Jump,
    Keyframe,
    Leave,
    Ping,
    Pong,
    Pose,
    PoseUpdate,
    ServerMessage,
    Sight,
    Welcome,
)
from roomscale.netcode.core.protocol import channel_of, decode_client, encode


class Talk:
    """A conversation with a server of one hand."""

    def __init__(self, *, version: int = 2, looks: bool = True) -> None:
        self.now = 10.0
        self.client = Conversation(looks=looks, newest=version)
        self.client.opened(self.now)
        self.tell(Welcome(version, 1, 100, 20, 5000, 50, "Me"))

    def tell(self, message: ServerMessage) -> None:
        self.client.receive(channel_of(message), encode(message), self.now)

    def pass_(self, seconds: float, step: int = 0) -> list[ClientMessage]:
        """What it says meanwhile, asked each 5 ms; `step`: millimetres that it walks in each."""
        said: list[ClientMessage] = []
        for _ in range(round(seconds / 0.005)):
            self.now += 0.005
            if step:
                self.client.pose = dataclasses.replace(self.client.pose, x=self.client.pose.x + step)
            said += [decode_client(channel, data) for channel, data in self.client.due(self.now)]
        return said

    def sight(self, tick: int, *records: Keyframe | Delta) -> None:
        self.tell(Sight(1, 255, 0, tick, 0, records))


def heres(said: list[ClientMessage]) -> list[Here]:
    return [m for m in said if isinstance(m, Here)]


def test_nothing_is_said_before_welcome_but_hello() -> None:
    client = Conversation()
    (hello,) = client.opened(0.0)
    assert hello[0] is Channel.EVENTS
    assert client.due(1.0) == []


def test_it_says_where_it_is_at_the_tick_rate_while_moving_a_moment_longer_and_then_once_a_second() -> None:
    talk = Talk()
    moving = heres(talk.pass_(1.0, step=7))
    assert 20 <= len(moving) <= 21
    assert [h.seq for h in moving] == list(range(1, len(moving) + 1))
    after = heres(talk.pass_(0.5))
    assert 7 <= len(after) <= 10
    assert 4 <= len(heres(talk.pass_(5.0))) <= 5


def test_each_pose_is_stamped_with_the_servers_time() -> None:
    talk = Talk()
    for here in heres(talk.pass_(1.0, step=7)):
        assert 5000 <= here.at <= 6000
    assert here.at == pytest.approx(5000 + 950, abs=60)


def test_pings_come_quickly_at_first_and_then_once_a_second() -> None:
    talk = Talk()
    for _ in range(400):
        for message in talk.pass_(0.005):
            if isinstance(message, Ping):
                talk.now += 0.002
                talk.tell(Pong(message.client_ms, 100, 5000 + round((talk.now - 10) * 1000) - 1))
    assert 5 <= len(talk.client.tally.rtts) <= 8
    assert len([m for m in talk.pass_(3.0) if isinstance(m, Ping)]) == 3
    assert talk.client.clock.ms(talk.now) == pytest.approx(5000 + (talk.now - 10) * 1000, abs=3)


def test_being_suddenly_elsewhere_is_a_jump_and_walking_is_none() -> None:
    talk = Talk()
    assert not any(isinstance(m, Jump) for m in talk.pass_(3.0, step=22))  # 4.5 m/s
    talk.client.pose = Pose(x=-50_000)
    said = talk.pass_(0.1)
    (jump,) = [m for m in said if isinstance(m, Jump)]
    assert (jump.jumps, jump.pose) == (1, Pose(x=-50_000))
    assert said.index(jump) < said.index(heres(said)[0])
    assert {(h.jumps, h.corrections) for h in heres(said)} == {(1, 0)}
    for i in range(16):
        talk.client.pose = Pose(x=50_000 * (-1) ** i)
        said = talk.pass_(0.1)
    assert heres(said)[-1].jumps == 1  # the 17th


def test_a_correction_is_obeyed() -> None:
    talk = Talk()
    talk.pass_(0.2, step=10)
    talk.tell(Correct(5, Pose(z=777)))
    said = talk.pass_(1.2)
    assert not any(isinstance(m, Jump) for m in said)
    assert {(h.corrections, h.pose) for h in heres(said)} == {(5, Pose(z=777))}


def test_a_client_of_version_1_says_pose_and_never_jumps() -> None:
    talk = Talk(version=1)
    said = talk.pass_(0.5, step=10)
    talk.client.pose = Pose(x=90_000)
    said += talk.pass_(0.2)
    assert {type(m) for m in said} <= {PoseUpdate, Ping}


def test_the_newest_of_each_peer_counts_and_only_of_those_who_are_here() -> None:
    talk = Talk()
    talk.tell(Enter((Entrant(2, 1, "@b:x", "Bo", "ada"), Entrant(3, 1, "@c:x", "Cy", "ada"))))
    key = Keyframe(2, 1000, 0, 0, 0, 0, 0, 0, 0)
    talk.sight(105, key, dataclasses.replace(key, peer=9))
    talk.sight(103, dataclasses.replace(key, x=5), dataclasses.replace(key, peer=3))
    assert {p: s.pose.x for p, s in talk.client.seen.items()} == {2: 1000, 3: 1000}
    assert talk.client.tick == 105
    talk.sight(107, Delta(2, 101, 0, 0, 0, 1, 0, 0))
    assert talk.client.seen[2].pose == Pose(x=1010, flags=1)
    assert talk.client.in_sight() == {2, 3}
    talk.sight(152)
    assert talk.client.in_sight() == {2, 3}
    talk.sight(155)
    assert talk.client.in_sight() == {2}
    talk.sight(158, Delta(3, 0, 0, 0, 0, 0, 0, 0))
    assert talk.client.tally.unread == 0
    talk.sight(190, Delta(2, 0, 0, 0, 0, 0, 0, 0))
    assert talk.client.tally.unread == 1  # nothing known of 2 for 83 ticks
    talk.tell(Leave((3,)))
    assert talk.client.in_sight() == set()


def test_a_client_that_does_not_look_only_counts() -> None:
    talk = Talk(looks=False)
    talk.tell(Enter((Entrant(2, 1, "@b:x", "Bo", "ada"),)))
    talk.sight(200, Keyframe(2, 1000, 0, 0, 0, 0, 0, 0, 0))
    talk.client.receive(Channel.POSES, b"\x91", talk.now)
    assert talk.client.seen == {}
    assert (talk.client.tally.snapshots, talk.client.tally.records, talk.client.tick) == (1, 1, 200)
    assert talk.client.tally.malformed == 1


def test_what_is_malformed_is_counted() -> None:
    talk = Talk()
    talk.client.receive(Channel.EVENTS, b"\xff", talk.now)
    talk.client.receive(Channel.POSES, b"\x91\x00", talk.now)
    assert talk.client.tally.malformed == 2
