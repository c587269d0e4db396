"""The recording that the browser's tests play: it can be made, and what lies there was made by this codec."""

from __future__ import annotations

import json

from roomscale.netcode.core.conversation import Conversation
from roomscale.netcode.core.messages import Channel
from tests.netcode.recording import COUNTS_FROM, RECORDING, SECONDS, record, text


def test_it_is_small_and_every_frame_of_it_is_understood() -> None:
    raw = RECORDING.read_text()
    assert len(raw) < 200_000
    recording = json.loads(raw)
    onlooker = Conversation()
    onlooker.opened(0.0)
    for ms, channel, data in recording["frames"]:
        if ms <= COUNTS_FROM * 1000:
            unread = onlooker.tally.unread
        onlooker.receive(Channel[channel.upper()], bytes.fromhex(data), ms / 1000)
    assert onlooker.tally.malformed == 0
    assert onlooker.tally.unread == unread  # but for the moment before ENTER came
    assert set(onlooker.seen) == set(recording["peers"].values())
    for name, peer in recording["peers"].items():
        shown = onlooker.seen[peer].pose
        notes = recording["truth"][name]
        assert len(notes) == SECONDS * 50
        assert min(abs(shown.x - x) + abs(shown.z - z) for _, x, _, z in notes[-50:]) < 60


def test_it_can_be_made_anew_and_the_same_seed_makes_the_same() -> None:
    first, second = (text(record(2.0)) for _ in range(2))
    assert first == second
    assert len(json.loads(first)["frames"]) > 30


def test_timers_found_the_servers_ticks() -> None:
    """Poses are told when they are about as old as the way up and its jitter: none waited for a tick in vain."""
    recording = json.loads(RECORDING.read_text())
    onlooker = Conversation()
    onlooker.opened(0.0)
    ages = []
    for ms, channel, data in recording["frames"]:
        onlooker.receive(Channel[channel.upper()], bytes.fromhex(data), ms / 1000)
        if ms > COUNTS_FROM * 1000 and channel == "poses" and onlooker.snapshot:
            ages += [record.age for record in onlooker.snapshot.records]  # type: ignore[union-attr]
    good = sum(4 <= age <= 6 for age in ages)  # 64 to 96 ms: 50 there, 30 of jitter, 8 before the tick
    assert good >= 0.85 * len(ages)
