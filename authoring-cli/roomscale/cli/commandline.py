"""The command line of `roomscale`: its sub-commands, as typer reads them.

Its one rule: of a command line that names one command, only that one is imported and looked at. Help and completion
look at all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

import typer

from roomscale.cli.output import Output

EPILOG = """Exit codes: 0 done · 1 refused (the scene or the world is wrong) · 2 the command line or the file cannot be
read · 3 this machine or the network does not allow it · 4 a part died again and again · 70 a defect of ours."""

COMMANDS = {
    "up": "up:up",
    "publish": "publish:publish",
    "check": "check:check",
    "inspect": "inspect:inspect",
    "pack": "pack:pack",
    "migrate": "migrate:migrate",
    "account": "account:account",
    "visit": "visit:visit",
    "compile": "compiling:compile_netcode",
    "_gate": "parts:gate",
    "_node": "parts:node",
}
"""Name → module of `commands`, and the function in it. Those with an underscore are not for people."""
VERSION = "--version"


def app_for(arguments: Sequence[str]) -> typer.Typer:
    """The app for a command line: with the one command that it names, with none to show the version, else with all."""
    app = typer.Typer(
        name="roomscale",
        help="Walk together in worlds that are Matrix rooms.",
        epilog=EPILOG,
        no_args_is_help=True,
        rich_markup_mode="markdown",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_root)
    first = arguments[0] if arguments else ""
    for name in [first] if first in COMMANDS else [] if first == VERSION else COMMANDS:
        module, _, function = COMMANDS[name].partition(":")
        command = getattr(import_module(f"roomscale.cli.commands.{module}"), function)
        app.command(name, hidden=name.startswith("_"))(command)
    return app


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        Output().result(f"roomscale {version('roomscale')}")
        raise typer.Exit


def _root(
    _: bool = typer.Option(False, VERSION, callback=_show_version, is_eager=True, help="Show the version."),
) -> None:
    """Walk together in worlds that are Matrix rooms."""
