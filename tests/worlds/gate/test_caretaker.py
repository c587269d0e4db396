"""The janitor goes round: guests who are long gone leave, those inside stay."""

from __future__ import annotations

from pathlib import Path

import pytest

from roomscale.worlds.gate.config import JanitorConfig
from tests.support.homeserver import RunningHomeserver
from tests.worlds.gate.harness import PASSWORD, house, person, until

pytestmark = pytest.mark.homeserver
GONE_AFTER_S = 5.0  # longer than a guest takes from joining the room to being inside, on a machine that is busy


async def test_a_guest_who_is_gone_leaves_and_one_who_is_inside_stays(
    synapse: RunningHomeserver, tmp_path: Path
) -> None:
    (tmp_path / "host").write_text("correct horse")
    async with await synapse.person("host", admin=True) as host:
        janitor = JanitorConfig(host.user_id, tmp_path / "host", every_s=0.5, gone_after_s=GONE_AFTER_S)
        assert PASSWORD == "correct horse"
        async with house(synapse, tmp_path, janitor=janitor) as built:
            room_id = await built.world(host)
            async with person(built, room_id, guest=True) as inside:
                await inside.enter()
                gone = await synapse.guest()
                await gone.join(room_id)
                await gone.close()
                view = built.running.watch
                await until(lambda: view.view.rooms[room_id].standing(gone.user_id) == "joined")
                await until(lambda: view.view.rooms[room_id].standing(gone.user_id) == "absent", 30)
                assert view.view.rooms[room_id].standing(inside.client.user_id) == "joined"
                assert inside.visitor.talk.goodbye is None
