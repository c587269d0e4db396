"""Sees to it that the browser tests have a Chromium: `make test` runs this before pytest.

Its one rule: in CI a missing browser is a failure; on somebody's own machine it is one clear line, and the browser
tests say that they were skipped.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
#: Mesa's software renderer beside the browser: twice as fast as the browser's own.
DEBIAN_PACKAGES = ("chromium", "libgl1-mesa-dri", "libegl1", "libegl-mesa0", "fonts-dejavu-core")


def find_chromium() -> str | None:
    """The browser to test with: $ROOMSCALE_CHROMIUM, or the first of NAMES on PATH."""
    named = os.environ.get("ROOMSCALE_CHROMIUM")
    return named or next((path for name in NAMES if (path := shutil.which(name))), None)


def install_from_debian(packages: Sequence[str] = DEBIAN_PACKAGES) -> bool:
    """Install packages of Debian's where apt may be run without asking anybody; whether it worked."""
    apt = shutil.which("apt-get")
    if apt is None:
        return False
    if os.geteuid() == 0:
        prefix = []
    elif (sudo := shutil.which("sudo")) and not subprocess.run(
        [sudo, "-n", "true"], capture_output=True, check=False
    ).returncode:
        prefix = [sudo, "-n"]
    else:
        return False
    print(f"setup: installing {' '.join(packages)} with apt", flush=True)
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update", "-qq"], ["install", "-y", "-qq", *packages]):
        result = subprocess.run([*prefix, apt, *arguments], env=quiet, stdout=subprocess.DEVNULL, check=False)
        if result.returncode:
            return False
    return True


def main() -> int:
    """Exit code 0 when there is a browser, or where the tests may be skipped."""
    if find_chromium() or (install_from_debian() and find_chromium()):
        return 0
    print(
        "setup: no Chromium or Chrome found and apt cannot install one; install one of "
        f"{', '.join(NAMES[:3])} or name it in ROOMSCALE_CHROMIUM",
        file=sys.stderr,
    )
    if os.environ.get("CI"):
        return 1
    print("setup: the browser tests will be skipped", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
