"""The netcode benchmark: what a visitor costs the server process, ours and others', in the same crowd.

    python -m tests.benchmarks.netcode.run [--visitors 50,100,400] [--seconds 10] [--servers lean,geckos]
                                           [--traces all,third] [--repeat 1] [--json FILE] [--record SECTION]

Rule: one server at a time on a machine that does nothing else; everything stays on loopback, is bounded, and ends.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json
import statistics
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from tests.benchmarks.netcode.bench import Figures, Plan, measured
from tests.benchmarks.netcode.processes import ChildFailed
from tests.benchmarks.netcode.report import goals, tables
from tests.benchmarks.netcode.servers import CLIENTS, RIVALS, SERVERS, Server
from tests.benchmarks.record import machine, record
from tests.benchmarks.rivals import NotAvailable, install

FOREIGN: Final = 20
"""Visitors played by libdatachannel in a crowd of 1,000 and more."""
MODULE: Final = "python -m tests.benchmarks.netcode.run"


def main(arguments: list[str]) -> int:
    """Measure, print, and write down; 0 when everything that was asked for was measured, else 1."""
    options = _options(arguments)
    try:
        install(RIVALS)
    except NotAvailable as why:
        print(f"benchmark: {why}", file=sys.stderr)
    results, complete = asyncio.run(everything(options))
    text = "\n\n".join(filter(None, [tables(results), goals(results)]))
    print(f"\n{machine()}\n\n{text}" if results else "nothing was measured")
    if options.json:
        options.json.write_text(json.dumps([dataclasses.asdict(f) for f in results], indent=1) + "\n", "utf-8")
    if options.record and results:
        told = (word for word in arguments if word not in ("--json", str(options.json)))
        record(options.record, " ".join([MODULE, *told]), text)
    return 0 if complete else 1


async def everything(options: argparse.Namespace) -> tuple[list[Figures], bool]:
    """The figures of all measurements that worked, and whether all did."""
    results, complete = [], True
    for server, plan in _plans(options):
        try:
            runs = [await measured(server, plan) for _ in range(options.repeat)]
        except (NotAvailable, ChildFailed) as why:
            print(f"{server.title}, {plan.visitors} visitors: {why}", file=sys.stderr, flush=True)
            complete = complete and isinstance(why, NotAvailable)
            continue
        results.append(median(runs))
        print(_brief(results[-1]), flush=True)
    return results, complete


def median(runs: Sequence[Figures]) -> Figures:
    """One measurement out of several: of each number the median, of counts of what went wrong the worst."""
    first = runs[0]
    if len(runs) == 1:
        return first
    values: dict[str, Any] = {}
    for field in dataclasses.fields(Figures):
        seen = [getattr(run, field.name) for run in runs]
        if isinstance(seen[0], float):
            known = [value for value in seen if value is not None]
            values[field.name] = statistics.median(known)
    return dataclasses.replace(first, **values, gone=max(run.gone for run in runs))


def _plans(options: argparse.Namespace) -> Iterator[tuple[Server, Plan]]:
    for trace in options.traces:
        for visitors in options.visitors:
            for server in options.servers:
                adaptive = trace == "third"
                if visitors > server.most or (adaptive and not server.ours):
                    continue
                foreign = FOREIGN if visitors >= 1000 and options.foreign is None else options.foreign or 0
                yield server, Plan(visitors, options.seconds, adaptive, options.clients, foreign)


def _brief(f: Figures) -> str:
    p99 = "–" if f.latency_p99 is None else f"{f.latency_p99:.0f} ms"
    return f"{f.title}, {f.visitors}, {f.trace}: {f.cpu_us:.1f} µs per visitor-tick, latency p99 {p99}"


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=MODULE, description=(__doc__ or "").partition("\n")[0])
    add = parser.add_argument
    add("--visitors", type=_list_of(int), default=[50, 100, 400], help="crowds; only the lean one beyond 400")
    add("--seconds", type=float, default=10.0, help="of each window")
    add("--servers", type=_list_of(SERVERS.__getitem__), default=list(SERVERS.values()), help=", ".join(SERVERS))
    add("--traces", type=_list_of(_trace), default=["all"], help="all: everybody moves; third: 30%%, adaptive (ours)")
    add("--clients", choices=sorted(set(CLIENTS) - {"colyseus", "geckos"}), help="who plays our visitors")
    add("--foreign", type=int, help=f"visitors of ours by libdatachannel; {FOREIGN} of 1,000 and more, else none")
    add("--repeat", type=int, default=1, help="measurements of each, of which the median counts")
    add("--json", type=Path, help="write all figures to this file")
    add("--record", metavar="SECTION", help="write the tables into this section of docs/benchmarks.md: netcode")
    return parser.parse_args(arguments)


def _list_of(kind: Any) -> Any:
    """An argument's type: values between commas."""

    def parse(text: str) -> list[Any]:
        try:
            return [kind(part) for part in text.split(",")]
        except (KeyError, ValueError) as error:
            raise argparse.ArgumentTypeError(f"{error} is none") from None

    return parse


def _trace(text: str) -> str:
    if text not in ("all", "third"):
        raise ValueError(text)
    return text


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
