"""The gate: the one door of a Roomscale host.

It serves the browser client, passes Matrix on to the homeserver, decides by the room's state who may come in, and hands
those who may to the netcode node over the seam. One process, one asyncio loop; it never touches a pose.

Read in this order: `config`, `service` (what runs), `membership` (who is where), `signalling` and `entry` (how one gets
in), `tickets` (how one comes back), `http` and `passthrough` (the web side).
"""
