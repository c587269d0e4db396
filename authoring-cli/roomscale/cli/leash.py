"""Starts a program so that it cannot outlive the supervisor, even one killed with -9.

Its one rule: it sets the leash and becomes the program; nothing of ours stays between the supervisor and its child.
On Linux the kernel signals the child when its parent dies (prctl(2), PR_SET_PDEATHSIG); elsewhere the parts of ours
end when their standard input reaches EOF, and the embedded homeserver exists on Linux only.

    python -m roomscale.cli.leash PARENT_PID PROGRAM ARGUMENT…
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main(arguments: list[str]) -> None:
    """Set the leash, then `exec` the program; does not return."""
    parent, program = int(arguments[0]), arguments[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:  # it died before the leash was set
            sys.exit(1)
    os.execvp(program[0], program)  # noqa: S606 -- the list comes from the supervisor, no shell is involved


if __name__ == "__main__":
    main(sys.argv[1:])
