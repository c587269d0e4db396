"""The `roomscale` command: what it does with a command line, and what becomes of an error.

Its one rule: whatever goes wrong, a user sees one line and a script a code (`roomscale.cli.errors`); only
`ROOMSCALE_DEBUG=1` shows a stack trace.
"""

from __future__ import annotations

import sys

from roomscale.cli.environment import debugging
from roomscale.cli.errors import Exit, exit_code_of
from roomscale.cli.memory import unseen_by_collector
from roomscale.cli.output import Output


def main() -> None:
    """Run the command and exit with the code that belongs to what happened."""
    try:
        with unseen_by_collector():
            from roomscale.cli.commandline import app_for

            app = app_for(sys.argv[1:])
        app()
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
