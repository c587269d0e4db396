"""The embedded homeserver: Synapse as a child process on loopback, with SQLite, for a host who has none.

`settings` says how it is configured, `server` prepares it, says how to start it and what it died of, `registrar`
makes accounts. The process begins in `roomscale.worlds.leash`. Synapse (AGPL) is a process of its own and never
imported.
"""

from roomscale.worlds.homeserver.registrar import Account, Registrar
from roomscale.worlds.homeserver.server import EmbeddedHomeserver, HomeserverConfig
from roomscale.worlds.homeserver.settings import HOST_LOCALPART, SERVER_LOCALPART

__all__ = ["HOST_LOCALPART", "SERVER_LOCALPART", "Account", "EmbeddedHomeserver", "HomeserverConfig", "Registrar"]
