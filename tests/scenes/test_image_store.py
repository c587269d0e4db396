"""The store in the user's cache folder: never missed, never trusted, never too large."""

from __future__ import annotations

import os
import shutil
import stat
import sys
import threading
from pathlib import Path

import pytest

from roomscale.scenes import image_store
from roomscale.scenes.cachefolder import cache_folder
from roomscale.scenes.image_store import ImageStore

KEYS = [bytes([number]) * 32 for number in range(16)]
owned = pytest.mark.skipif(sys.platform == "win32", reason="files have no owner and mode there")


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_what_is_kept_is_found_by_its_key_alone_and_counted(tmp_path: Path) -> None:
    with ImageStore(tmp_path / "images") as store:
        assert store.find("images", KEYS[0]) is None
        store.keep("images", KEYS[0], b"picture")
        assert store.find("images", KEYS[1]) is None
    other = ImageStore(tmp_path / "images")
    assert other.find("images", KEYS[0]) == b"picture"
    assert (store.asked["images"], store.found["images"], store.failed) == (2, 0, False)
    assert (other.asked["images"], other.found["images"]) == (1, 1)


@owned
def test_it_is_for_this_user_alone(tmp_path: Path) -> None:
    ImageStore(tmp_path / "images").keep("images", KEYS[0], b"picture")
    (file,) = files(tmp_path)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in (file.parent, file.parent.parent)} == {0o700}


@pytest.mark.parametrize("damage", ["cut", "flipped", "longer", "empty", "of another key", "no hash"])
def test_what_is_not_as_it_was_kept_is_not_found_and_may_be_kept_again(tmp_path: Path, damage: str) -> None:
    store = ImageStore(tmp_path)
    store.keep("images", KEYS[0], b"picture")
    (file,) = files(tmp_path)
    whole = file.read_bytes()
    store.keep("images", KEYS[1], b"another picture")
    (other,) = set(files(tmp_path)) - {file}
    broken = {
        "cut": whole[:-1],
        "flipped": whole[:-1] + bytes([whole[-1] ^ 1]),
        "longer": whole + b"!",
        "empty": b"",
        "of another key": other.read_bytes(),
        "no hash": bytes(32) + whole[32:],
    }
    file.write_bytes(broken[damage])
    assert store.find("images", KEYS[0]) is None
    store.keep("images", KEYS[0], b"picture")
    assert store.find("images", KEYS[0]) == b"picture"


@owned
@pytest.mark.parametrize("mode", [0o770, 0o777, 0o707])
def test_a_folder_that_others_can_write_to_is_neither_read_nor_written(tmp_path: Path, mode: int) -> None:
    store = ImageStore(tmp_path)
    store.keep("images", KEYS[0], b"picture")
    (file,) = files(tmp_path)
    file.parent.chmod(mode)
    assert store.find("images", KEYS[0]) is None
    store.keep("images", bytes(31) + b"1", b"picture")
    assert store.failed
    assert files(tmp_path) == [file]


@owned
def test_a_symlink_in_its_place_is_not_followed(tmp_path: Path) -> None:
    store = ImageStore(tmp_path / "images")
    store.keep("images", KEYS[0], b"picture")
    (file,) = files(tmp_path)
    shutil.move(file, tmp_path / "elsewhere")
    file.symlink_to(tmp_path / "elsewhere")
    assert store.find("images", KEYS[0]) is None
    store.keep("images", KEYS[0], b"picture")  # replaces the link, not what it leads to
    assert not file.is_symlink()
    assert store.find("images", KEYS[0]) == b"picture"


def test_where_nothing_can_be_kept_it_says_so_and_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "images").write_text("a file where the folder should be")
    with ImageStore(tmp_path / "images") as store:
        store.keep("images", KEYS[0], b"picture")
        assert store.find("images", KEYS[0]) is None
    assert store.failed
    assert (tmp_path / "images").read_text() == "a file where the folder should be"


def test_what_is_too_large_for_a_drawer_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_store, "MOST_BYTES_OF_ONE", 100)
    store = ImageStore(tmp_path)
    store.keep("images", KEYS[0], bytes(69))
    store.keep("images", KEYS[1], bytes(68))
    assert [store.find("images", key) for key in KEYS[:2]] == [None, bytes(68)]
    assert not store.failed


def test_what_was_used_longest_ago_goes_first(tmp_path: Path) -> None:
    keys = [bytes([0, number]) + bytes(30) for number in range(12)]  # all in one drawer
    with ImageStore(tmp_path, image_store.DRAWERS * 40_960) as store:
        for number, key in enumerate(keys[:10]):
            store.keep("images", key, b"picture")  # a block of 4,096 bytes each
            os.utime(files(tmp_path)[-1], (number, number))
    assert len(files(tmp_path)) == 10
    with ImageStore(tmp_path, image_store.DRAWERS * 40_960) as store:
        assert store.find("images", keys[0]) is not None  # used just now
        for key in keys[10:]:
            store.keep("images", key, b"picture")
    there = ImageStore(tmp_path)
    assert [number for number, key in enumerate(keys) if there.find("images", key) is None] == [1, 2]


def test_several_packings_use_it_at_once(tmp_path: Path) -> None:
    """Each finds nothing or what was kept, while others keep the same, and throw away."""
    wrong: list[bytes | None] = []

    def pack() -> None:
        for _ in range(4):
            with ImageStore(tmp_path, image_store.DRAWERS * 3 * 4096) as store:
                for key in KEYS:
                    store.keep("images", key, 50 * key)
                    wrong.extend(value for value in [store.find("images", key)] if value not in (None, 50 * key))
                assert not store.failed

    threads = [threading.Thread(target=pack) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert [path for path in files(tmp_path) if path.name.startswith(".")] == []


@pytest.mark.skipif(sys.platform == "win32", reason="it has a folder of its own")
def test_where_it_is_is_said_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ROOMSCALE_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/home/ada")
    platforms = "/home/ada/Library/Caches" if sys.platform == "darwin" else "/home/ada/.cache"
    assert cache_folder() == Path(platforms) / "roomscale"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache_folder() == Path(platforms) / "roomscale"
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/cache/ada")
    assert cache_folder() == Path("/var/cache/ada/roomscale")
    monkeypatch.setenv("ROOMSCALE_CACHE", "~/kept")
    assert cache_folder() == Path("/home/ada/kept")
    monkeypatch.setenv("ROOMSCALE_CACHE", "relative")
    assert cache_folder() is None
