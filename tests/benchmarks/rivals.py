"""What we are compared with and comes from npm: installed from a lock, once.

Rule: `npm ci` from the folder's own lock, and no package's scripts run.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path


class NotAvailable(Exception):
    """A rival cannot be had or run on this machine; the text says why."""


def install(folder: Path) -> None:
    """`npm ci` in `folder`, unless it was done from this very lock. Raises NotAvailable."""
    lock = hashlib.sha256((folder / "package-lock.json").read_bytes()).hexdigest()
    marker = folder / "node_modules" / ".roomscale-lock"
    if marker.exists() and marker.read_text("utf-8") == lock:
        return
    npm = shutil.which("npm")
    if npm is None:
        raise NotAvailable("no npm on PATH to install the rivals with")
    print("benchmark: installing the rivals (60 MB, once)", flush=True)
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    try:
        subprocess.run(command, cwd=folder, check=True, timeout=300, stdout=subprocess.DEVNULL)
    except (OSError, subprocess.SubprocessError) as error:
        raise NotAvailable(f"the rivals cannot be installed: {error}") from None
    marker.write_text(lock, "utf-8")
