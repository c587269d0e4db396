"""One logged-in connection to one homeserver. The only module that imports nio.

Rule: a call either gives the answer's JSON or raises `MatrixError` (the homeserver said no), `HomeserverAway`
(it said nothing) or `HomeserverError` (what it said is not Matrix); it never sleeps longer than its `Patience`.
nio keeps the session, the token and the device; its own 429 handling (which may sleep for ever), its errors
(returned, not raised) and its reduced view of sync are not used.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, TypeAlias, TypedDict, Unpack
from urllib.parse import quote, urlencode

import aiohttp
import nio

from roomscale.worlds.errors import HomeserverAway, HomeserverError, MatrixError, WorldRefused

log = logging.getLogger(__name__)

JsonObject: TypeAlias = dict[str, Any]

MAX_ANSWER: Final = 64 << 20  # bytes; a first sync of 300 worlds is some MB, a room full of junk state 18 MB
CONNECT_S: Final = 10.0  # seconds for TCP and TLS
_UNREACHABLE: Final = (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, TimeoutError, OSError)
_REPEATABLE: Final = frozenset({"GET", "HEAD", "PUT", "DELETE"})


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a call keeps trying when the homeserver is busy or away.

    attempts: tries in all, at least 1.
    longest_wait_s: a 429 that asks for more than this many seconds is raised at once, not slept.
    first_pause_s: pause after the first failure that names no time; doubles with each further one.
    """

    attempts: int = 4
    longest_wait_s: float = 20.0
    first_pause_s: float = 0.25


ONCE: Final = Patience(attempts=1)


class CallOptions(TypedDict, total=False):
    """What a call may say besides method and path.

    body: JSON to send. query: the URL's query; lists repeat a field. auth: False sends no token.
    timeout_s: seconds for one attempt, body included. patience: instead of the connection's.
    """

    body: JsonObject | None
    query: Mapping[str, str | int | list[str]] | None
    auth: bool
    timeout_s: float
    patience: Patience | None


class Transport:
    """Requests in the name of one user and device, logging in (again) when it must.

    `password` makes logging in possible: at the first call, and when a token is no longer good (a 401 with or
    without `soft_logout`), always as the same device. `on_token` hears of each new token, to store it.
    """

    def __init__(
        self,
        homeserver: str,
        user_id: str = "",
        *,
        device_id: str = "",
        token: str | None = None,
        password: str | None = None,
        device_name: str = "Roomscale",
        on_token: Callable[[str], None] | None = None,
        patience: Patience | None = None,
    ) -> None:
        config = nio.AsyncClientConfig(encryption_enabled=False, max_limit_exceeded=0, max_timeouts=0)
        self._nio: Any = nio.AsyncClient(homeserver.rstrip("/"), user_id, device_id=device_id, config=config)
        if token is not None:
            self._nio.restore_login(user_id, device_id, token)
        self._password = password
        self._device_name = device_name
        self._on_token = on_token
        self._patience = patience or Patience()
        self._login_lock = asyncio.Lock()

    @property
    def homeserver(self) -> str:
        """Base URL, without a slash at its end."""
        return str(self._nio.homeserver)

    @property
    def user_id(self) -> str:
        """The user's id; as given until the homeserver has named it at login."""
        return str(self._nio.user_id or self._nio.user)

    @property
    def device_id(self) -> str:
        """The device that to-device messages reach us by."""
        return str(self._nio.device_id or "")

    @property
    def token(self) -> str | None:
        """The access token, None before the first login."""
        return self._nio.access_token or None

    async def close(self) -> None:
        """End the session's sockets; the login stays."""
        await self._nio.close()

    async def login(self) -> None:
        """Log in by password as the device we always are. Raises MatrixError, HomeserverAway."""
        async with self._login_lock:
            await self._login()

    async def _login(self) -> None:
        if self._password is None:
            raise WorldRefused(f"{self.user_id or 'this connection'} has no password to log in with")
        body: JsonObject = {
            "type": "m.login.password",
            "identifier": {"type": "m.id.user", "user": self.user_id},
            "password": self._password,
            "initial_device_display_name": self._device_name,
        }
        if self.device_id:
            body["device_id"] = self.device_id
        answer = await self.call("POST", "/_matrix/client/v3/login", body=body, auth=False)
        try:
            user, device, token = (str(answer[key]) for key in ("user_id", "device_id", "access_token"))
        except KeyError as missing:
            raise HomeserverError(f"the homeserver's login answer lacks {missing}") from None
        self._nio.restore_login(user, device, token)
        if self._on_token is not None:
            self._on_token(token)

    async def ensure_login(self) -> None:
        """Log in if there is no token yet."""
        if self.token is None:
            await self.renew_login(None)

    async def renew_login(self, stale: str | None) -> None:
        """Log in again, unless another call has replaced the `stale` token meanwhile."""
        async with self._login_lock:
            if self.token == stale:
                await self._login()

    async def call(self, method: str, path: str, **options: Unpack[CallOptions]) -> JsonObject:
        """One request of the client-server API whose answer is a JSON object ({} when it is empty).

        `path` begins with `/_matrix` or `/_synapse`. Waits out a 429 within the patience; repeats after a 5xx
        or a lost connection where the method may be repeated (what never reached the homeserver always may).
        """
        answer = await self._call(method, path, **options)
        if not isinstance(answer, dict):
            raise HomeserverError("the homeserver's answer is no JSON object: is this a homeserver's address?")
        return answer

    async def call_list(self, method: str, path: str, **options: Unpack[CallOptions]) -> list[Any]:
        """As `call`, for the few answers that are a JSON list."""
        answer = await self._call(method, path, **options)
        if not isinstance(answer, list):
            raise HomeserverError("the homeserver's answer is no JSON list: is this a homeserver's address?")
        return answer

    async def _call(
        self,
        method: str,
        path: str,
        *,
        body: JsonObject | None = None,
        query: Mapping[str, str | int | list[str]] | None = None,
        auth: bool = True,
        timeout_s: float = 60.0,
        patience: Patience | None = None,
    ) -> Any:
        patience = patience or self._patience
        data = None if body is None else json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
        if query:
            path = f"{path}?{urlencode(query, doseq=True)}"
        for attempt in range(1, patience.attempts + 1):
            if auth:
                await self.ensure_login()
            stale = self.token
            try:
                return await self._once(method, path, data, auth, timeout_s)
            except MatrixError as error:
                if auth and error.status == HTTPStatus.UNAUTHORIZED and self._password and attempt == 1:
                    log.info("token of %s no longer good (%s): logging in again", self.user_id, error.errcode)
                    await self.renew_login(stale)
                    pause = 0.0
                else:
                    pause = self._pause_after(error, method, attempt, patience)
            except HomeserverAway as error:
                unsent = isinstance(error.__cause__, aiohttp.ClientConnectorError)
                if attempt == patience.attempts or not (unsent or method in _REPEATABLE):
                    raise
                pause = patience.first_pause_s * 2 ** (attempt - 1)
            await asyncio.sleep(pause)
        return await self._once(method, path, data, auth, timeout_s)

    def _pause_after(self, error: MatrixError, method: str, attempt: int, patience: Patience) -> float:
        """Seconds to wait before the next attempt; raises `error` when there is none."""
        growing = patience.first_pause_s * 2 ** (attempt - 1)
        busy = error.status == HTTPStatus.TOO_MANY_REQUESTS
        broken = error.status >= HTTPStatus.INTERNAL_SERVER_ERROR and method in _REPEATABLE
        wait = growing if error.retry_after_ms is None else error.retry_after_ms / 1000
        if attempt >= patience.attempts or not (busy or broken) or wait > patience.longest_wait_s:
            raise error
        return wait

    async def _once(self, method: str, path: str, data: bytes | None, auth: bool, timeout_s: float) -> Any:
        async with self.stream(
            method, path, data=data, content_type="application/json", auth=auth, timeout_s=timeout_s
        ) as response:
            return parse_answer(await read_bounded(response, MAX_ANSWER))

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        path: str,
        *,
        data: bytes | AsyncIterator[bytes] | None = None,
        content_type: str | None = None,
        headers: Mapping[str, str] | None = None,
        auth: bool = True,
        timeout_s: float = 60.0,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """One attempt whose answer's body is left to the caller. Raises MatrixError for an error status."""
        sent = dict(headers or {})
        if content_type is not None and data is not None:
            sent["Content-Type"] = content_type
        if auth:
            sent["Authorization"] = f"Bearer {self.token or ''}"
        timeout = aiohttp.ClientTimeout(total=timeout_s, sock_connect=CONNECT_S)
        try:
            response: aiohttp.ClientResponse = await self._nio.send(method, path, data, sent, None, timeout)
        except _UNREACHABLE as error:
            raise _away(self.homeserver, error) from error
        except ValueError as error:
            raise WorldRefused(f"{self.homeserver!r} is no address of a homeserver") from error
        async with response:
            try:
                if response.status >= HTTPStatus.BAD_REQUEST:
                    raise error_from(response, await read_bounded(response, 1 << 20))
                yield response
            except _UNREACHABLE as error:
                raise _away(self.homeserver, error) from error


def path_of(*parts: str, base: str = "/_matrix/client/v3") -> str:
    """`base` and each of `parts`, percent-encoded, joined by slashes."""
    return "/".join([base, *(quote(part, safe="") for part in parts)])


async def read_bounded(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """The body, at most `limit` bytes. Raises HomeserverError when there is more."""
    body = bytearray()
    async for chunk in response.content.iter_chunked(1 << 16):
        body += chunk
        if len(body) > limit:
            raise HomeserverError(f"the homeserver's answer is larger than {limit >> 20} MiB")
    return bytes(body)


def parse_answer(body: bytes) -> Any:
    """The JSON in `body`, {} when it is empty. Raises HomeserverError."""
    if not body:
        return {}
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise HomeserverError("the homeserver's answer is no JSON: is this a homeserver's address?") from None


def error_from(response: aiohttp.ClientResponse, body: bytes) -> MatrixError:
    """The MatrixError that an answer with an error status stands for; its body is trusted in nothing."""
    try:
        answer = parse_answer(body)
    except HomeserverError:
        answer = {}
    if not isinstance(answer, dict):
        answer = {}
    errcode, message = answer.get("errcode"), answer.get("error")
    return MatrixError(
        response.status,
        errcode[:100] if isinstance(errcode, str) else "M_UNKNOWN",
        message[:500] if isinstance(message, str) else (response.reason or ""),
        _retry_after_ms(answer.get("retry_after_ms"), response.headers.get("Retry-After")),
        soft_logout=answer.get("soft_logout") is True,
    )


def _retry_after_ms(field: object, header: str | None) -> int | None:
    if isinstance(field, int) and not isinstance(field, bool) and field >= 0:
        return field
    if header is not None and header.isascii() and header.isdigit() and len(header) < 10:
        return int(header) * 1000
    return None


def _away(homeserver: str, error: BaseException) -> HomeserverAway:
    if isinstance(error, TimeoutError):
        return HomeserverAway(f"the homeserver at {homeserver} does not answer in time")
    return HomeserverAway(f"the homeserver at {homeserver} cannot be reached ({type(error).__name__})")
