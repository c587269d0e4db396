"""Records what a browser would have received: one who walks and one who runs, over bad links both ways.

Run it to write the recording anew, after a change that is meant to change it:
`python -m tests.netcode.recording`. `web/src/netcode/recording.test.ts` plays it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from roomscale.netcode.core.conversation import Conversation
from roomscale.netcode.core.messages import Channel
from roomscale.netcode.testing.link import LinkConfig
from roomscale.netcode.testing.rig import Guest, Rig
from tests.netcode.errands import RUN, STEP, WALK, Walker, errand

RECORDING = Path(__file__).parents[2] / "netcode" / "recordings" / "errands.json"
LINK = LinkConfig(delay=0.05, jitter=0.03, loss=0.05)
"""100 ms there and back, up to 30 ms more each way, 1 in 20 lost: for those who walk and for the one who looks on."""
SECONDS = 45
COUNTS_FROM = 5
"""Seconds before the recording counts: clocks and timers find each other."""
TRUTH_EVERY = 4
"""Steps between two notes of where the walkers truly are: 20 ms."""


@dataclass(slots=True)
class Onlooker(Conversation):
    """Notes each frame before it reads it: [ms, channel, hex]."""

    frames: list[list[Any]] = field(default_factory=list)

    def receive(self, channel: Channel, data: bytes, now: float) -> None:
        self.frames.append([round(now * 1000), channel.name.lower(), data.hex()])
        Conversation.receive(self, channel, data, now)


def record(seconds: float = SECONDS) -> dict[str, Any]:
    """The recording; times are milliseconds of the onlooker's clock, places millimetres."""
    rig = Rig(link=LINK, seed=1)
    walkers = {"walker": Walker(errand(WALK), x=3.0, z=-4.0), "runner": Walker(errand(RUN), x=-3.0, z=-6.0)}
    truth: dict[str, list[list[int]]] = {name: [] for name in walkers}
    onlooker = Onlooker()
    rig.guests["onlooker"] = Guest("onlooker", onlooker, None)
    for name, walker in walkers.items():
        rig.guests[name] = Guest(name, Conversation(pose=walker.pose()), None)
    guests = {name: rig.visit(name) for name in list(rig.guests)}

    def each(now: float) -> None:
        for name, walker in walkers.items():
            walker.step()
            guests[name].talk.pose = pose = walker.pose()
            if round(now / STEP) % TRUTH_EVERY == 0:
                truth[name].append([round(now * 1000), pose.x, pose.y, pose.z])

    rig.run(seconds, each)
    peers = {name: talk.welcome.peer for name in walkers if (talk := guests[name].talk).welcome}
    return {"counts_from": COUNTS_FROM * 1000, "peers": peers, "truth": truth, "frames": onlooker.frames}


def text(recording: dict[str, Any]) -> str:
    """The recording as the file has it: a line for each entry."""
    return json.dumps(recording, separators=(",", ":")).replace("],[", "],\n[") + "\n"


if __name__ == "__main__":
    RECORDING.parent.mkdir(exist_ok=True)
    RECORDING.write_text(text(record()))
    print(f"{RECORDING}: {RECORDING.stat().st_size:,} bytes")
