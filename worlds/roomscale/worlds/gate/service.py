"""Runs one gate: HTTP, the Matrix loop and the seam to the node, in one process."""

from __future__ import annotations

from roomscale.worlds.gate.config import GateConfig


async def serve(config: GateConfig) -> None:
    """Run until SIGTERM, SIGINT or the end of stdin (when it is a pipe).

    Starts whether or not the homeserver and the node are there, and takes them up whenever they come (back).

    Raises:
        WorldError: the port is taken, or `state_dir` cannot be written.
    """
    raise NotImplementedError(config)
