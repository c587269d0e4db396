"""The owner's account, on a real homeserver."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from roomscale.assets.cache import UploadCache
from roomscale.worlds.account import make_owner, new_password
from roomscale.worlds.errors import AccountExists, BadContent, WorldRefused
from roomscale.worlds.matrix import MatrixClient
from roomscale.worlds.publish import PublishRequest, publish
from tests.support.homeserver import RunningHomeserver, unique
from tests.worlds.test_publish import glb

pytestmark = pytest.mark.homeserver


@pytest.fixture
async def host(synapse: RunningHomeserver) -> AsyncIterator[MatrixClient]:
    """A host of its own, so that other tests' worlds are not among those that it owns."""
    async with await synapse.person("host", admin=True) as client:
        yield client


async def test_an_owner_logs_in_and_publishes_into_the_hosts_worlds(
    synapse: RunningHomeserver, host: MatrixClient, tmp_path: Path
) -> None:
    registrar, name = synapse.embedded.registrar, unique("ada")
    request = PublishRequest(glb("one"), "Plaza", alias=unique("plaza"))
    with UploadCache(tmp_path / "cache.db") as cache:
        plaza = await publish(host, request, cache)
        await host.create_room({"name": "no world"})
        owner = await make_owner(registrar, host, name)
        assert (owner.created, owner.worlds) == (True, (plaza.room_id,))
        async with MatrixClient(synapse.url, owner.user_id, password=owner.password) as ada:
            assert await ada.join(plaza.room_id) == plaza.room_id
            again = await publish(ada, PublishRequest(glb("two"), "Mine now", room=plaza.room_id), cache)
            assert again.event_id is not None
            second = await make_owner(registrar, host, name)
            assert (second.created, second.password, second.worlds) == (False, None, owner.worlds)
            assert await ada.whoami() == owner.user_id


async def test_a_password_is_kept_unless_a_new_one_is_asked_for(synapse: RunningHomeserver, host: MatrixClient) -> None:
    registrar, name = synapse.embedded.registrar, unique("bob")
    await make_owner(registrar, host, name, "correct horse")
    with pytest.raises(AccountExists):
        await make_owner(registrar, host, name, "battery staple")
    reset = await make_owner(registrar, host, name, "battery staple", reset_password=True)
    assert reset.password == "battery staple"
    async with MatrixClient(synapse.url, reset.user_id, password="battery staple") as client:
        await client.whoami()


async def test_names_and_passwords_that_cannot_be_are_refused(synapse: RunningHomeserver, host: MatrixClient) -> None:
    registrar = synapse.embedded.registrar
    await registrar.ensure("roomscale")
    for name in ("roomscale", host.user_id.partition(":")[0]):
        with pytest.raises(WorldRefused, match="Roomscale's own"):
            await make_owner(registrar, host, name)
    with pytest.raises(WorldRefused, match="at least"):
        await make_owner(registrar, host, unique("x"), "short")
    with pytest.raises(BadContent):
        await make_owner(registrar, host, "not a name!")


def test_passwords_are_readable_and_never_the_same() -> None:
    made = {new_password() for _ in range(100)}
    assert len(made) == 100
    assert all(len(word) == 5 for word in new_password().split("-"))
