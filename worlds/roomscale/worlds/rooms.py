"""Reads a room as `plan` wants to see it, and takes a plan's steps.

One rule: the only place where a plan becomes requests; each step is one request, in the plan's order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from roomscale.worlds.errors import AliasTaken, HomeserverError, MatrixError
from roomscale.worlds.ids import RoomAlias, RoomId
from roomscale.worlds.matrix import MatrixClient
from roomscale.worlds.model import ROOM_TYPE, WORLD_EVENT
from roomscale.worlds.plan import CreateRoom, Current, Invite, PutAlias, PutState, SetListed, StateKey, Step


@dataclass(frozen=True)
class Found:
    """A room that is there, and the event id of its world (None: it has none yet)."""

    current: Current
    world_event: str | None


async def find_room(client: MatrixClient, room: RoomId | None, alias: RoomAlias | None) -> Found | None:
    """The room to update, None when one has to be made. Raises AliasTaken, WorldRefused, HomeserverError."""
    target = await client.resolve_alias(alias) if alias is not None else None
    if room is not None and target not in (None, room):
        raise AliasTaken(f"{alias} leads to another room")
    room_id = room or target
    if room_id is None:
        return None
    try:
        events = await client.room_state(room_id)
    except MatrixError as error:
        if error.status in (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND):
            raise AliasTaken(f"{alias or room_id} leads to a room that {client.user_id} is not in") from error
        raise
    state: dict[StateKey, dict[str, object]] = {(e.type, e.state_key): e.content for e in events}
    senders = {(e.type, e.state_key): e.sender for e in events}
    if room is None and state.get(("m.room.create", ""), {}).get("type") != ROOM_TYPE:
        raise AliasTaken(f"{alias} leads to a room that is no world")
    if room is None and state.get(("m.room.member", client.user_id), {}).get("membership") != "join":
        raise AliasTaken(f"{alias} leads to a world that {client.user_id} is not in")
    world = next((e.event_id for e in events if (e.type, e.state_key) == (WORLD_EVENT, "")), None)
    current = Current(
        room_id=room_id,
        state=state,
        creator=senders.get(("m.room.create", ""), ""),
        alias_is_ours=target == room_id,
        listed=await client.is_listed(room_id),
        senders=senders,
    )
    return Found(current, world)


async def apply_steps(
    client: MatrixClient, room_id: RoomId | None, steps: tuple[Step, ...], tell: Callable[[Step], None]
) -> tuple[RoomId, str | None]:
    """Take the steps in order; gives the room and the id of the world's new event."""
    event_id: str | None = None
    for step in steps:
        tell(step)
        if isinstance(step, CreateRoom):
            room_id = await _create(client, step)
            continue
        if room_id is None:
            raise HomeserverError("the room was not made")
        match step:
            case PutState():
                written = await client.put_state(room_id, step.event_type, dict(step.content), step.state_key)
                event_id = written if step.event_type == WORLD_EVENT else event_id
            case PutAlias():
                await _put_alias(client, step.alias, room_id)
            case SetListed():
                await client.set_listed(room_id, step.listed)
            case Invite():
                await client.invite(room_id, step.user_id)
    if room_id is None:
        raise HomeserverError("the room was not made")
    return room_id, event_id


async def _create(client: MatrixClient, step: CreateRoom) -> RoomId:
    try:
        return await client.create_room(dict(step.body))
    except MatrixError as error:
        if error.errcode == "M_ROOM_IN_USE":
            raise AliasTaken(f"the address #{step.body.get('room_alias_name')} is taken") from error
        raise


async def _put_alias(client: MatrixClient, alias: RoomAlias, room_id: RoomId) -> None:
    try:
        await client.put_alias(alias, room_id)
    except MatrixError as error:
        if error.status == HTTPStatus.CONFLICT:
            raise AliasTaken(f"{alias} is taken") from error
        raise


async def overwritten(client: MatrixClient, room_id: RoomId, event_id: str | None, read: str | None) -> str | None:
    """The event that ours replaced, if it is not the one that the plan was made from.

    Matrix has no compare-and-swap: somebody else may have published between our reading and our writing.
    """
    if event_id is None or event_id == read:
        return None
    written = await client.event(room_id, event_id)
    replaced = written.replaces_state if written is not None else None
    return replaced if replaced != read else None
