"""The quality of images by role: `roomscale pack --single` and gltf-transform on the same images in one run.

    python -m tests.benchmarks.scenes.quality [--only NAME] [--shared DIR] [--record SECTION]

Each scene is packed at two caps: one that every image fits, where nothing but the encoding is compared, and one that
scales most of them. An image is compared with its source, of the same role, that looks most like it at 32 × 32 pixels:
packers renumber and join images, and gltf-transform makes a plain one a factor of its material.
Rule: every image that gltf-transform kept counts, and at the lower cap those that had to be scaled; one that ours lost
or spoilt is never passed over.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from roomscale.scenes import Scene, SceneError, open_scene
from roomscale.scenes.pixels import decode
from roomscale.scenes.roles import Alpha, ImageUse, Role, image_uses
from tests.benchmarks.record import record
from tests.benchmarks.rivals import NotAvailable, install
from tests.benchmarks.scenes.corpus import SHARED
from tests.benchmarks.scenes.generate import merged_kit
from tests.benchmarks.scenes.image_errors import MEASURES, Errors, errors
from tests.benchmarks.scenes.measure import PackingFailed, run
from tests.benchmarks.scenes.painted_walls import every_role
from tests.benchmarks.scenes.tools import RIVALS, TOOLS

MODULE: Final = "python -m tests.benchmarks.scenes.quality"
OURS, THEIRS = "roomscale", "keeping"
CAPS: Final = (8192, 256)
"""Pixels. No image of the corpus has longer edges than the first; the second scales most."""
_PIECES: Final = 8
"""A folder with this many .glb files and more is a kit, and becomes one scene."""
_LOOK: Final = 32
_UNLIKE: Final = 24.0
"""RMS of two images at 32 × 32 pixels, in steps of 1/255, above which one was not made of the other."""
_SAME: Final = {CAPS[0]: 1.01, CAPS[1]: 1.03}
"""Cap → how many times an error may be another one and still count as equal. Two scalers round differently, and the
encoder answers that with about 1% more or less."""
_UNSEEN: Final = 0.01
"""An error that much above another is equal, too: of a step of 1/255, of a degree."""
_MOST_BYTES: Final = {CAPS[0]: 1.0, CAPS[1]: 1.03}
"""Cap → bytes of ours as a share of theirs. Averaged as light, bright details keep more of their contrast, which the
encoder has to write."""


class LostImage(Exception):
    """Ours lacks an image that gltf-transform kept."""


@dataclass(frozen=True, slots=True)
class Found:
    """An image in a scene. `bytes`: of its file. `look`: as it is seen from afar."""

    index: int
    bytes: int
    use: ImageUse
    pixels: Image.Image
    look: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Pair:
    """What became of one image by both. `bytes`: of the files, ours and theirs."""

    scene: str
    index: int
    cap: int
    use: ImageUse
    bytes: tuple[int, int]
    ours: Errors
    theirs: Errors

    @property
    def worse(self) -> list[str]:
        """The measures by which ours is worse."""
        times = _SAME[self.cap]
        most = {name: each * times + _UNSEEN * (0.01 if "SSIM" in name else 1) for name, each in self.theirs.items()}
        return [name for name, error in self.ours.items() if error > most[name]]


def scenes(folder: Path, shared: Path = SHARED) -> Iterator[tuple[str, Path]]:
    """Name and file of every scene with images: the real ones, each kit as one, and a made one, put into `folder`."""
    yield "every-role", _put(folder / "every-role.glb", every_role())
    if not shared.is_dir():
        return
    kits = [each for each in sorted(shared.iterdir()) if len(list(each.glob("*.glb"))) >= _PIECES]
    for kit in kits:
        yield f"{kit.name} (kit)", _put(folder / f"{kit.name}.glb", merged_kit(sorted(kit.glob("*.glb"))))
    for path in sorted(shared.rglob("*")):
        is_piece = path.parent in kits or "ValidatorFixtures" in path.parts
        if path.suffix in {".glb", ".gltf", ".vrm"} and not is_piece and open_scene(path).list_of("images"):
            yield f"{path.parent.name}/{path.name}" if path.stem == "scene" else path.name, path


def _put(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def images(scene: Scene) -> list[Found]:
    """The images that textures wear, decoded, equal files once; KTX2 and what cannot be decoded are left out."""
    found: dict[tuple[bytes, ImageUse], Found] = {}
    for index, use in image_uses(scene.json).items():
        image = scene.list_of("images")[index]
        data = bytes(scene.view(image["bufferView"]) if "bufferView" in image else scene.resource(image["uri"], ""))
        if (data, use) not in found:
            try:
                pixels = decode(data, "")
            except SceneError:
                continue
            found[data, use] = Found(index, len(data), use, pixels, _look(pixels, use))
    return list(found.values())


def compared(name: str, path: Path, cap: int, folder: Path) -> list[Pair]:
    """All images of one scene at one cap. Raises LostImage, PackingFailed, SceneError, NotAvailable."""
    ours, theirs = (images(_packed(path, tool, cap, folder)) for tool in (OURS, THEIRS))
    pairs = []
    for source in images(open_scene(path)):
        size = _fitting(source.pixels.size, cap)
        other = _made_of(source, size, theirs, _UNLIKE)
        if other is None or (cap != CAPS[0] and size == source.pixels.size):
            continue
        made = _made_of(source, size, ours, math.inf)  # however unlike: what was spoilt shall be seen
        if made is None:
            raise LostImage(f"{name}, image {source.index}: gltf-transform kept it, ours did not")
        weights = (made.bytes, other.bytes)
        told = (errors(source.pixels, each.pixels, source.use) for each in (made, other))
        pairs.append(Pair(name, source.index, cap, source.use, weights, *told))
    return pairs


def _packed(path: Path, tool: str, cap: int, folder: Path) -> Scene:
    target = folder / f"{tool}.glb"
    target.unlink(missing_ok=True)
    command = TOOLS[tool].command(path, target)
    command[command.index("--texture-size") + 1] = str(cap)
    run(command, folder / "said.log")
    return open_scene(target)


def _fitting(size: tuple[int, int], cap: int) -> tuple[int, int]:
    part = min(1.0, cap / max(size))
    return max(1, round(size[0] * part)), max(1, round(size[1] * part))


def _made_of(source: Found, size: tuple[int, int], candidates: Sequence[Found], most: float) -> Found | None:
    """The image of that role and size most like this one; None if none is, or if it is more than `most` unlike."""
    alike = [each for each in candidates if each.use.role is source.use.role and _is_near(each.pixels.size, size)]
    distances = [_distance(source, each) for each in alike]
    best = min(range(len(alike)), key=distances.__getitem__, default=None)
    return None if best is None or distances[best] > most else alike[best]


def _is_near(size: tuple[int, int], other: tuple[int, int]) -> bool:
    return all(abs(a - b) <= 1 for a, b in zip(size, other, strict=True))


def _distance(image: Found, other: Found) -> float:
    return float(np.sqrt(np.square(image.look - other.look).mean()))


def _look(image: Image.Image, use: ImageUse) -> NDArray[np.float32]:
    """An image from afar; what alpha hides is black, for a packer may put any colour there."""
    pixels = image.convert("RGBA")
    if use.alpha is Alpha.SHOWN:
        pixels = Image.alpha_composite(Image.new("RGBA", pixels.size, "black"), pixels)
    return np.asarray(pixels.convert("RGB").resize((_LOOK, _LOOK)), np.float32)


def table(pairs: Sequence[Pair]) -> str:
    """Markdown: for each scene, cap and role the means of the errors, ours and theirs, and the bytes."""
    rows = [["scene", "cap", "role", "images", "kB, ours / theirs", "mean error, ours / theirs"]]
    rows.append(["---", "---:", "---", "---:", "---:", "---"])
    groups = dict.fromkeys((pair.scene, pair.cap, pair.use.role) for pair in pairs)
    for scene, cap, role in [*groups, *(("all", cap, role) for cap in CAPS for role in Role)]:
        group = [pair for pair in pairs if (scene in (pair.scene, "all")) and (cap, role) == (pair.cap, pair.use.role)]
        if group:
            rows.append([scene, _cap(cap), role.value, str(len(group)), _bytes(group), _errors(group)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _cap(cap: int) -> str:
    return "none" if cap == CAPS[0] else str(cap)


def _bytes(pairs: Sequence[Pair]) -> str:
    ours, theirs = (sum(pair.bytes[side] for pair in pairs) for side in (0, 1))
    return f"{ours / 1e3:,.0f} / {theirs / 1e3:,.0f}"


def _errors(pairs: Sequence[Pair]) -> str:
    told = []
    for name in MEASURES[pairs[0].use.role]:
        both = [(pair.ours[name], pair.theirs[name]) for pair in pairs if name in pair.ours]
        if both:
            ours, theirs = np.mean(both, axis=0)
            digits = 4 if "SSIM" in name else 2
            told.append(f"{name} {ours:.{digits}f} / {theirs:.{digits}f}")
    return ", ".join(told)


def goals(pairs: Sequence[Pair]) -> str:
    """Markdown: whether any image is worse than gltf-transform's, by role, and whether that took more bytes."""
    lines = ["| goal, against gltf-transform | seen | |", "| --- | ---: | --- |"]
    for role in Role:
        group = [pair for pair in pairs if pair.use.role is role]
        worse = [pair for pair in group if pair.worse]
        goal = f"{role.value}: no image worse by any of {', '.join(MEASURES[role])}"
        lines.append(f"| {goal} | {len(worse)} of {len(group)} | {'missed' if worse else 'reached'} |")
    for cap, most in _MOST_BYTES.items():
        share = byte_share(pairs, cap)
        goal = f"at most {most:.0%} of their bytes, all images together, cap {_cap(cap)}"
        lines.append(f"| {goal} | {share:.1%} | {'reached' if share <= most else 'missed'} |")
    missed = [
        f"- {pair.scene}, image {pair.index}, cap {_cap(pair.cap)}: {_told(pair)}" for pair in pairs if pair.worse
    ]
    return "\n".join([*lines, *(["", "Images that are worse:", "", *missed] if missed else [])])


def byte_share(pairs: Sequence[Pair], cap: int) -> float:
    """Bytes of our images as a share of theirs, at one cap; 0 if there are none."""
    ours, theirs = (sum(pair.bytes[side] for pair in pairs if pair.cap == cap) for side in (0, 1))
    return ours / theirs if theirs else 0.0


def _told(pair: Pair) -> str:
    worse = (f"{name} {pair.ours[name]:.3g} against {pair.theirs[name]:.3g}" for name in pair.worse)
    return f"{', '.join(worse)}, {pair.bytes[0] / 1e3:.0f} against {pair.bytes[1] / 1e3:.0f} kB"


def measured(only: Sequence[str] = (), shared: Path = SHARED, said: Callable[[str], None] = print) -> list[Pair]:
    """Everything, packed and compared. Raises LostImage; NotAvailable where gltf-transform cannot be had."""
    install(RIVALS)
    pairs: list[Pair] = []
    with tempfile.TemporaryDirectory(prefix="roomscale-quality-") as name:
        folder = Path(name)
        for scene, path in scenes(folder, shared):
            for cap in CAPS if not only or any(word in scene for word in only) else ():
                try:
                    pairs += compared(scene, path, cap, folder)
                except (PackingFailed, SceneError) as why:
                    said(f"{scene}, cap {cap}: {str(why).splitlines()[-1][:200]}")
    return pairs


def main(arguments: list[str]) -> int:
    """Measure, print, and write down; 1 if an image of ours is worse."""
    parser = argparse.ArgumentParser(prog=MODULE, description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", type=lambda text: text.split(","), default=(), help="scenes whose names hold one")
    parser.add_argument("--shared", type=Path, default=SHARED, help="where the real files are")
    parser.add_argument("--record", metavar="SECTION", help="write into this section of docs/benchmarks.md")
    options = parser.parse_args(arguments)
    try:
        pairs = measured(options.only, options.shared)
    except NotAvailable as why:
        print(f"benchmark: {why}", file=sys.stderr)
        return 1
    text = f"{goals(pairs)}\n\n{table(pairs)}"
    print(text)
    if options.record and pairs:
        record(options.record, " ".join([MODULE, *arguments]), text)
    return int(not pairs or any(pair.worse for pair in pairs))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
