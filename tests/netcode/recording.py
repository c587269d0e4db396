"""Records what a browser would have received: two who walk and run, over bad links both ways, told by the simulation.

Run it to write the recording anew, after a change that is meant to change it:
`python -m tests.netcode.recording`. `web/src/netcode/recording.test.ts` plays it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from roomscale.netcode.core.messages import Channel
from roomscale.netcode.testing.link import LinkConfig
from roomscale.netcode.testing.rig import Rig
from roomscale.netcode.testing.walk import RUN, STEP, WALK, Walker, errand

RECORDING = Path(__file__).parents[2] / "netcode" / "recordings" / "errands.json"
LINK = LinkConfig(delay=0.05, jitter=0.03, loss=0.05)
"""100 ms there and back, up to 30 ms more, 1 in 20 lost: for those who walk and for the one who looks on."""
SECONDS = 40
WARM_UP = 10
"""Seconds before the recording counts: clocks and timers find each other."""
TRUTH_EVERY = 4
"""Steps between two notes of where the walkers truly are: 20 ms."""


def record(seconds: float = SECONDS) -> dict[str, Any]:
    """The recording; times are milliseconds of the onlooker's clock, places millimetres."""
    rig = Rig(link=LINK, seed=11)
    onlooker = rig.visit("onlooker")
    walkers = {"walker": Walker(errand(WALK), x=3.0, z=-4.0), "runner": Walker(errand(RUN), x=-3.0, z=-6.0)}
    guests = {name: rig.visit(name) for name in walkers}
    truth: dict[str, list[list[int]]] = {name: [] for name in walkers}
    frames: list[list[Any]] = []
    heard = onlooker.talk.receive

    def each(now: float) -> None:
        for name, walker in walkers.items():
            walker.step()
            guests[name].talk.pose = pose = walker.pose()
            if round(now / STEP) % TRUTH_EVERY == 0:
                truth[name].append([round(now * 1000), pose.x, pose.y, pose.z])

    def receive(channel: Channel, data: bytes, now: float) -> None:
        frames.append([round(now * 1000), channel.name.lower(), data.hex()])
        heard(channel, data, now)

    for guest in rig.guests.values():
        guest.talk.pose = walkers[guest.session].pose() if guest.session in walkers else guest.talk.pose
    rig.listen(onlooker, receive)
    rig.run(seconds, each)
    peers = {name: guest.talk.welcome.peer for name, guest in guests.items() if guest.talk.welcome}
    return {"counts_from": WARM_UP * 1000, "peers": peers, "truth": truth, "frames": frames}


def text(recording: dict[str, Any]) -> str:
    """The recording as the file has it."""
    return json.dumps(recording, separators=(",", ":")).replace("],[", "],\n[") + "\n"


if __name__ == "__main__":
    RECORDING.parent.mkdir(exist_ok=True)
    RECORDING.write_text(text(record()))
    print(f"{RECORDING}: {RECORDING.stat().st_size:,} bytes")
