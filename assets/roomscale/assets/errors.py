"""The errors of the assets room.

`AssetError` is the root. What the user gave us, what the media store did, and what this machine did are
told apart, because they call for different answers: mend the file, wait and repeat, or look at the disk.
Rule: a message is one sentence that a user can act on, and never carries a token.
"""

from __future__ import annotations


class AssetError(Exception):
    """Root of all errors of this room; its text is one clear line for a user."""


class UnreadableAsset(AssetError):
    """A local file cannot be read, is too large, or changed while it was being read or sent."""


class CacheError(AssetError):
    """The record of what was uploaded cannot be opened, read or written."""


class MediaStoreError(AssetError):
    """Root of what a media store may answer; implementations of `MediaStore` raise only these."""


class MediaRefused(MediaStoreError):
    """The store will never take this: not allowed, too large, malformed. Repeating does not help."""


class MediaTooLarge(MediaRefused):
    """The file is over the store's limit for one upload."""


class MediaAlreadyThere(MediaStoreError):
    """The media id already has its bytes (HTTP 409): an earlier upload did arrive."""


class ReservationLost(MediaStoreError):
    """A reserved media id is unknown to the store or has expired: reserve a fresh one."""


class ReservationUnsupported(MediaStoreError):
    """The store cannot reserve ids ahead of the bytes: upload in one step."""


class MediaStoreBusy(MediaStoreError):
    """The store asks to wait (HTTP 429).

    `retry_after`: seconds to wait, or None if the store did not say.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class MediaInterrupted(MediaStoreError):
    """The connection was cut or the store failed (HTTP 5xx): repeating may help."""


class TransferFailed(AssetError):
    """Some files could not be uploaded; those that arrived are remembered, so a repetition sends only the rest.

    `failures`: file name → the error that ended its last attempt.
    """

    def __init__(self, failures: dict[str, MediaStoreError | UnreadableAsset]) -> None:
        name, error = next(iter(failures.items()))
        more = f" (and {len(failures) - 1} more)" if len(failures) > 1 else ""
        super().__init__(f"{name}: {error}{more}")
        self.failures = failures
