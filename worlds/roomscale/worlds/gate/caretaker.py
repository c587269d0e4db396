"""Sends the janitor round, where the host has one.

The one rule: a round that fails is only a round that fails; guests who are gone can wait.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from roomscale.worlds import janitor
from roomscale.worlds.errors import HomeserverAway, WorldError
from roomscale.worlds.gate.config import GateConfig, JanitorConfig
from roomscale.worlds.matrix import MatrixClient

log = logging.getLogger(__name__)


async def run(config: GateConfig, inside: Callable[[], set[tuple[str, str]]]) -> None:
    """Go round every `JanitorConfig.every_s` seconds until cancelled. `inside`: room and user of each session."""
    if config.janitor is None:
        await asyncio.Event().wait()
        return
    policy = janitor.JanitorPolicy(gone_after_s=config.janitor.gone_after_s)
    client: MatrixClient | None = None
    try:
        while True:
            await asyncio.sleep(config.janitor.every_s)
            try:
                client = client or _admin(config, config.janitor)
                left = await janitor.sweep(client, inside, policy)
            except HomeserverAway:
                log.debug("the homeserver is away: the janitor waits")
            except (OSError, UnicodeDecodeError, WorldError) as error:
                log.warning("the janitor's round failed: %s", error)
            else:
                if left:
                    log.info("%d guests who were long gone have left", left)
    finally:
        if client is not None:
            await client.close()


def _admin(config: GateConfig, about: JanitorConfig) -> MatrixClient:
    """The host's account. Its device is one of its own: the host's other logins stay as they are."""
    return MatrixClient(
        config.homeserver_url,
        about.user_id,
        device_id="ROOMSCALE_JANITOR",
        password=about.password_file.read_text("utf-8").strip(),
        device_name="Roomscale janitor",
    )
