"""Uploads over a real HTTP connection that breaks, stalls and refuses, as homeservers do."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from roomscale.assets.cache import UploadCache
from roomscale.assets.content import Content, describe
from roomscale.assets.errors import (
    MediaInterrupted,
    MediaStoreBusy,
    MediaTooLarge,
    TransferFailed,
    UnreadableAsset,
)
from roomscale.assets.transfer import Progress, TransferConfig, transfer
from tests.assets.media_repository import MOST_PENDING, SERVER, HttpStore, Repository, serving

QUICK = TransferConfig(first_pause=0.01, longest_pause=2.0)


@pytest.fixture
def repository() -> Repository:
    return Repository()


@pytest.fixture
async def store(repository: Repository) -> AsyncIterator[HttpStore]:
    async with serving(repository) as store:
        yield store


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[UploadCache]:
    with UploadCache(tmp_path / "cache.db") as cache:
        yield cache


def contents(count: int, size: int = 1000) -> list[Content]:
    return [describe(f"{number}:".encode() + bytes(size), filename=f"{number}.bin") for number in range(count)]


def bytes_of(content: Content) -> bytes:
    assert isinstance(content.source, bytes)
    return content.source


def assert_all_there(repository: Repository, wanted: list[Content], result: dict[str, str]) -> None:
    """Every content is stored under the mxc that was returned for it."""
    assert result.keys() == {content.sha256 for content in wanted}
    for content in wanted:
        assert repository.media[result[content.sha256].rpartition("/")[2]] == bytes_of(content)


async def test_files_arrive_with_their_types(repository: Repository, store: HttpStore, cache: UploadCache) -> None:
    wanted = [describe(b"glTF" + bytes(100), filename="a.glb"), describe(b"\x89PNG\r\n\x1a\n", filename="b.png")]
    result = await transfer(wanted, store, cache, config=QUICK)
    assert_all_there(repository, wanted, result)
    assert sorted(repository.types.values()) == ["image/png", "model/gltf-binary"]
    assert cache.pending(SERVER, time.time()) == []


async def test_a_second_run_sends_nothing(repository: Repository, store: HttpStore, cache: UploadCache) -> None:
    wanted = contents(5)
    first = await transfer(wanted, store, cache, config=QUICK)
    repository.calls.clear()
    assert await transfer(wanted, store, cache, config=QUICK) == first
    assert repository.calls["put"] == repository.calls["post"] == repository.calls["create"] == 0


async def test_equal_contents_are_sent_once(repository: Repository, store: HttpStore, cache: UploadCache) -> None:
    twice = [describe(b"same", filename="a"), describe(b"same", filename="b")]
    assert len(await transfer(twice, store, cache, config=QUICK)) == 1
    assert repository.stored() == [b"same"]


async def test_media_that_the_server_lost_are_sent_again(
    repository: Repository, store: HttpStore, cache: UploadCache
) -> None:
    wanted = contents(2)
    first = await transfer(wanted, store, cache, config=QUICK)
    del repository.media[first[wanted[0].sha256].rpartition("/")[2]]
    assert_all_there(repository, wanted, await transfer(wanted, store, cache, config=QUICK))
    assert repository.calls["put"] == 3


async def test_uploads_run_beside_one_another_but_never_more_than_four(
    repository: Repository, store: HttpStore, cache: UploadCache
) -> None:
    repository.slow = 0.05
    wanted = contents(12)
    assert_all_there(repository, wanted, await transfer(wanted, store, cache, config=QUICK))
    assert repository.most_uploading == MOST_PENDING
    assert repository.calls["create"] == 12


@pytest.mark.parametrize("fault", ["cut", "500", "502", "lost answer", "429 20"])
async def test_a_fault_is_overcome_without_a_second_id(
    fault: str, repository: Repository, store: HttpStore, cache: UploadCache
) -> None:
    repository.faults = [fault, fault]
    wanted = contents(1, size=200_000)
    assert_all_there(repository, wanted, await transfer(wanted, store, cache, config=QUICK))
    assert repository.calls["create"] == 1
    assert repository.stored() == [bytes_of(wanted[0])]


async def test_every_kind_of_fault_among_many_files(
    repository: Repository, store: HttpStore, cache: UploadCache
) -> None:
    repository.faults = ["cut", "", "500", "429 50", "lost answer", "", "cut", "503", "lost answer"] * 2
    wanted = contents(20, size=50_000)
    assert_all_there(repository, wanted, await transfer(wanted, store, cache, config=QUICK))
    assert sorted(repository.stored()) == sorted(map(bytes_of, wanted))
    assert repository.pending() == 0


async def test_a_store_that_never_recovers_is_given_up(
    repository: Repository, store: HttpStore, cache: UploadCache
) -> None:
    repository.faults = ["500"] * 100
    with pytest.raises(TransferFailed) as failed:
        await transfer(contents(1), store, cache, config=QUICK)
    assert isinstance(failed.value.failures["0.bin"], MediaInterrupted)
    assert repository.calls["put"] == QUICK.attempts


async def test_the_pause_that_the_store_asks_for_is_kept(
    repository: Repository, store: HttpStore, cache: UploadCache
) -> None:
    repository.faults = ["429 600"]
    start = time.monotonic()
    await transfer(contents(1), store, cache, config=QUICK)
    assert time.monotonic() - start >= 0.6


async def test_a_pause_of_hours_is_not_waited_for(repository: Repository, store: HttpStore, cache: UploadCache) -> None:
    repository.faults = ["429 3600000"]
    with pytest.raises(TransferFailed) as failed:
        await asyncio.wait_for(transfer(contents(1), store, cache, config=QUICK), 5)
    assert isinstance(failed.value.failures["0.bin"], MediaStoreBusy)


async def test_one_refused_file_stops_no_other(repository: Repository, store: HttpStore, cache: UploadCache) -> None:
    repository.limit = 10_000
    small, large = contents(3), describe(bytes(20_000), filename="large.bin")
    with pytest.raises(TransferFailed) as failed:
        await transfer([large, *small], store, cache, config=QUICK)
    assert list(failed.value.failures) == ["large.bin"]
    assert isinstance(failed.value.failures["large.bin"], MediaTooLarge)
    assert sorted(repository.stored()) == sorted(map(bytes_of, small))


async def test_refusals_do_not_pile_up_unused_ids(repository: Repository, store: HttpStore, cache: UploadCache) -> None:
    repository.faults = ["400"] * 10
    wanted = contents(14)
    with pytest.raises(TransferFailed) as failed:
        await transfer(wanted, store, cache, config=QUICK)
    assert len(failed.value.failures) == 10
    assert repository.calls["create"] <= MOST_PENDING + 4
    assert len(repository.stored()) == 4


async def test_a_cancelled_transfer_is_continued_with_its_own_ids(
    repository: Repository, store: HttpStore, cache: UploadCache
) -> None:
    repository.slow = 10
    wanted = contents(6)
    task = asyncio.create_task(transfer(wanted, store, cache, config=QUICK))
    while repository.uploading < MOST_PENDING:
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(cache.pending(SERVER, time.time())) == MOST_PENDING
    repository.slow = 0
    assert_all_there(repository, wanted, await transfer(wanted, store, cache, config=QUICK))
    assert repository.calls["create"] == 6, "the four ids of the first run were used"
    assert repository.pending() == 0


async def test_bytes_that_arrived_before_a_crash_are_recognised(
    repository: Repository, store: HttpStore, cache: UploadCache
) -> None:
    """Killed after the server had all, before the answer was written down: the record says only `sending`."""
    content = contents(1)[0]
    mxc = (await store.reserve()).mxc
    cache.reserve(SERVER, mxc, None)
    cache.sending(SERVER, mxc, content.sha256)
    await store.upload(bytes_of(content), content_type="x/y", filename="x", mxc=mxc)
    assert await transfer([content], store, cache, config=QUICK) == {content.sha256: mxc}
    assert len(repository.stored()) == 1


async def test_an_id_that_holds_other_bytes_is_never_taken_for_ours(
    repository: Repository, store: HttpStore, cache: UploadCache
) -> None:
    other, ours = contents(2)
    mxc = (await store.reserve()).mxc
    cache.reserve(SERVER, mxc, None)
    cache.sending(SERVER, mxc, other.sha256)
    await store.upload(bytes_of(other), content_type="x/y", filename="x", mxc=mxc)
    result = await transfer([ours], store, cache, config=QUICK)
    assert_all_there(repository, [ours], result)
    assert result[ours.sha256] != mxc


async def test_ids_that_the_server_forgot_are_replaced(
    repository: Repository, store: HttpStore, cache: UploadCache
) -> None:
    cache.reserve(SERVER, f"mxc://{SERVER}/gone", None)
    wanted = contents(1)
    assert_all_there(repository, wanted, await transfer(wanted, store, cache, config=QUICK))
    assert cache.pending(SERVER, time.time()) == []


async def test_expired_ids_are_not_even_tried(repository: Repository, store: HttpStore, cache: UploadCache) -> None:
    cache.reserve(SERVER, f"mxc://{SERVER}/old", time.time() - 1)
    await transfer(contents(1), store, cache, config=QUICK)
    assert repository.calls["put"] == 1


@pytest.mark.parametrize("why", ["unsupported", "exhausted"])
async def test_without_reservations_files_go_in_one_step(
    why: str, repository: Repository, store: HttpStore, cache: UploadCache
) -> None:
    if why == "unsupported":
        repository.can_reserve = False
    else:
        repository.media = {f"foreign{number}": None for number in range(MOST_PENDING)}
    wanted = contents(6)
    assert_all_there(repository, wanted, await transfer(wanted, store, cache, config=QUICK))
    assert repository.calls["post"] == 6


async def test_progress_moves_and_ends_at_all(repository: Repository, store: HttpStore, cache: UploadCache) -> None:
    seen: list[Progress] = []
    wanted = contents(3, size=300_000)
    repository.faults = ["500"]
    await transfer(wanted, store, cache, config=QUICK, progress=seen.append)
    assert seen[0].bytes_done == 0 and seen[0].files == 3
    assert len({progress.bytes_done for progress in seen}) > 5
    assert all(0 <= progress.bytes_done <= progress.bytes for progress in seen)
    assert seen[-1].bytes_done == seen[-1].bytes == sum(content.size for content in wanted)
    assert seen[-1].files_done == 3
    assert any("trying again" in progress.note for progress in seen)


async def test_a_file_that_changed_since_it_was_hashed_is_not_recorded(
    repository: Repository, store: HttpStore, cache: UploadCache, tmp_path: Path
) -> None:
    path = tmp_path / "scene.glb"
    path.write_bytes(b"glTF first")
    content = describe(path)
    path.write_bytes(b"glTF second")
    os.utime(path, ns=(1, 1))
    with pytest.raises(TransferFailed) as failed:
        await transfer([content], store, cache, config=QUICK)
    assert isinstance(failed.value.failures["scene.glb"], UnreadableAsset)
    assert cache.find(SERVER, content.sha256) is None


async def test_a_file_that_vanished_is_one_clear_line(
    repository: Repository, store: HttpStore, cache: UploadCache, tmp_path: Path
) -> None:
    path = tmp_path / "scene.glb"
    path.write_bytes(b"glTF")
    content = describe(path)
    path.unlink()
    with pytest.raises(TransferFailed, match=r"scene\.glb cannot be read"):
        await transfer([content], store, cache, config=QUICK)


async def test_two_transfers_on_one_cache_do_not_mix(repository: Repository, store: HttpStore, tmp_path: Path) -> None:
    repository.slow = 0.02
    left, right = contents(8)[:6], contents(8)[2:]
    with UploadCache(tmp_path / "both.db") as first, UploadCache(tmp_path / "both.db") as second:
        one, other = await asyncio.gather(
            transfer(left, store, first, config=QUICK), transfer(right, store, second, config=QUICK)
        )
    assert_all_there(repository, left, one)
    assert_all_there(repository, right, other)
    assert len(repository.stored()) == 8, "what one had sent, the other did not send again"


async def test_nothing_to_do_asks_nothing(repository: Repository, store: HttpStore, cache: UploadCache) -> None:
    assert await transfer([], store, cache) == {}
    assert not repository.calls
