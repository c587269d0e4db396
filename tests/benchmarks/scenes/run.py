"""The scene benchmark: bytes, seconds, memory and extensions kept, `roomscale pack --single` and what others use.

    python -m tests.benchmarks.scenes.run [--only NAME] [--tools roomscale,keeping] [--repeat 1] [--shared DIR]
                                          [--json FILE] [--record SECTION]

Rule: one packing at a time on a machine that does nothing else, each in processes of its own; all of it ends.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from roomscale.scenes import Scene, SceneError, mend, open_scene
from roomscale.scenes.container import build_glb
from tests.benchmarks.record import machine, record
from tests.benchmarks.rivals import NotAvailable, install
from tests.benchmarks.scenes.corpus import SHARED, Asset, assets
from tests.benchmarks.scenes.measure import Cost, PackingFailed, run
from tests.benchmarks.scenes.outcome import kept_share, like_bytes, weights
from tests.benchmarks.scenes.report import KEEPING, OURS, Packing, again, goals, table
from tests.benchmarks.scenes.tools import RIVALS, TOOLS, Tool, compile_ours, forget_images, own_cache
from tests.scenes.crafted import BINARY, triangle

MODULE: Final = "python -m tests.benchmarks.scenes.run"
FIXED: Final = "a triangle: what start-up costs"
Failures = dict[tuple[str, str], str]


def main(arguments: list[str]) -> int:
    """Measure, print, and write down; 0 when all that was asked for was packed by ours, else 1."""
    options = _options(arguments)
    compile_ours()
    try:
        install(RIVALS)
    except NotAvailable as why:
        print(f"benchmark: {why}", file=sys.stderr)
        options.tools = [tool for tool in options.tools if tool.ours]
    with tempfile.TemporaryDirectory(prefix="roomscale-bench-") as folder, own_cache(Path(folder) / "cache"):
        results, failures = everything(options, Path(folder))
    titles = {tool.name: tool.title for tool in options.tools}
    text = "\n\n".join(
        filter(None, [table(results, titles, failures), _failed(failures, titles), goals(results), again(results)])
    )
    print(f"\n{machine()}\n\n{text}" if results else "nothing was packed")
    if options.json:
        options.json.write_text(json.dumps([dataclasses.asdict(each) for each in results], indent=1) + "\n", "utf-8")
    if options.record and results:
        told = (word for word in arguments if word not in ("--json", str(options.json)))
        record(options.record, " ".join([MODULE, *told]), text)
    return 0 if results and not any(TOOLS[tool].ours for _, tool in failures) else 1


def everything(options: argparse.Namespace, folder: Path) -> tuple[list[Packing], Failures]:
    """All packings that worked, and why the others did not."""
    results: list[Packing] = []
    failures: Failures = {}
    for asset in _chosen(options, folder):
        before, _ = mend(open_scene(asset.path))
        made: dict[str, tuple[int, Scene]] = {}
        for tool in options.tools:
            try:
                packing, after = packed(asset, before, tool, folder, options.repeat)
            except (PackingFailed, SceneError, NotAvailable) as why:
                failures[asset.name, tool.name] = str(why)
                print(f"{asset.name}, {tool.title}: {why}", file=sys.stderr, flush=True)
                continue
            if tool.name in (OURS, KEEPING):
                made[tool.name] = (len(results), after)
            results.append(packing)
            size = f"{packing.weights.total / 1e3:,.0f} kB"
            print(
                f"{asset.name}, {tool.title}: {size}, {packing.seconds:.2f} s, {packing.memory / 1e6:.0f} MB",
                flush=True,
            )
        if len(made) == 2:
            (at, ours), (_, theirs) = made[OURS], made[KEEPING]
            results[at] = dataclasses.replace(results[at], like=like_bytes(ours, theirs))
    return results, failures


def packed(asset: Asset, before: Scene, tool: Tool, folder: Path, repeat: int = 1) -> tuple[Packing, Scene]:
    """One file by one tool, the quickest of `repeat` runs, and what it made.

    Raises PackingFailed, SceneError, NotAvailable.
    """
    target, log = folder / "packed.glb", folder / "said.log"
    costs: list[Cost] = []
    forget_images()
    if tool.again:
        run(tool.command(asset.path, target), log)
    for _ in range(repeat):
        target.unlink(missing_ok=True)
        if not tool.again:
            forget_images()
        costs.append(run(tool.command(asset.path, target), log))
    if not target.is_file():
        raise PackingFailed("left no file")
    after = open_scene(target)
    kept, extensions = kept_share(before, after)
    best = min(costs, key=lambda cost: cost.seconds)
    packing = Packing(
        asset=asset.name,
        tool=tool.name,
        source=asset.bytes,
        seconds=best.seconds,
        cpu=best.cpu,
        memory=best.memory,
        weights=weights(after),
        kept=kept,
        extensions=extensions,
        nodes=len(after.list_of("nodes")),
        is_asset=asset.name != FIXED,
    )
    return packing, after


def _chosen(options: argparse.Namespace, folder: Path) -> Iterator[Asset]:
    if not options.only:
        path = folder / "triangle.glb"
        path.write_bytes(build_glb(json.dumps(triangle()).encode(), [BINARY]))
        yield Asset(FIXED, path, path.stat().st_size)
    for asset in assets(folder, options.shared):
        if not options.only or any(word in asset.name for word in options.only):
            yield asset


def _failed(failures: Failures, titles: dict[str, str]) -> str:
    said = [f"- {asset}, {titles[tool]}: {why.splitlines()[-1][:200]}" for (asset, tool), why in failures.items()]
    return "\n".join(["Could not be packed:", "", *said]) if said else ""


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=MODULE, description=(__doc__ or "").partition("\n")[0])
    add = parser.add_argument
    add("--only", type=lambda text: text.split(","), help="files whose names hold one of these")
    add("--tools", type=_tools, default=list(TOOLS.values()), help=", ".join(TOOLS))
    add("--repeat", type=int, default=1, help="runs of each, of which the quickest counts")
    add("--shared", type=Path, default=SHARED, help="where the real files are")
    add("--json", type=Path, help="write all figures to this file")
    add("--record", metavar="SECTION", help="write the tables into this section of docs/benchmarks.md: scenes-pack")
    return parser.parse_args(arguments)


def _tools(text: str) -> Any:
    try:
        return [TOOLS[name] for name in text.split(",")]
    except KeyError as error:
        raise argparse.ArgumentTypeError(f"{error} is none") from None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
