"""What was packed before and is taken again: the store of encoded images, for all commands that pack.

Its one rule: without it everything works and gives the same bytes, only more slowly.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from roomscale.cli.environment import debugging
from roomscale.cli.output import Output
from roomscale.scenes.cachefolder import cache_folder
from roomscale.scenes.image_store import ImageStore
from roomscale.scenes.kept import IMAGES


@contextmanager
def kept_images(output: Output, *, is_wanted: bool = True) -> Iterator[ImageStore | None]:
    """The store in the user's cache folder; None if it is not wanted, or there is no such folder."""
    folder = cache_folder() if is_wanted else None
    if folder is None:
        yield None
        return
    with ImageStore(folder / "images") as store:
        yield store
    if store.failed and debugging():
        output.note(f"encoded images cannot be kept in {folder / 'images'}: packing again will take as long")


def as_json(store: ImageStore | None) -> dict[str, int] | None:
    """How many images there were, and how many of them were taken as packed before; None without a store."""
    return None if store is None else {"asked": store.asked[IMAGES], "as_before": store.found[IMAGES]}


def lines(store: ImageStore | None) -> Iterator[str]:
    """The same as a sentence; nothing where no image had to be encoded."""
    if store is not None and store.asked[IMAGES]:
        yield f"images: {store.found[IMAGES]:,} of {store.asked[IMAGES]:,} as packed before"
