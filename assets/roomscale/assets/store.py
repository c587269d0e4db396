"""The `MediaStore` protocol: all that this room asks of a homeserver's media repository.

Rule: an implementation raises only the `MediaStoreError` classes, each meaning what its docstring says, and repeats
nothing by itself: pauses and repetitions are `transfer`'s.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

Sent = Callable[[int], None]
"""Called with the bytes of this upload sent so far, from 0 up to its size; starts anew with each attempt."""


@dataclass(frozen=True, slots=True)
class Reservation:
    """A media id without bytes. `expires`: Unix seconds after which the store forgets it, None if unknown."""

    mxc: str
    expires: float | None = None


class MediaStore(Protocol):
    """One homeserver's media repository, seen by one account (Client-Server API, "Content repository")."""

    @property
    def server(self) -> str:
        """The homeserver's name, under which the cache files what is uploaded there."""

    async def upload_limit(self) -> int | None:
        """Bytes that one upload may have (`m.upload.size`), None if the server does not say."""

    async def reserve(self) -> Reservation:
        """Reserve an id ahead of its bytes (`POST /_matrix/media/v1/create`).

        Raises `ReservationUnsupported` where the server has no such call.
        """

    async def upload(
        self,
        source: Path | bytes,
        *,
        content_type: str,
        filename: str,
        progress: Sent | None = None,
        mxc: str | None = None,
    ) -> str:
        """Send the bytes and return their mxc: to the reserved id `mxc` (PUT), else to a fresh one (POST).

        A path is streamed, never held whole. Raises `MediaAlreadyThere` (409), `ReservationLost` (the id is
        unknown or expired), `MediaTooLarge` (413), `MediaRefused` (another 4xx), `MediaStoreBusy` (429),
        `MediaInterrupted` (5xx, connection lost, time out).
        """

    async def exists(self, mxc: str) -> bool:
        """Whether the store still serves these media. Raises as `upload` does when it cannot tell."""
