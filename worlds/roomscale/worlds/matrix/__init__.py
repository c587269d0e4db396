"""The one door to a homeserver, over matrix-nio: errors are raised, waits are bounded, JSON stays raw.

`transport` holds the connection and the login and is the only module that imports nio; `client` names the
calls that we make; `media` is the homeserver's media repository as `roomscale.assets.transfer` wants it.
"""

from roomscale.worlds.matrix.client import MatrixClient, StateEvent
from roomscale.worlds.matrix.media import MatrixMedia
from roomscale.worlds.matrix.transport import JsonObject, Patience, Transport

__all__ = [
    "JsonObject",
    "MatrixClient",
    "MatrixMedia",
    "Patience",
    "StateEvent",
    "Transport",
]
