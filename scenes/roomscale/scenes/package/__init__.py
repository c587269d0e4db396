"""What a world is published as: an entry that opens by itself, parts that sharpen it, and a manifest (PACKAGE.md).

`pack` makes a package of a scene, `write_package` puts it on disk, `apply` puts entry and parts together again;
`verify` tells what is wrong with a packed folder.
"""

from roomscale.scenes.pack_report import PackReport
from roomscale.scenes.package.apply import apply
from roomscale.scenes.package.manifest import Manifest, Part, read_manifest
from roomscale.scenes.package.packing import pack
from roomscale.scenes.package.verify import Verified, is_package, verify
from roomscale.scenes.package.write import Package, manifest_of, read_package, write_package
from roomscale.scenes.single import DEFAULT_LIMIT, INSTANCE_NEEDS_SINGLE, PackOptions, pack_single

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
