"""Uploading many files to one media store: what it has is skipped, what was begun is continued.

For each distinct content: known in the cache and still served → done. Else an id is reserved and written down
(or one that an earlier run left unused is taken), the bytes are sent to it, and the result is recorded.
Rule: whatever happens, at any moment, a repetition of the same call sends only what has not arrived.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from roomscale.assets.cache import Pending, UploadCache
from roomscale.assets.content import Content
from roomscale.assets.errors import (
    MediaAlreadyThere,
    MediaInterrupted,
    MediaStoreBusy,
    MediaStoreError,
    MediaTooLarge,
    ReservationLost,
    ReservationUnsupported,
    TransferFailed,
    UnreadableAsset,
)
from roomscale.assets.store import MediaStore


@dataclass(frozen=True, slots=True)
class TransferConfig:
    """How uploads are made."""

    parallel: int = 4
    """Uploads at once, and so ids reserved at once. Synapse refuses for 24 hours after five unused ones."""
    attempts: int = 6
    """Times that one file is tried before it is given up."""
    first_pause: float = 0.5
    """Seconds before the second attempt; doubled for each further one."""
    longest_pause: float = 60.0
    """Seconds that one pause may last. A store that asks for more ends the transfer instead of hanging it."""
    verify_known: bool = True
    """Ask the store whether what the cache knows is still there (one small request for each)."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a transfer stands: distinct files and bytes, done (skipped ones too) and in all."""

    files_done: int
    files: int
    bytes_done: int
    bytes: int
    note: str = ""
    """What is being waited for, "" if nothing is."""
    files_new: int = 0
    """Of the files done, those that the store did not have."""
    bytes_new: int = 0
    """Their bytes."""


OnProgress = Callable[[Progress], None]
T = TypeVar("T")


async def transfer(
    contents: Iterable[Content],
    store: MediaStore,
    cache: UploadCache,
    *,
    progress: OnProgress | None = None,
    config: TransferConfig | None = None,
) -> dict[str, str]:
    """Bring all `contents` to `store`; returns SHA-256 → mxc.

    Equal contents are sent once. Files that fail do not stop the others; then `TransferFailed` names them.
    A cancelled call leaves a record from which the next one continues. Raises `CacheError` for the record itself.
    """
    wanted = {content.sha256: content for content in contents}
    if not wanted:
        return {}
    async with cache.sole_sender():
        run = _Transfer(store, cache, list(wanted.values()), progress, config or TransferConfig())
        return await run.all()


@dataclass
class _Transfer:
    """One call of `transfer`: the work list, the spare reservations, the sums for progress."""

    store: MediaStore
    cache: UploadCache
    wanted: list[Content]
    on_progress: OnProgress | None
    config: TransferConfig
    sent: dict[str, int] = field(default_factory=dict)
    finished: dict[str, str] = field(default_factory=dict)
    fresh: dict[str, int] = field(default_factory=dict)
    open: set[str] = field(default_factory=set)
    failures: dict[str, MediaStoreError | UnreadableAsset] = field(default_factory=dict)
    spare: list[Pending] = field(default_factory=list)
    in_use: int = 0
    can_reserve: bool = True
    limit: int | None = None
    hold_until: float = 0.0
    total: int = 0

    async def all(self) -> dict[str, str]:
        self.total = sum(content.size for content in self.wanted)
        self._report()
        self.limit = await self._patiently(self.store.upload_limit)
        self.spare = self.cache.pending(self.store.server, time.time())
        self.open = {content.sha256 for content in self.wanted}
        begun = {pending.sha256 for pending in self.spare}  # these find their own ids before others take them
        queue = iter(sorted(self.wanted, key=lambda content: content.sha256 not in begun))
        await _together([self._worker(queue) for _ in range(min(self.config.parallel, len(self.wanted)))])
        if self.failures:
            raise TransferFailed(self.failures)
        return self.finished

    async def _worker(self, queue: Iterator[Content]) -> None:
        for content in queue:
            try:
                mxc = await self._bring(content)
            except (MediaStoreError, UnreadableAsset) as error:
                self.failures[content.filename] = error
                self.sent.pop(content.sha256, None)
            else:
                self.finished[content.sha256] = mxc
                self.sent[content.sha256] = content.size
            self.open.discard(content.sha256)
            self._report()

    async def _bring(self, content: Content) -> str:
        server = self.store.server
        known = self.cache.find(server, content.sha256)
        if known is not None:
            if not self.config.verify_known or await self._patiently(lambda: self.store.exists(known)):
                return known
            self.cache.forget(server, content.sha256)
        if self.limit is not None and content.size > self.limit:
            raise MediaTooLarge(f"{content.size:,} bytes, more than the {self.limit:,} that {server} takes")
        content.verify_unchanged()
        mxc = await self._patiently(lambda: self._send(content))
        content.verify_unchanged()
        self.cache.record(server, content.sha256, mxc, size=content.size, media_type=content.media_type)
        self.fresh[content.sha256] = content.size
        return mxc

    async def _send(self, content: Content) -> str:
        """One attempt: to a reserved id where the store has such, else in one step."""
        while (reserved := await self._reservation(content.sha256)) is not None:
            self.in_use += 1
            self.cache.sending(self.store.server, reserved.mxc, content.sha256)
            try:
                return await self._upload(content, reserved.mxc)
            except ReservationLost:
                self.cache.drop(self.store.server, reserved.mxc)
            except MediaAlreadyThere:
                # Ours, if these bytes were being sent to it before: only the answer was lost.
                if reserved.sha256 == content.sha256 and await self.store.exists(reserved.mxc):
                    return reserved.mxc
                self.cache.drop(self.store.server, reserved.mxc)
            except BaseException:  # it may have arrived or not: the next attempt asks the same id
                self.spare.append(Pending(reserved.mxc, content.sha256, reserved.expires))
                raise
            finally:
                self.in_use -= 1
        return await self._upload(content, None)

    async def _upload(self, content: Content, mxc: str | None) -> str:
        try:
            return await self.store.upload(
                content.source,
                content_type=content.media_type,
                filename=content.filename,
                progress=lambda count: self._count(content, count),
                mxc=mxc,
            )
        except OSError as error:
            raise UnreadableAsset(f"{content.filename} cannot be read: {error.strerror}") from error

    async def _reservation(self, sha256: str) -> Pending | None:
        """An id for this content: the one it was being sent to, else a spare one, else a fresh one.

        Never more are out than `parallel`: rather than reserve one more, take one that others were using
        (should those bytes have arrived there, the store says so, and they are sent again).
        """
        own = [spare for spare in self.spare if spare.sha256 == sha256]
        free = [spare for spare in self.spare if spare.sha256 not in self.open]
        others = self.spare if len(self.spare) + self.in_use >= self.config.parallel else []
        for pending in [*own, *free, *others][:1]:
            self.spare.remove(pending)
            return pending
        if not self.can_reserve:
            return None
        try:
            fresh = await self.store.reserve()
        except ReservationUnsupported:
            self.can_reserve = False
            return None
        except MediaStoreBusy as error:
            if (error.retry_after or 0) <= self.config.longest_pause:
                raise
            self.can_reserve = False  # too many unused ids, not ours, for a day: uploads in one step still work
            return None
        self.cache.reserve(self.store.server, fresh.mxc, fresh.expires)
        return Pending(fresh.mxc, None, fresh.expires)

    async def _patiently(self, call: Callable[[], Awaitable[T]]) -> T:
        """Call the store, again after a growing pause while it is busy or out of reach."""
        attempt = 0
        while True:
            await self._hold()
            try:
                return await call()
            except (MediaStoreBusy, MediaInterrupted) as error:
                attempt += 1
                asked = error.retry_after if isinstance(error, MediaStoreBusy) else None
                if attempt >= self.config.attempts or (asked or 0) > self.config.longest_pause:
                    raise
                pause = min(self.config.first_pause * 2 ** (attempt - 1), self.config.longest_pause)
                pause = max(asked or 0.0, pause * random.uniform(0.5, 1.0))  # noqa: S311 -- jitter, no secret
                if asked is not None:  # the limit is the account's: all wait
                    self.hold_until = max(self.hold_until, time.monotonic() + pause)
                self._report(f"{error}; trying again in {pause:.0f} s")
                await asyncio.sleep(pause)

    async def _hold(self) -> None:
        """Wait until the store, which asked one of us to wait, wants to hear from any of us again."""
        wait = self.hold_until - time.monotonic()
        if wait > 0:
            await asyncio.sleep(wait)

    def _count(self, content: Content, sent: int) -> None:
        self.sent[content.sha256] = min(max(sent, 0), content.size)
        self._report()

    def _report(self, note: str = "") -> None:
        if self.on_progress is not None:
            done = sum(self.sent.values())
            new = self.fresh.values()
            self.on_progress(Progress(len(self.finished), len(self.wanted), done, self.total, note, len(new), sum(new)))


async def _together(jobs: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Run all; when one fails or the caller is cancelled, the others are cancelled and awaited first."""
    tasks = [asyncio.ensure_future(job) for job in jobs]
    try:
        await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise
