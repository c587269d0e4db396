"""What bash shows when Tab is pressed, with the script that the command itself gives."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = Path(sys.executable).with_name("roomscale")
BASH = shutil.which("bash")
# What bash does at Tab: the words of the line, which of them it stands on, and the function that `complete` named.
TAB = """
eval "$(roomscale --show-completion bash)"
COMP_WORDS=("$@" ""); COMP_CWORD=$(($# - 1)); [[ $(complete -p roomscale) == *_roomscale_completion* ]]
_roomscale_completion roomscale "${COMP_WORDS[COMP_CWORD]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.mark.skipif(BASH is None, reason="there is no bash")
@pytest.mark.skipif(not COMMAND.exists(), reason="the command is not installed beside this Python")
@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (["roomscale", "pa"], ["pack"]),
        (["roomscale", "pack", "--text"], ["--texture-size", "--textures"]),
        (["roomscale", "pack", "a.glb", "--preset", ""], ["fast", "default", "small"]),
    ],
)
def test_bash_completes(line: list[str], shown: list[str]) -> None:
    environment = {**os.environ, "PATH": f"{COMMAND.parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        [str(BASH), "--norc", "-c", TAB, "bash", *line],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    assert done.stdout.split() == shown
