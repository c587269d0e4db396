"""What the command itself may refuse, and the exit code of every error of the house.

Its one rule: a user sees one clear line that says what to do next, and a script sees a code that tells whose fault
it was. The rooms are imported only once something went wrong: every command starts with this module.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from roomscale.scenes.errors import SceneError


class Exit(IntEnum):
    """Exit codes, stable for scripts; `roomscale --help` lists them."""

    OK = 0
    REFUSED = 1  # the input is wrong: a scene that check rejects, a world that may not be written
    USAGE = 2  # the command line is wrong, or the file cannot be read
    ENVIRONMENT = 3  # this machine or the network: port taken, disk not writable, homeserver away
    GAVE_UP = 4  # a part of the house died again and again
    INTERNAL = 70  # a defect of ours (sysexits.h: EX_SOFTWARE)
    BROKEN_PIPE = 141  # whoever read what is printed has enough: as a shell says of a program that SIGPIPE ended


class CommandError(Exception):
    """An error of the command's own; `text` is the line shown, `exit_code` what the process ends with."""

    exit_code = Exit.REFUSED

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class UsageError(CommandError):
    """The command line asks for something that cannot be."""

    exit_code = Exit.USAGE


class BadScene(CommandError):
    """A scene file that cannot be read, or is refused; the line names the file, and `next_step` what to do."""

    def __init__(self, path: Path | str, error: SceneError, next_step: str = "") -> None:
        from roomscale.scenes.errors import UnreadableScene

        name, text = str(path), str(error)
        super().__init__(f"{text if name in text else f'{name}: {text}'}{next_step}")
        self.exit_code = Exit.USAGE if isinstance(error, UnreadableScene) else Exit.REFUSED


class EnvironmentProblem(CommandError):
    """The machine or the network does not allow it; the line says what to change."""

    exit_code = Exit.ENVIRONMENT


class Unheard(CommandError):
    """What is printed goes nowhere: the disk behind it is full, or whoever read it (`| head`) has enough."""

    def __init__(self, error: OSError) -> None:
        super().__init__(f"what is printed cannot be written: {error.strerror}")
        has_enough = isinstance(error, BrokenPipeError)
        self.exit_code = Exit.BROKEN_PIPE if has_enough else Exit.ENVIRONMENT


class GaveUp(CommandError):
    """A part of the house died more often than it is restarted."""

    exit_code = Exit.GAVE_UP


def quoted(path: Path) -> str:
    """A path as a shell takes it, for a command that a line tells to run."""
    import shlex

    return shlex.quote(str(path))


def _exit_codes() -> tuple[tuple[type[Exception], Exit], ...]:
    """The roots of the rooms, most specific first: what is raised under them → the exit code."""
    from roomscale.assets.errors import AssetError
    from roomscale.netcode.errors import NetcodeError
    from roomscale.scenes.errors import SceneError
    from roomscale.worlds.errors import EmbeddedError, GateError, HomeserverError, WorldError

    return (
        (SceneError, Exit.REFUSED),
        (AssetError, Exit.REFUSED),
        (HomeserverError, Exit.ENVIRONMENT),
        (EmbeddedError, Exit.ENVIRONMENT),
        (GateError, Exit.ENVIRONMENT),
        (WorldError, Exit.REFUSED),
        (NetcodeError, Exit.ENVIRONMENT),
    )


def exit_code_of(error: Exception) -> Exit | None:
    """The exit code of an error that is meant for the user, or None for a defect of ours."""
    if isinstance(error, CommandError):
        return error.exit_code
    for root, code in _exit_codes():
        if isinstance(error, root):
            return code
    return None
