"""A Unix stream socket of mode 0600 to listen on: the seam's, and the WebSockets'.

Rule: what a dead node left is replaced, a living node's is not touched.
"""

from __future__ import annotations

import socket
from pathlib import Path

from roomscale.netcode.errors import SeamError


def listen_at(path: Path) -> socket.socket:
    """A bound socket, not listening yet. Raises SeamError when somebody serves the path, or it cannot be made."""
    if path.is_socket() and _answers(path):
        raise SeamError(f"another node serves {path}")
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        path.unlink(missing_ok=True)
        listener.bind(str(path))
        path.chmod(0o600)  # before it listens: nobody can have connected
    except OSError as error:
        listener.close()
        raise SeamError(f"cannot make the socket {path}: {error}") from None
    listener.setblocking(False)
    return listener


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)  # a full queue of a stuck node: somebody is there
        try:
            probe.connect(str(path))
        except BlockingIOError:
            return True
        except OSError:
            return False
    return True
