"""Makes the owner's account: somebody who can log in here or in Element, and who owns the worlds of this host.

One rule: safe to repeat. An account that is there keeps its password unless a new one is asked for, and rights are
only ever added.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Final

from roomscale.worlds.errors import AccountExists, WorldRefused
from roomscale.worlds.homeserver import Account, Registrar
from roomscale.worlds.ids import RoomId, UserId
from roomscale.worlds.matrix import MatrixClient
from roomscale.worlds.model import ROOM_TYPE
from roomscale.worlds.permissions import OWNER
from roomscale.worlds.plan import Current, ownership_steps
from roomscale.worlds.rooms import apply_steps, find_room

LETTERS: Final = "abcdefghijkmnpqrstuvwxyz23456789"  # none that look alike
GROUPS: Final = 4
GROUP: Final = 5  # 4 × 5 letters of 32: 100 bits
SHORTEST_PASSWORD: Final = 8


@dataclass(frozen=True)
class OwnerAccount:
    """What `make_owner` came to."""

    user_id: UserId
    password: str | None
    """The new password, None when the account keeps the one it has."""
    created: bool
    worlds: tuple[RoomId, ...]
    """The worlds that they own."""


def new_password() -> str:
    """A password that can be read aloud: four groups of five letters and digits, 100 bits."""
    return "-".join("".join(secrets.choice(LETTERS) for _ in range(GROUP)) for _ in range(GROUPS))


async def make_owner(
    registrar: Registrar,
    host: MatrixClient,
    name: str,
    password: str | None = None,
    *,
    reset_password: bool = False,
) -> OwnerAccount:
    """The account `name`, owner of each world that `host` owns.

    `password` None: one is made up for a new account (or with `reset_password`). Raises AccountExists when a
    password is given for an account that is there and is not to be reset; BadContent for what is no name.
    """
    if password is not None and len(password) < SHORTEST_PASSWORD:
        raise WorldRefused(f"a password has at least {SHORTEST_PASSWORD} characters")
    user_id = registrar.user_id(name)
    if user_id == host.user_id or registrar.kept_password(name).exists():
        raise WorldRefused(f"{user_id} is an account of Roomscale's own: choose another name")
    account = Account(user_id, password or new_password())
    created, known = True, True
    try:
        await registrar.register(name, account.password)
    except AccountExists:
        created, known = False, reset_password
        if reset_password:
            await registrar.set_password(account)
        elif password is not None:
            raise
    worlds = await give_worlds(host, user_id)
    return OwnerAccount(user_id, account.password if known else None, created, worlds)


async def give_worlds(host: MatrixClient, user_id: UserId) -> tuple[RoomId, ...]:
    """Make the user an owner of each world that `host` owns, and invite them; gives these worlds."""
    given: list[RoomId] = []
    for room_id in await host.joined_rooms():
        found = await find_room(host, room_id, None)
        if found is None or not _is_owned(found.current, host.user_id):
            continue
        await apply_steps(host, room_id, ownership_steps(found.current, (user_id,)), lambda _: None)
        given.append(room_id)
    return tuple(given)


def _is_owned(room: Current, user_id: UserId) -> bool:
    return room.get("m.room.create").get("type") == ROOM_TYPE and room.power.of(user_id) >= OWNER
