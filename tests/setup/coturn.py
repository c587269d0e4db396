"""Sees to it that the tests of TURN have a server: `make test` runs this before pytest.

Its one rule: Debian's coturn is installed where apt may be run without asking anybody; elsewhere the tests say that
they were skipped.
"""

from __future__ import annotations

import shutil
import sys

from chromium import install_from_debian  # type: ignore[import-not-found]  # its folder is on the path of a script


def main() -> int:
    """Exit code 0: without a TURN server the tests of it are skipped."""
    if not shutil.which("turnserver") and not install_from_debian(("coturn",)):
        print("setup: no coturn (turnserver) found; the tests of TURN will be skipped", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
