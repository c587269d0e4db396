"""Where everything of one host lies below its data directory, and who may read it.

Its one rule: the directory belongs to one running house at a time, and nobody else on the machine may look inside.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from roomscale.cli.errors import EnvironmentProblem

if TYPE_CHECKING:
    from filelock import FileLock

PRIVATE_DIRECTORY = 0o700
SOCKET_PATH_LIMIT = 100  # bytes; sun_path of sockaddr_un holds 104 (macOS) or 108 (Linux)


@dataclass(frozen=True)
class DataDirectory:
    """The layout below `root`; every folder is made with mode 0700."""

    root: Path

    @property
    def secrets(self) -> Path:
        """Passwords and keys, files of mode 0600."""
        return self.root / "secrets"

    @property
    def homeserver(self) -> Path:
        """The embedded homeserver's configuration, database and media."""
        return self.root / "homeserver"

    @property
    def gate(self) -> Path:
        """The gate's own state: sync token, tickets."""
        return self.root / "gate"

    @property
    def run(self) -> Path:
        """What only a running house needs: process ids, configuration of the parts."""
        return self.root / "run"

    @property
    def logs(self) -> Path:
        """One log file per part."""
        return self.root / "logs"

    @property
    def asset_cache(self) -> Path:
        """What was uploaded already: content hash → mxc."""
        return self.root / "cache.db"

    @property
    def seam_socket(self) -> Path:
        """The Unix socket between gate and node; in the system's folder when this path is too long for one."""
        path = self.run / "node.sock"
        if len(os.fsencode(path)) <= SOCKET_PATH_LIMIT:
            return path
        name = hashlib.sha256(os.fsencode(self.root)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"roomscale-{os.getuid()}-{name}" / "node.sock"

    def prepare(self) -> None:
        """Make every folder. Raises EnvironmentProblem when the place cannot be written."""
        try:
            for folder in (
                self.root,
                self.secrets,
                self.homeserver,
                self.gate,
                self.run,
                self.logs,
                self.seam_socket.parent,
            ):
                folder.mkdir(mode=PRIVATE_DIRECTORY, parents=True, exist_ok=True)
            probe = self.run / ".writable"
            probe.write_bytes(b"")
            probe.unlink()
        except OSError as error:
            raise EnvironmentProblem(
                f"the data directory {self.root} cannot be written ({error.strerror}); name another one with --data"
            ) from error
        if self.seam_socket.parent.stat().st_uid != os.getuid():
            raise EnvironmentProblem(f"{self.seam_socket.parent} belongs to somebody else; name a shorter --data")

    def lock(self) -> FileLock:
        """Take the directory for this process. Raises EnvironmentProblem while another house runs in it."""
        from filelock import FileLock, Timeout

        lock = FileLock(self.root / "lock", mode=0o600)
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise EnvironmentProblem(
                f"another `roomscale up` already runs in {self.root}; stop it first, or name another --data"
            ) from error
        return lock
