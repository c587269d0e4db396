"""What a world is published as: an entry that opens by itself, parts that sharpen it, and a manifest (PACKAGE.md).

`pack` makes a package of a scene, `write_package` puts it on disk, `apply` puts entry and parts together again;
`verify` tells what is wrong with a packed folder. What packs is imported when it is asked for: with it come all
transforms, which nobody needs who only reads packages.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from roomscale.scenes.package.apply import apply
from roomscale.scenes.package.manifest import Manifest, Part, read_manifest
from roomscale.scenes.package.verify import Verified, is_package, verify
from roomscale.scenes.package.write import Package, manifest_of, read_package, write_package

if TYPE_CHECKING:
    from roomscale.scenes.pack_report import PackReport
    from roomscale.scenes.package.packing import pack
    from roomscale.scenes.single import DEFAULT_LIMIT, INSTANCE_NEEDS_SINGLE, PackOptions, pack_single

_WHAT_PACKS = {
    "DEFAULT_LIMIT": "roomscale.scenes.single",
    "INSTANCE_NEEDS_SINGLE": "roomscale.scenes.single",
    "PackOptions": "roomscale.scenes.single",
    "PackReport": "roomscale.scenes.pack_report",
    "pack": "roomscale.scenes.package.packing",
    "pack_single": "roomscale.scenes.single",
}
"""Name → its module."""

__all__ = [
    "DEFAULT_LIMIT",
    "INSTANCE_NEEDS_SINGLE",
    "Manifest",
    "PackOptions",
    "PackReport",
    "Package",
    "Part",
    "Verified",
    "apply",
    "is_package",
    "manifest_of",
    "pack",
    "pack_single",
    "read_manifest",
    "read_package",
    "verify",
    "write_package",
]


def __getattr__(name: str) -> Any:
    if name not in _WHAT_PACKS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_WHAT_PACKS[name]), name)
