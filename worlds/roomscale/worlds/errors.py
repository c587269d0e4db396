"""The errors of this room, and whose fault each is.

One rule: the class says who was wrong. `BadContent` and `HomeserverError` are what another party sent us;
`WorldRefused` is what our own caller asked for; `EmbeddedError` is the homeserver that we run ourselves.
Every message is one line that may be shown to a user as it stands.
"""

from __future__ import annotations

from collections.abc import Sequence


class WorldError(Exception):
    """Root of everything that this room raises."""


class BadContent(WorldError):
    """An id, a link or a room's content from elsewhere is not what the specification allows.

    `problems` names each field that was refused.
    """

    def __init__(self, message: str, problems: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems)


class WorldRefused(WorldError):
    """Our caller asked for something that cannot be: a bad name, a right that the account does not have."""


class AliasTaken(WorldRefused):
    """The alias belongs to another room, or to somebody else's."""


class AccountExists(WorldRefused):
    """The account is there already, and with another password."""


class EntryRefused(WorldRefused):
    """The world server does not let a visitor of ours in; `reason` is that of docs/matrix-events.md."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class GateError(WorldError):
    """The gate is away, or what answers there is no gate; or it answered and no connection came of it."""


class HomeserverError(WorldError):
    """The homeserver is away, or answered with something other than success."""


class HomeserverAway(HomeserverError):
    """No answer at all: refused, cut, or silent past its time."""


class MatrixError(HomeserverError):
    """The homeserver answered with an error of the Matrix specification.

    `status` is the HTTP status, `errcode` the `M_…` code (`M_UNKNOWN` when the body had none),
    `retry_after_ms` how long a 429 asks us to wait (None: it did not say), `soft_logout` whether a 401
    leaves the device in place, to be logged in again.
    """

    def __init__(
        self,
        status: int,
        errcode: str,
        message: str,
        retry_after_ms: int | None = None,
        *,
        soft_logout: bool = False,
    ) -> None:
        super().__init__(f"{message or 'no reason given'} ({errcode}, HTTP {status})")
        self.status = status
        self.errcode = errcode
        self.message = message
        self.retry_after_ms = retry_after_ms
        self.soft_logout = soft_logout


class EmbeddedError(WorldError):
    """The homeserver that we run ourselves cannot be run. `hint` says what to do about it."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(f"{message}: {hint}" if hint else message)
        self.hint = hint


class NoSynapse(EmbeddedError):
    """Synapse is not installed, or has no build for this platform."""


class DatabaseTooNew(EmbeddedError):
    """The data directory was used by a newer Synapse than the one installed."""


class PortTaken(EmbeddedError):
    """Another program listens where the homeserver should."""


class DataUnusable(EmbeddedError):
    """The data directory cannot be read or written, or a file in it is damaged beyond our repair."""
