"""The sample worlds and avatars that Roomscale comes with.

Reading them needs nothing but the files in `data/`; how they are made is in the modules beside it
(`python -m roomscale.assets.samples.build`), which nothing here imports. All of it is CC0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

DATA = Path(__file__).parent / "data"


@dataclass(frozen=True)
class SampleWorld:
    """One sample world and what its publisher needs to know of it."""

    key: str
    """Stable name of ours, also the stem of its files."""
    alias: str
    """Localpart of the room alias it is published under."""
    name: str
    description: str
    portals: Mapping[str, str] = field(default_factory=dict)
    """Name of each portal's node (OMI_link) → localpart of the alias it leads to."""

    @property
    def path_glb(self) -> Path:
        """The scene."""
        return DATA / f"{self.key}.glb"

    @property
    def path(self) -> Path:
        """The scene, under its short name."""
        return self.path_glb

    @property
    def thumbnail_path(self) -> Path:
        """A picture of it, 640 × 360."""
        return DATA / f"{self.key}.jpg"


@dataclass(frozen=True)
class SampleAvatar:
    """One sample avatar: a VRM 1.0 person with the clips idle, walk, run and wave."""

    id: str
    name: str

    @property
    def path(self) -> Path:
        """The file."""
        return avatars_dir() / f"{self.id}.glb"


def worlds() -> list[SampleWorld]:
    """All sample worlds; the first is where one begins."""
    return [
        SampleWorld(
            "plaza",
            "plaza",
            "Plaza",
            "A square at dusk: a canal and its bridge, a great tree, a clock tower, and a portal to the Gallery.",
            {"portal_gallery": "gallery"},
        ),
        SampleWorld(
            "gallery",
            "gallery",
            "Gallery",
            "A hall of pictures under an evening skylight, with a portal back to the Plaza.",
            {"portal_plaza": "plaza"},
        ),
    ]


def avatars() -> list[SampleAvatar]:
    """All sample avatars, as `index.json` lists them."""
    return [
        SampleAvatar("ada", "Ada"),
        SampleAvatar("bram", "Bram"),
        SampleAvatar("chidi", "Chidi"),
        SampleAvatar("mei", "Mei"),
    ]


def avatars_dir() -> Path:
    """The folder of the avatars' .glb files and their `index.json`."""
    return DATA / "avatars"
