"""`roomscale compile`: makes the netcode cheaper on this machine."""

from __future__ import annotations

from roomscale.cli.output import Output


def compile_netcode() -> None:
    """Compile the netcode for this machine: a visitor then costs the node about a third less.

    Takes a minute or two, a C compiler, and `pip install 'roomscale[compile]'`. The next `roomscale up` uses it, until
    Roomscale or Python is updated; run it again then. Without it everything works the same, at the price of more CPU.

    **Examples**

    - `roomscale compile`
    """
    from roomscale.netcode import compiled

    output = Output()
    if (there := compiled.find()) is None:
        with output.step("compiling the netcode, a minute or two"):
            there = compiled.build()
    else:
        output.note("it is compiled already")
    output.result(str(there))
