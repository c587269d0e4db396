"""`roomscale account`: makes the owner's account on the embedded homeserver."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from roomscale.cli.commands.publish import running_house
from roomscale.cli.output import Output


def account(
    name: Annotated[str, typer.Argument(help="The account's name, e.g. ada.", show_default=False)],
    data: Annotated[
        Path | None, typer.Option(help="The `roomscale up` that runs.", show_default="~/.local/share/roomscale")
    ] = None,
    reset_password: Annotated[bool, typer.Option("--reset-password", help="Give it a new password.")] = False,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input instead of making one up.")
    ] = False,
) -> None:
    """Make an account that owns the worlds of this host, to log in with here or in Element.

    Run it while `roomscale up` runs. The password is shown once.

    **Examples**

    - `roomscale account ada`
    - `roomscale account ada --reset-password`
    """
    import asyncio

    from roomscale.cli.publishing import host_client
    from roomscale.worlds.account import OwnerAccount, make_owner
    from roomscale.worlds.homeserver import Registrar

    house = running_house(data)
    password = sys.stdin.readline().rstrip("\n") if password_stdin else None
    secret = (house.directory.secrets / "homeserver.registration").read_text("utf-8").strip()
    registrar = Registrar(house.homeserver_url, house.server_name, secret, house.directory.secrets)

    async def work() -> OwnerAccount:
        async with host_client(house) as host:
            return await make_owner(registrar, host, name, password, reset_password=reset_password)

    owner = asyncio.run(work())
    output = Output()
    output.result(f"user       {owner.user_id}")
    if owner.password is not None and password is None:
        output.result(f"password   {owner.password}")
    output.result(f"homeserver {house.public_url}")
    output.note(f"owns {len(owner.worlds)} worlds; log in with it in Element, or any Matrix client, at this homeserver")
