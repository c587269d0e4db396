"""`roomscale visit`: headless visitors come into a world, walk about, and tell what they saw."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from roomscale.cli.commands.publish import running_house
from roomscale.cli.output import Output

INTERRUPTED = 130  # 128 + SIGINT, as shells have it


def visit(
    link: Annotated[
        str, typer.Argument(help="A link to the world, e.g. http://127.0.0.1:8080/w/plaza.", show_default=False)
    ],
    count: Annotated[int, typer.Option(help="Visitors.", min=1, max=2000)] = 10,
    seconds: Annotated[float, typer.Option(help="How long they stay once all are inside.", min=0.1)] = 30.0,
    walk: Annotated[bool, typer.Option("--walk/--stand", help="Walk in circles, or stand still.")] = True,
    rate: Annotated[
        float, typer.Option(help="Visitors that set out, per second; a homeserver takes about 30.", min=0.01)
    ] = 10.0,
    allow: Annotated[
        list[str] | None,
        typer.Option(help="Another host that may be contacted (a homeserver, a node), by name or address."),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            help="The `roomscale up` that serves a link which names no gate.", show_default="~/.local/share/roomscale"
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Send headless visitors into a world, as a load test: real guests, real calls, real WebRTC.

    Each one registers as a guest, joins the room, calls the world server, walks, and leaves; Ctrl-C ends it early, and
    all leave. They do not load the scene, and do not follow the room once inside. Latency is the time from one
    visitor's sending where it is to another's being told. The embedded homeserver takes 30 guests from one address at
    once and one a second from then on, and a world keeps a fifth of its places for people with accounts.

    **Examples**

    - `roomscale visit http://127.0.0.1:8080/w/plaza --count 50 --walk`
    - `roomscale visit '#plaza:localhost' --data house --json`
    """
    import asyncio

    from roomscale.cli import visiting
    from roomscale.cli.loops import run_fast
    from roomscale.worlds.gateclient import gate_of

    output = Output()
    visiting.check_link(link)
    gate = gate_of(link) or running_house(data, instead="--data, or the gate by a link to it").public_url
    request = visiting.VisitRequest(gate, link, count, rate, seconds, walk, tuple(host.lower() for host in allow or ()))
    try:
        visited = run_fast(visiting.visit(request, output))
    except asyncio.CancelledError:  # a second Ctrl-C: it did not even wait for all to leave
        raise typer.Exit(INTERRUPTED) from None
    if visited.stay is not None or as_json:
        output.results(visiting.as_json(visited) if as_json else visiting.as_table(visited))
    if visited.stay is not None and visited.stay.own_cpu > visiting.BUSY_CPU:
        output.note("this command needed most of a core itself: the times are its own as much as the server's")
    if visited.interrupted:
        raise typer.Exit(INTERRUPTED)
    if problem := visiting.problem_of(visited):
        raise problem
