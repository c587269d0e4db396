"""How `roomscale inspect` looks: sections on a terminal, 80 columns wide, and as JSON.

Its one rule: pure, from `Inspection` to lines; long lists are cut and say how much was cut, unless all was asked for.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict

from roomscale.cli.figures import COLUMNS, amount, size
from roomscale.cli.output import Styled
from roomscale.scenes import Scene
from roomscale.scenes.errors import printable
from roomscale.scenes.inspection import Inspection, Knowledge
from roomscale.scenes.inspection.outline import Line, outline
from roomscale.scenes.package.levels import DESKTOP, DEVICES, chosen, download_bytes
from roomscale.scenes.package.manifest import Manifest
from roomscale.scenes.package.report import downloads, parts_lines

JSON_VERSION = 1
"""Of what `--json` prints; keys are only ever added, else this grows."""
SHOWN = 8
"""Entries of a list, unless all are asked for."""
SHOWN_NODES = 40
"""Lines of the tree, unless all are asked for."""
KNOWLEDGE = {
    Knowledge.SHOWN: ("shown", "green"),
    Knowledge.USED: ("used", "green"),
    Knowledge.KEPT: ("kept, without effect in the browser", "yellow"),
}


def lines(
    scene: Scene,
    inspection: Inspection,
    packed: Inspection | None,
    manifest: Manifest | None = None,
    *,
    depth: int | None,
    shows_all: bool,
) -> Iterator[Styled]:
    """All sections. `packed`: the same scene after packing, to show beside; `depth`: levels of the tree.

    `manifest`: that of the packed folder whose scene this is.
    """
    most = None if shows_all else SHOWN
    weight = inspection.costs.file_bytes if manifest is None else download_bytes(manifest, DESKTOP)
    yield [(printable(scene.name, 200), "bold"), (f"  {size(weight)}", "")]
    if manifest is not None:
        yield from _package(manifest)
    yield from _tree(scene, depth, shows_all=shows_all)
    yield from _bytes(inspection, packed)
    yield from _costs(inspection, packed)
    yield from _images(inspection, most)
    yield from _meshes(inspection, most)
    yield from _animations(inspection, most)
    yield from _sounds(inspection, most)
    yield from _world(inspection)
    yield from _extensions(inspection)
    yield from _rights(inspection)


def _package(manifest: Manifest) -> Iterator[Styled]:
    yield from _title("The package", f"{'files':>12}{'bytes':>12}")
    yield [(f"  {'entry':<42}{1:>12,}{size(manifest.entry.bytes):>12}", "")]
    for line in parts_lines(manifest):
        yield [(f"  {f'{line.kind}, level {line.level}':<42}{line.count:>12,}{size(line.bytes):>12}", "")]
    yield from _title("What visitors download", f"{'files':>12}{'bytes':>12}")
    yield [(f"  {'before anything is seen':<42}{1:>12,}{size(manifest.entry.bytes):>12}", "")]
    for device, level in DEVICES.items():
        count = len({manifest.entry.sha256, *(part.sha256 for part in chosen(manifest, level))})
        told = f"in all, {device} (level {level})"
        yield [(f"  {told:<42}{count:>12,}{size(download_bytes(manifest, level)):>12}", "")]
    if manifest.required:
        yield [(f"  the whole requires {printable(', '.join(manifest.required), 58)}", "dim")]


def _tree(scene: Scene, depth: int | None, *, shows_all: bool) -> Iterator[Styled]:
    yield from _title(f"Nodes ({len(scene.list_of('nodes')):,})")
    all_lines = list(outline(scene, depth=depth, folds=not shows_all))
    shown = all_lines if shows_all else all_lines[:SHOWN_NODES]
    for line in shown:
        yield _node(line)
    yield from _more(len(all_lines) - len(shown), "lines")


def _node(line: Line) -> Styled:
    indent = "  " * min(line.depth, 16)
    kinds = " ".join(line.kinds)
    notes = (f"  × {line.alike:,} like it" if line.alike else "") + (
        f"  ({line.hidden:,} below)" if line.hidden else ""
    )
    room = max(COLUMNS - len(indent) - len(notes) - 4, 16)
    name = printable(line.name, max(room - min(len(kinds), room // 2), 8)) if line.name else f"node {line.index}"
    told = printable(kinds, max(room - len(name), 8)) if kinds else ""
    return [(f"  {indent}", ""), (name, ""), (f"  {told}" if told else "", "cyan"), (notes, "dim")]


def _bytes(inspection: Inspection, packed: Inspection | None) -> Iterator[Styled]:
    yield from _title("What the bytes are for")
    total = sum(inspection.shares.values()) or 1
    for use, count in inspection.shares.items():
        after = f"{size(packed.shares.get(use, 0)):>14} packed" if packed is not None else ""
        yield [(f"  {use:<20}{size(count):>12}{100 * count / total:>7.0f} %{after}", "")]


def _costs(inspection: Inspection, packed: Inspection | None) -> Iterator[Styled]:
    yield from _title("What it costs to show")
    rows = ("triangles", "draws", "texture_bytes", "largest_edge", "lights", "materials", "bones")
    for field in rows:
        title = {"texture_bytes": "textures on the GPU", "largest_edge": "largest image"}.get(field, field)
        after = f"{amount(field, getattr(packed.costs, field)):>22} packed" if packed is not None else ""
        yield [(f"  {title:<20}{amount(field, getattr(inspection.costs, field)):>12}{after}", "")]


def _images(inspection: Inspection, most: int | None) -> Iterator[Styled]:
    heads = ("size", "file", "GPU")
    rows = [
        (f"/images/{it.index}", it.name, f"{it.width}×{it.height}", size(it.bytes), size(it.gpu_bytes))
        for it in inspection.images
    ]
    yield from _list("Images", heads, rows, most)


def _meshes(inspection: Inspection, most: int | None) -> Iterator[Styled]:
    heads = ("triangles", "shown", "file")
    rows = [
        (f"/meshes/{it.index}", it.name, f"{it.triangles:,}", f"{it.shown:,} ×", size(it.bytes))
        for it in inspection.meshes
    ]
    yield from _list("Meshes", heads, rows, most)


def _animations(inspection: Inspection, most: int | None) -> Iterator[Styled]:
    heads = ("seconds", "channels", "file")
    rows = [
        (f"/animations/{it.index}", it.name, f"{it.seconds:,.1f}", f"{it.channels:,}", size(it.bytes))
        for it in inspection.animations
    ]
    yield from _list("Animations", heads, rows, most)


def _sounds(inspection: Inspection, most: int | None) -> Iterator[Styled]:
    rows = [
        (f"/audio/{it.index}", it.name, it.media_type.removeprefix("audio/"), "", size(it.bytes))
        for it in inspection.sounds
    ]
    yield from _list("Sounds", ("type", "", "file"), rows, most)


def _list(title: str, heads: Sequence[str], rows: Sequence[tuple[str, ...]], most: int | None) -> Iterator[Styled]:
    """A table: a pointer, a name, three figures; the most costly first."""
    if not rows:
        return
    yield from _title(f"{title} ({len(rows):,})", "".join(f"{head:>12}" for head in heads))
    for pointer, name, *figures in rows[:most]:
        where = printable(pointer, 20)
        label = f"  {where} " + printable(name, max(COLUMNS - 36 - 4 - len(where), 8))
        yield [(f"{label:<44}", ""), ("".join(f"{figure:>12}" for figure in figures), "")]
    yield from _more(len(rows[most:]) if most is not None else 0, "of them")


def _world(inspection: Inspection) -> Iterator[Styled]:
    world = inspection.world
    counts = (
        (len(world.spawn_points), "spawn point", "spawn points"),
        (len(world.links), "link", "links"),
        (len(world.seats), "seat", "seats"),
        (len(world.bodies), "body", "bodies"),
        (len(world.sounds), "sound source", "sound sources"),
        (len(world.skies), "sky", "skies"),
        (len(world.lightmaps), "lightmap", "lightmaps"),
        (world.behaviours, "behaviour graph", "behaviour graphs"),
    )
    told = ", ".join(f"{count:,} {one if count == 1 else many}" for count, one, many in counts if count)
    yield from _title("As a world")
    yield [(f"  {told or 'no spawn points, links, seats, bodies or sounds'}", "")]
    if not world.has_colliders:
        yield [("  no colliders are stated: every mesh is solid", "dim")]
    if world.avatar is not None:
        yield [(f"  an avatar: VRM {printable(world.avatar.version, 20)} {printable(world.avatar.name, 50)}", "")]


def _extensions(inspection: Inspection) -> Iterator[Styled]:
    if inspection.extensions:
        yield from _title("Extensions, and what a visitor's browser makes of them")
        for name, knowledge in inspection.extensions.items():
            text, style = KNOWLEDGE[knowledge]
            yield [(f"  {printable(name, 40):<42}", ""), (text, style)]


def _rights(inspection: Inspection) -> Iterator[Styled]:
    yield from _title("Licence and authors")
    if not inspection.world.licences:
        yield [("  the file does not say; asset.copyright, extras or XMP would be the place", "yellow")]
    for licence in inspection.world.licences:
        who = f" by {printable(licence.author, 60)}" if licence.author else ""
        yield [
            (f"  {printable(licence.text, 200) or 'no licence'}{who}", ""),
            (f"  {printable(licence.source)}", "dim"),
        ]
    if inspection.generator:
        yield [(f"  made with {printable(inspection.generator, 64)}", "dim")]


def _title(text: str, columns: str = "") -> Iterator[Styled]:
    yield []
    yield [(f"{text:<44}" if columns else text, "bold"), (columns, "dim")]


def _more(count: int, what: str) -> Iterator[Styled]:
    if count > 0:
        yield [(f"  … {count:,} more {what}; --full shows all", "dim")]


def as_json(
    scene: Scene,
    inspection: Inspection,
    packed: Inspection | None,
    tree: Iterable[Line],
    manifest: Manifest | None = None,
) -> str:
    """Everything, for scripts; the form is in `authoring-cli/README.md`."""
    return json.dumps(
        {
            "version": JSON_VERSION,
            "file": scene.name,
            "nodes": [asdict(line) for line in tree],
            **_json(inspection),
            "packed": None if packed is None else _json(packed),
            "package": None if manifest is None else _package_json(manifest),
        },
        indent=2,
    )


def _package_json(manifest: Manifest) -> dict[str, object]:
    return {
        "entry": manifest.entry.bytes,
        "extensionsRequired": list(manifest.required),
        "parts": [asdict(line) for line in parts_lines(manifest)],
        "downloads": downloads(manifest),
    }


def _json(inspection: Inspection) -> dict[str, object]:
    told: dict[str, object] = asdict(inspection)
    return told
