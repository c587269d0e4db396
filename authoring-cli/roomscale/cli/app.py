"""The `roomscale` command: its sub-commands, and what becomes of an error.

Its one rule: whatever goes wrong, a user sees one line and a script a code (`roomscale.cli.errors`); only
`ROOMSCALE_DEBUG=1` shows a stack trace.
"""

from __future__ import annotations

import copy
import sys

import typer

from roomscale.cli.commands import account, check, compiling, inspect, migrate, pack, parts, publish, up, visit
from roomscale.cli.config import debugging
from roomscale.cli.errors import Exit, exit_code_of
from roomscale.cli.output import Output

EPILOG = """Exit codes: 0 done · 1 refused (the scene or the world is wrong) · 2 the command line or the file cannot be
read · 3 this machine or the network does not allow it · 4 a part died again and again · 70 a defect of ours."""

app = typer.Typer(
    name="roomscale",
    help="Walk together in worlds that are Matrix rooms.",
    epilog=EPILOG,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("up")(up.up)
app.command("publish")(publish.publish)
app.command("check")(check.check)
app.command("inspect")(inspect.inspect)
app.command("pack")(pack.pack)
app.command("migrate")(migrate.migrate)
app.command("account")(account.account)
app.command("visit")(visit.visit)
app.command("compile")(compiling.compile_netcode)
app.command("_gate", hidden=True)(parts.gate)
app.command("_node", hidden=True)(parts.node)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        Output().result(f"roomscale {version('roomscale')}")
        raise typer.Exit


@app.callback()
def _root(
    _: bool = typer.Option(False, "--version", callback=_show_version, is_eager=True, help="Show the version."),
) -> None:
    """Walk together in worlds that are Matrix rooms."""


def _with_only(named: list[str]) -> typer.Typer:
    """The app with the one command that is named: to look at the options of all others takes 20 ms."""
    found = [command for command in app.registered_commands if [command.name] == named]
    if not found:
        return app
    narrow = copy.copy(app)
    narrow.registered_commands = found
    return narrow


def main() -> None:
    """Run the command and exit with the code that belongs to what happened."""
    try:
        _with_only(sys.argv[1:2])()
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if debugging():
            raise
        code = exit_code_of(error)
        if code is None:
            Output().error(
                f"a defect of ours: {type(error).__name__}: {error} (ROOMSCALE_DEBUG=1 shows where; please report it)"
            )
            sys.exit(Exit.INTERNAL)
        if code is not Exit.BROKEN_PIPE:
            Output().error(str(error))
        sys.exit(code)


if __name__ == "__main__":
    main()
