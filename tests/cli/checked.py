"""`roomscale check` run in this process, and what it said: for the tests of files and of packages."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from typer.testing import CliRunner

from roomscale.cli.commandline import app_for


@dataclass(frozen=True)
class Result:
    code: int
    out: str

    @property
    def files(self) -> list[dict[str, Any]]:
        files: list[dict[str, Any]] = json.loads(self.out)["files"]
        return files


def run(*arguments: object) -> Result:
    """The command in this process, without Khronos's unless it is asked for; raises what `main` would show."""
    asks = "--khronos" not in arguments
    result = CliRunner().invoke(
        app_for(["check"]), ["check", *(["--no-khronos"] if asks else []), *map(str, arguments)]
    )
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Result(result.exit_code, result.stdout)
