"""What the gate needs to be told. Read from files and the environment in `roomscale.cli.config` alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class GateLimits:
    """How much the gate takes from whom. Rates are per second, bursts are counts, sizes are bytes."""

    offers_per_sender: float = 0.5
    """New offers of one user; a client repeats each 4 s, so this never bites an honest one."""
    offers_per_sender_burst: int = 6
    offers_per_world: float = 10.0
    """New offers into one world; members and guests have a budget of this size each."""
    offers_per_world_burst: int = 100
    offers_in_all: float = 20.0
    """New offers of the whole host: an aiortc offer costs the node about 5 ms. Members and guests: one each."""
    offers_in_all_burst: int = 200
    offers_waiting: int = 400
    """Offers that may wait in line, of members and of guests each; more are told `busy`."""
    offers_at_once: int = 8
    """Offers worked on at the same time; guests get at most half of these places."""
    sessions_per_user: int = 8
    """Sessions (tabs) of one user in one world."""
    world_capacity: int = 100
    """Visitors of one world. The node has the last word (`NodeConfig.capacity_per_world`)."""
    guest_share: float = 0.8
    """The part of a world's places that guests may fill; the rest is kept for people with accounts."""
    offer_bytes: int = 16_384
    """Longest SDP offer. A data-channel offer without candidates has about 500 bytes."""
    to_device_per_token: float = 5.0
    """to-device requests of one access token through the pass-through."""
    to_device_per_token_burst: int = 60
    to_device_bytes_per_token: float = 65_536.0
    to_device_bytes_per_token_burst: int = 1_048_576
    to_device_bytes: int = 262_144
    """Longest single to-device request."""
    to_device_per_address: float = 40.0
    """to-device requests of one address: a school behind one NAT must still get in."""
    to_device_per_address_burst: int = 400
    resumes_per_address: float = 5.0
    """`POST /api/session/resume` of one address."""
    resumes_per_address_burst: int = 100
    websockets_at_once: int = 400
    """WebSockets to the node, for visitors whose UDP is blocked."""
    websockets_per_address: int = 128
    """Of one address: where UDP is blocked many may sit behind one."""
    websockets_keyless: int = 128
    """WebSockets that have shown no key yet; the oldest makes room for the newest."""
    websockets_per_address_rate: float = 5.0
    """New WebSockets of one address."""
    websockets_per_address_burst: int = 100
    upload_bytes: int = 256 * 1024 * 1024
    """Longest body that the pass-through takes on media paths (the homeserver has a limit of its own)."""
    body_bytes: int = 1_048_576
    """Longest body that the pass-through takes elsewhere (a Matrix event has at most 64 KiB)."""
    requests_at_once: int = 2_000
    """Requests passed on at the same time; each waiting sync is one."""
    requests_at_once_per_address: int = 256
    thumbnail_bytes: int = 2 * 1024 * 1024
    thumbnail_cache_bytes: int = 32 * 1024 * 1024
    worlds: int = 500
    """Rooms that the world server joins at most."""
    joins_per_minute: float = 60.0
    """Rooms that the world server joins by invitation, per minute."""


@dataclass(frozen=True)
class WorldPolicy:
    """Whose invitations the world server accepts, once the room is a world and its state names this server."""

    own_server_rooms: bool = True
    """Rooms that somebody of `GateConfig.server_name` created (the embedded homeserver's own)."""
    publishers: frozenset[str] = frozenset()
    """User ids from anywhere whose rooms are welcome too."""
    anyone: bool = False
    """Every room that names this server: for a host who wants to serve everybody."""
    settle_s: float = 60.0
    """A room that was joined has this long to name the server in its state; then it is left again."""


@dataclass(frozen=True)
class JanitorConfig:
    """Makes guests who are long gone leave. Only with an embedded homeserver, whose admin the host is."""

    user_id: str
    """The admin account (`@roomscale-host:…`)."""
    password_file: Path
    """Its password, mode 0600."""
    every_s: float = 300.0
    """Pause between two rounds."""
    gone_after_s: float = 900.0
    """A guest without a session for this long is made to leave."""


@dataclass(frozen=True)
class GateConfig:
    """Everything that one gate process is told at its start."""

    server_name: str
    """The homeserver's name, as in `@user:server_name`."""
    homeserver_url: str
    """Where the gate itself reaches the homeserver, e.g. `http://127.0.0.1:8008`."""
    user_id: str
    """The world server's Matrix user, e.g. `@roomscale:localhost`: the one that `org.roomscale.server` names."""
    password_file: Path
    """Its password, mode 0600; read at each login, so that it may change while the gate runs."""
    seam_path: Path
    """The netcode node's Unix socket. It may appear later than the gate and vanish at any time."""
    state_dir: Path
    """Where `gate.db` lives (made with mode 0700): sync token, access token, tickets (hashed)."""
    host: str = "127.0.0.1"
    """Address to listen on."""
    port: int = 8080
    """TCP port; 0 takes a free one (see `ready_file`)."""
    public_url: str = "http://127.0.0.1:8080"
    """How visitors reach the gate; no slash at its end."""
    public_homeserver_url: str | None = None
    """How visitors reach the homeserver's client API; None: through the gate's pass-through (`public_url`)."""
    device_id: str = "ROOMSCALE"
    """The world server's device, kept over restarts."""
    client_dir: Path | None = None
    """The built browser client (a folder with index.html); None: a page that says how to build it."""
    avatars_dir: Path | None = None
    """Folder of .glb avatars; None: `roomscale.assets.samples.avatars_dir()`."""
    trusted_proxies: tuple[str, ...] = ()
    """Networks (CIDR) of reverse proxies whose X-Forwarded-For is believed."""
    connect_origins: tuple[str, ...] = ()
    """Further origins that the client may fetch from (other homeservers), for its Content-Security-Policy."""
    leash: bool = True
    """End when standard input reaches EOF: whoever started this gate holds the other end."""
    ready_file: Path | None = None
    """If set, a JSON `{"port": n}` is written here as soon as the gate listens."""
    ticket_life_s: float = 24 * 3600.0
    """How long a ticket is good for. Each redemption gives a new one."""
    call_lifetime_s: float = 10.0
    """Calls that may be older than this are dropped: to-device messages carry no time of their own."""
    state_timeout_s: float = 3.0
    """How long the homeserver has to answer the question whether somebody is joined."""
    sync_timeout_s: float = 20.0
    """Length of one long poll."""
    reconcile_s: float = 60.0
    """Rooms with visitors are compared with the homeserver's full state this often."""
    away_notice_s: float = 3.0
    """After this long without the homeserver those inside are told (Notice 1)."""
    away_tell_s: float = 300.0
    """After this long without the homeserver all are told so in words; nobody is sent out."""
    policy: WorldPolicy = field(default_factory=WorldPolicy)
    limits: GateLimits = field(default_factory=GateLimits)
    janitor: JanitorConfig | None = None
    """None: guests are left to the homeserver's own host."""
