"""Accounts of the embedded homeserver, made by its shared secret.

One rule: repeating a call changes nothing. Passwords of our own accounts are kept in the data directory's
`secrets` once the homeserver knows them; a password that got lost is replaced by a fresh one.
Specification: Synapse's "Shared-Secret Registration" and "User Admin API".
"""

from __future__ import annotations

import hashlib
import hmac
import secrets as random_secrets
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Final

from roomscale.worlds.errors import AccountExists, HomeserverError, MatrixError, WorldRefused
from roomscale.worlds.files import SECRET_BYTES, private_directory, read_small, write_whole
from roomscale.worlds.ids import UserId, account_localpart, parse_user_id
from roomscale.worlds.matrix import MatrixClient, Transport
from roomscale.worlds.matrix.transport import path_of

REGISTER: Final = "/_synapse/admin/v1/register"
USERS: Final = "/_synapse/admin/v2/users"


@dataclass(frozen=True, slots=True)
class Account:
    """A user of the embedded homeserver and their password."""

    user_id: UserId
    password: str = field(repr=False)


class Registrar:
    """Makes accounts on the homeserver at `url` named `server_name`, trusted by its shared `secret`."""

    def __init__(self, url: str, server_name: str, secret: str, secrets_dir: Path) -> None:
        self._url = url
        self._server_name = server_name
        self._secret = secret
        self._secrets_dir = secrets_dir

    def user_id(self, name: str) -> UserId:
        """The user id of the account called `name`. Raises BadContent for what is no name."""
        return parse_user_id(f"@{account_localpart(name)}:{self._server_name}")

    async def register(self, name: str, password: str, *, admin: bool = False) -> Account:
        """Make a new account. Raises AccountExists, HomeserverError, BadContent."""
        user_id = self.user_id(name)
        if not password or any(ord(c) < 0x20 for c in password) or len(password) > 512:
            raise WorldRefused("a password has 1 to 512 characters and no control characters")
        transport = Transport(self._url)
        try:
            answer = await transport.call("GET", REGISTER, auth=False)
            nonce = str(answer.get("nonce"))
            body = {
                "nonce": nonce,
                "username": account_localpart(name),
                "password": password,
                "admin": admin,
                "inhibit_login": True,
                "mac": self._mac(nonce, account_localpart(name), password, admin),
            }
            await transport.call("POST", REGISTER, body=body, auth=False)
        except MatrixError as error:
            if error.errcode == "M_USER_IN_USE":
                raise AccountExists(f"{user_id} exists already") from error
            if error.status == HTTPStatus.FORBIDDEN:
                raise HomeserverError("another homeserver than ours answers at this address") from error
            raise
        finally:
            await transport.close()
        return Account(user_id, password)

    def _mac(self, nonce: str, localpart: str, password: str, admin: bool) -> str:
        message = "\0".join([nonce, localpart, password, "admin" if admin else "notadmin"])
        return hmac.new(self._secret.encode(), message.encode(), hashlib.sha1).hexdigest()

    def kept_password(self, name: str) -> Path:
        """Where the password of an account of ours is kept."""
        return self._secrets_dir / f"{account_localpart(name)}.password"

    async def ensure(self, name: str, *, admin: bool = False) -> Account:
        """The account of ours called `name`, made now if it is not there.

        The password is written down last: whenever we are killed, the next call ends well.
        """
        path = self.kept_password(name)
        kept = (read_small(path) or b"").decode("ascii", "replace").strip()
        account = Account(self.user_id(name), kept or random_secrets.token_urlsafe(SECRET_BYTES))
        if kept:
            return account
        try:
            await self.register(name, account.password, admin=admin)
        except AccountExists:
            await self.set_password(account, admin=admin)
        private_directory(self._secrets_dir)
        write_whole(path, account.password.encode() + b"\n")
        return account

    async def set_password(self, account: Account, *, admin: bool = False) -> None:
        """Give an existing account this password, through an administrator that exists for that long only."""
        name = f"roomscale-repair-{random_secrets.token_hex(6)}"
        helper = await self.register(name, random_secrets.token_urlsafe(SECRET_BYTES), admin=True)
        async with MatrixClient(self._url, helper.user_id, password=helper.password) as client:
            body = {"password": account.password, "admin": admin, "deactivated": False, "logout_devices": True}
            await client.call("PUT", path_of(account.user_id, base=USERS), body=body)
            await client.call(
                "POST",
                path_of(helper.user_id, base="/_synapse/admin/v1/deactivate"),
                body={"erase": True},
            )
