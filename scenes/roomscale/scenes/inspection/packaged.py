"""What is in a packed folder: the scene as somebody at a level sees it, and the bytes that are downloaded for it.

Rule: bytes are those of the files, entry and parts; the scene that they are put together to holds others, which nobody
downloads. What a part replaces counts in `shares` besides, for both are downloaded; in lists only what is seen does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from roomscale.scenes.checks.structure import require_sound
from roomscale.scenes.document import Scene, parse_scene
from roomscale.scenes.inspection import Inspection, costly, inspect
from roomscale.scenes.limits import DEFAULT_LIMITS, Limits
from roomscale.scenes.package.levels import chosen, download_bytes, replacements
from roomscale.scenes.package.manifest import ENTRY_TYPE, Manifest
from roomscale.scenes.package.verify import scene_at


def inspect_package(
    manifest: Manifest, files: Mapping[str, memoryview], level: int, limits: Limits = DEFAULT_LIMITS
) -> tuple[Scene, Inspection]:
    """The scene at a level, and all there is to say of it. `files`: SHA-256 → bytes, as `open_package` has them.

    Raises what `scene_at` raises, and `RejectedScene` if the structure of a file is broken.
    """
    scene = scene_at(files, manifest, level, limits)
    entry = _opened(files[manifest.entry.sha256], limits)
    used, stored = Counter(costly.shares(entry)), _stored(entry)
    seen, done = replacements(manifest, level), set[str]()
    for part in chosen(manifest, level):
        is_new = part.sha256 not in done
        done.add(part.sha256)
        if part.type == ENTRY_TYPE:
            held = _opened(files[part.sha256], limits)
            used.update(costly.shares(held) if is_new else {})
            own = _stored(held)
            for position, target in enumerate(part.targets):
                if seen[target] is part:
                    stored[target] = own.get(f"/{part.kind}/{position}", 0)
        elif is_new:
            used["sounds" if part.kind == "audio" else part.kind] += part.bytes
    found = inspect(scene)
    return scene, replace(
        found,
        costs=replace(found.costs, entry_bytes=manifest.entry.bytes, file_bytes=download_bytes(manifest, level)),
        shares={use: count for use, count in used.most_common() if count},
        meshes=costly.by_triangles(replace(it, bytes=stored[f"/meshes/{it.index}"]) for it in found.meshes),
        animations=costly.by_bytes(replace(it, bytes=stored[f"/animations/{it.index}"]) for it in found.animations),
    )


def _opened(data: memoryview, limits: Limits) -> Scene:
    scene = parse_scene(data, limits=limits)
    require_sound(scene)
    return scene


def _stored(scene: Scene) -> dict[str, int]:
    """Pointer → bytes in the file, of each mesh and each animation."""
    found = {f"/meshes/{mesh.index}": mesh.bytes for mesh in costly.meshes(scene)}
    return found | {f"/animations/{one.index}": one.bytes for one in costly.animations(scene)}
