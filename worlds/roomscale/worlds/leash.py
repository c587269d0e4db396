"""Becomes Synapse, on a leash: `python -m roomscale.worlds.leash --output FILE --parent PID -- ARGUMENTS`.

One rule: the homeserver never outlives whoever started it. The kernel is asked to end this process when its
parent is gone (Linux, where Synapse's wheels are), then it turns into Synapse by exec: no process in between.
What Synapse says goes to FILE, which is emptied first and therefore stays small.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main() -> None:
    """Tie this process to its parent and exec Synapse."""
    parser = argparse.ArgumentParser(prog="roomscale.worlds.leash")
    parser.add_argument("--output", required=True)
    parser.add_argument("--parent", required=True, type=int, help="process id of whoever starts us")
    parser.add_argument("arguments", nargs="*")
    options = parser.parse_args()
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != options.parent:
        sys.exit("the process that started the homeserver is gone")
    os.umask(0o077)  # database, media and log are nobody else's business
    output = os.open(options.output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    program = [sys.executable, "-m", "synapse.app.homeserver", *options.arguments]
    os.execv(program[0], program)  # noqa: S606 -- no shell is wanted


if __name__ == "__main__":
    main()
