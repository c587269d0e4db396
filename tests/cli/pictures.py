"""Draws the creator's guide's pictures from what the commands really say and make: `python -m tests.cli.pictures`.

`names.svg`: what a real Blender export's names and properties become, beside a plan of it. `check.svg`, `pack.svg`:
what the terminal shows. SVG by hand, with no font or script from elsewhere. `test_pictures.py` tells when they are out
of date.
"""

from __future__ import annotations

import io
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np

from roomscale.cli.check_report import details, summary
from roomscale.cli.checking import Request, check_one
from roomscale.cli.figures import COLUMNS
from roomscale.cli.output import Styled
from roomscale.cli.packreport import lines as pack_lines
from roomscale.scenes import Scene, open_scene, parse_scene
from roomscale.scenes.authoring.author import author
from roomscale.scenes.extent import declared_box, placed
from roomscale.scenes.package import pack
from roomscale.scenes.placement import world_matrices
from roomscale.scenes.view import WorldView, view
from tests.scenes import worlds
from tests.scenes.crafted import glb, with_extension

FOLDER = Path(__file__).parents[2] / "docs" / "images"
BLENDER = Path(__file__).parents[1] / "scenes" / "blender" / "room.glb"
MONO = "ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace"
SANS = "'DejaVu Sans', 'Segoe UI', Helvetica, Arial, sans-serif"
STYLES = {
    "": "#d8dee9",
    "dim": "#7f8a9b",
    "cyan": "#7fd0e0",
    "green": "#8fd18a",
    "yellow": "#e6c35c",
    "bold": "#ffffff",
}
"""Style of rich's → colour on a dark ground; its last word counts."""
RED = "#f07178"
CHAR, LINE = 8.0, 18
"""Pixels of a character, which `textLength` enforces whatever the font, and from line to line."""
METRE = 26
"""Pixels of a metre on the plan."""


# A terminal


def terminal(command: str, lines: Sequence[Styled]) -> str:
    """A window of a terminal in which a command has said something."""
    shown: list[Styled] = [[("$ ", "green"), (command, "bold")], *lines]
    height = LINE * len(shown) + 44
    body = [f'<rect width="{COLUMNS * CHAR + 32:.0f}" height="{height}" rx="8" fill="#1e222a"/>']
    body += [f'<circle cx="{20 + 18 * n}" cy="16" r="5" fill="#3b4252"/>' for n in range(3)]
    for number, line in enumerate(shown):
        column = 0
        for text, style in line:
            if text.strip():
                x, y = 16 + column * CHAR, 46 + number * LINE
                colour = RED if "red" in style else STYLES[style.split()[-1] if style else ""]
                weight = ' font-weight="bold"' if "bold" in style else ""
                body.append(
                    f'<text x="{x:.0f}" y="{y}" fill="{colour}"{weight} textLength="{len(text) * CHAR:.0f}" '
                    f'xml:space="preserve">{escape(text)}</text>'
                )
            column += len(text)
    return svg(COLUMNS * CHAR + 32, height, body, MONO, 13)


def svg(width: float, height: float, body: Sequence[str], font: str, size: int) -> str:
    """A whole file."""
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}"'
    return "\n".join([f'{head} font-family="{font}" font-size="{size}">', *body, "</svg>", ""])


def check_picture() -> str:
    """A spawn point that an exporter forgot to declare: what check says of it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "garden.glb"
        path.write_bytes(glb(with_extension("OMI_spawn_point", node={}, declared=False)))
        checked = check_one(path, Request(), None)
    shown = [*summary(checked), *(("", ""),)]
    told = [[(text.replace(f"{path.parent}/", ""), style) for text, style in shown]]
    return terminal("roomscale check garden.glb", [*told, *details(checked, shows_notes=False)])


def pack_picture() -> str:
    """A garden with one large picture: what pack says it came to."""
    _, report = pack(parse_scene(worlds.garden()))
    return terminal("roomscale pack garden.glb -o garden/", [_coloured(line) for line in pack_lines(report)])


def _coloured(line: str) -> Styled:
    is_head = line.startswith(("step ", "download ", "parts "))
    return [(line, "dim" if is_head else "green" if line.startswith(("kept", "  ")) else "")]


# What names become


@dataclass(frozen=True)
class Thing:
    """A node: what it is called, what it says besides, what becomes of it, and the colour of that."""

    node: int
    name: str
    said: str
    becomes: str
    colour: str


SOLID, ARRIVAL, SEAT, PORTAL, SOUND, ZONE, DRAWN = (
    "#5b7083", "#2e9e57", "#b7791f", "#7c4dcc", "#c2417c", "#2f7fc1", "#8a8f98"
)  # fmt: skip


def things(source: Scene, authored: Scene) -> list[Thing]:
    """Every node that came from Blender, in its order."""
    seen, nodes = view(authored), authored.list_of("nodes")
    found = []
    for index, node in enumerate(source.list_of("nodes")):
        becomes, colour = _becomes(index, "mesh" in nodes[index], seen)
        said = ", ".join(f"{key} = {_value(value)}" for key, value in node.get("extras", {}).items())
        found.append(Thing(index, node["name"], said, becomes, colour))
    return found


def _value(value: object) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _becomes(node: int, is_drawn: bool, seen: WorldView) -> tuple[str, str]:
    for spawn in seen.spawn_points:
        if spawn.node == node:
            return f"a place to arrive{f', “{spawn.title}”' if spawn.title else ''}", ARRIVAL
    if any(seat.node == node for seat in seen.seats):
        return "something to sit on", SEAT
    for link in seen.links:
        if link.node == node:
            return f"a portal, “{link.title}”", PORTAL
    for sound in seen.sounds:
        if sound.node == node:
            return f"a sound, heard within {sound.radius:g} m", SOUND
    for body in seen.bodies:
        if body.node == node and body.shape is not None:
            shape = {"trimesh": "exactly as modelled", "convex": "its convex hull"}.get(
                body.shape.type, body.shape.type
            )
            if body.is_trigger:
                return f"a trigger: {shape}", ZONE
            return f"solid: {shape}{'' if is_drawn else '; not drawn'}", SOLID
    if node in seen.levels:
        return "drawn; a coarser level follows", DRAWN
    if any(node in coarser for coarser in seen.levels.values()):
        return "its coarser level", DRAWN
    return ("not drawn" if node in seen.hidden else "drawn"), DRAWN


def names_picture() -> str:
    """The outliner at the left, what becomes of each thing, and a plan of the room at the right."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(BLENDER, Path(folder) / "room.glb")
        (Path(folder) / "water.mp3").write_bytes(b"ID3\x03" + bytes(60))
        source = open_scene(Path(folder) / "room.glb")
        authored, _ = author(source, None)
        rows = things(source, authored)
    left, top, row = 16, 62, 34
    height = top + row * len(rows) + 8
    plan_x = 660
    width = plan_x + 13 * METRE + 20
    body = [f'<rect width="{width}" height="{height}" rx="8" fill="#ffffff" stroke="#d0d5dc"/>']
    for x, title in (
        (left + 30, "In Blender: name, custom properties"),
        (360, "In the world"),
        (plan_x, "From above (Blender's +Y is up)"),
    ):
        body.append(f'<text x="{x}" y="32" fill="#3b4252" font-weight="bold" font-size="14">{title}</text>')
    for number, thing in enumerate(rows):
        y = top + row * number
        body += [
            *_badge(left + 11, y + 6, number + 1, thing.colour),
            f'<text x="{left + 30}" y="{y + (5 if thing.said else 10)}" fill="#1e222a" '
            f'font-family="{MONO}">{escape(thing.name)}</text>',
            f'<text x="{left + 30}" y="{y + 19}" fill="#7f8a9b" font-size="10.5">{escape(thing.said)}</text>',
            f'<text x="360" y="{y + 10}" fill="{thing.colour}">{escape(thing.becomes)}</text>',
        ]
    body += _plan(source, rows, plan_x + 6.5 * METRE, 60 + 6.5 * METRE)
    return svg(width, height, body, SANS, 13)


def _badge(x: float, y: float, number: int, colour: str) -> Iterator[str]:
    yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="9" fill="{colour}"/>'
    yield (
        f'<text x="{x:.1f}" y="{y + 3.5:.1f}" fill="#ffffff" font-size="10" text-anchor="middle" '
        f'font-weight="bold">{number}</text>'
    )


def _plan(scene: Scene, rows: Sequence[Thing], x: float, y: float) -> Iterator[str]:
    """The room from above, north up as in Blender's top view; `x`, `y`: where its middle is."""
    matrices = world_matrices(scene)
    marks: list[str] = []
    for number, thing in enumerate(rows, start=1):
        matrix = matrices[thing.node]
        at_x, at_y = x + matrix[0, 3] * METRE, y + matrix[2, 3] * METRE
        if thing.name == "Floor-col":
            at_x, at_y = x - 5.2 * METRE, y - 5.2 * METRE  # where nothing stands
        elif thing.name.startswith("Wall"):
            at_x -= 3 * METRE  # beside the portal
        box = _box(scene, thing, matrix)
        if box is not None:
            low, high = x + box[0, 0] * METRE, y + box[0, 2] * METRE
            wide, deep = (box[1, 0] - box[0, 0]) * METRE, (box[1, 2] - box[0, 2]) * METRE
            faint = thing.colour is DRAWN or thing.name == "Floor-col"
            dash = ' stroke-dasharray="4 3"' if "not drawn" in thing.becomes or thing.colour is ZONE else ""
            yield (
                f'<rect x="{low:.1f}" y="{high:.1f}" width="{wide:.1f}" height="{deep:.1f}" fill="{thing.colour}" '
                f'fill-opacity="{0.1 if faint or dash else 0.45}" stroke="{thing.colour}"{dash}/>'
            )
        if thing.colour in (ARRIVAL, SEAT, PORTAL):
            ahead = -matrix[:3, 2] * 0.9 * METRE
            marks.append(
                f'<line x1="{at_x:.1f}" y1="{at_y:.1f}" x2="{at_x + ahead[0]:.1f}" y2="{at_y + ahead[2]:.1f}" '
                f'stroke="{thing.colour}" stroke-width="4" stroke-linecap="round"/>'
            )
        if thing.colour is SOUND:
            marks += [
                f'<circle cx="{at_x:.1f}" cy="{at_y:.1f}" r="{14 + 6 * ring}" fill="none" stroke="{SOUND}" '
                f'stroke-opacity="{0.6 - 0.2 * ring:.1f}"/>'
                for ring in range(3)
            ]
        if thing.name == "Tree_LOD1":
            at_x += 20  # it stands where its finer level does
        marks += _badge(at_x, at_y, number, thing.colour)
    yield from marks


def _box(scene: Scene, thing: Thing, matrix: np.ndarray) -> np.ndarray | None:
    """What a thing covers: (lowest, highest corner); of an empty that is a volume, what Blender shows of it."""
    node = scene.list_of("nodes")[thing.node]
    if "mesh" in node:
        primitive = scene.list_of("meshes")[node["mesh"]]["primitives"][0]
        declared = declared_box(scene.list_of("accessors")[primitive["attributes"]["POSITION"]])
        return None if declared is None else placed(declared[None], matrix[None])[0]
    return placed(np.array([[[-1.0] * 3, [1.0] * 3]]), matrix[None])[0] if thing.colour is ZONE else None


PICTURES: dict[str, Callable[[], str]] = {
    "names.svg": names_picture,
    "check.svg": check_picture,
    "pack.svg": pack_picture,
}


def main() -> None:
    """Write them all."""
    for name, draw in PICTURES.items():
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            text = draw()
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
