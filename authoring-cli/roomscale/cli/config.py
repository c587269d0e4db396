"""Configuration: what a house is told, turned into each part's own frozen dataclass.

Its one rule: no other module reads a configuration file; the environment is `environment`'s.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from roomscale.cli.errors import UsageError
from roomscale.cli.layout import DataDirectory

if TYPE_CHECKING:
    from roomscale.netcode.node.config import NodeConfig
    from roomscale.worlds.gate.config import GateConfig

WORLD_SERVER = "roomscale"  # localpart of the world server's account
HOST_ACCOUNT = "roomscale-host"  # localpart of the account that owns the sample worlds, admin of the homeserver


def client_files() -> Path | None:
    """The built browser client: inside an installed wheel, else of the checkout that this file belongs to."""
    import importlib.resources

    installed = importlib.resources.files("roomscale") / "web" / "index.html"
    if isinstance(installed, Path) and installed.exists():
        return installed.parent
    checkout = Path(__file__).resolve().parents[3] / "web" / "dist"
    return checkout if (checkout / "index.html").exists() else None


@dataclass(frozen=True)
class House:
    """One `roomscale up`: what its parts must agree on."""

    data: Path
    """The data directory, absolute."""
    server_name: str
    """The embedded homeserver's name; chosen at the first start and never changed."""
    homeserver_port: int
    """Where the embedded homeserver listens, on loopback only."""
    host: str = "127.0.0.1"
    """Address of the gate."""
    port: int = 8080
    """TCP port of the gate."""
    udp_port: int = 8080
    """UDP port of the netcode node. With the gate's it is all that visitors reach."""
    public_address: str | None = None
    """IP address that visitors reach, where it is not the one bound (1:1 NAT, containers)."""
    transport: Literal["lean", "aiortc"] = "lean"
    """How the node speaks WebRTC; see `NodeConfig.transport`."""

    @property
    def capacity(self) -> int:
        """Visitors of one world, and of the house: what a core can serve."""
        return 1_000 if self.transport == "lean" else 100

    @property
    def directory(self) -> DataDirectory:
        """The layout below `data`."""
        return DataDirectory(self.data)

    @property
    def public_url(self) -> str:
        """How visitors reach the gate."""
        return f"http://{self.host}:{self.port}"

    @property
    def homeserver_url(self) -> str:
        """How the parts reach the embedded homeserver."""
        return f"http://127.0.0.1:{self.homeserver_port}"

    def user_id(self, localpart: str) -> str:
        """The Matrix id of a local account."""
        return f"@{localpart}:{self.server_name}"

    def password_file(self, localpart: str) -> Path:
        """Where the password of an account of ours is kept, mode 0600."""
        return self.directory.secrets / f"{localpart}.password"

    def write(self) -> Path:
        """Write the file that the parts read; returns its path."""
        path = self.directory.run / "house.json"
        path.write_text(json.dumps({**asdict(self), "data": str(self.data)}), "utf-8")
        return path

    @classmethod
    def read(cls, path: Path) -> House:
        """Read what `write` wrote. Raises UsageError."""
        try:
            fields = json.loads(path.read_text("utf-8"))
            return cls(**{**fields, "data": Path(fields["data"])})
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise UsageError(f"{path} is not a house that `roomscale up` wrote ({error})") from error


def gate_config(house: House) -> GateConfig:
    """What the gate of `house` is told."""
    from roomscale.worlds.gate.config import GateConfig, GateLimits, JanitorConfig

    return GateConfig(
        server_name=house.server_name,
        homeserver_url=house.homeserver_url,
        user_id=house.user_id(WORLD_SERVER),
        password_file=house.password_file(WORLD_SERVER),
        seam_path=house.directory.seam_socket,
        state_dir=house.directory.gate,
        host=house.host,
        port=house.port,
        public_url=house.public_url,
        client_dir=client_files(),
        limits=GateLimits(world_capacity=house.capacity),
        janitor=JanitorConfig(house.user_id(HOST_ACCOUNT), house.password_file(HOST_ACCOUNT)),
    )


def node_config(house: House) -> NodeConfig:
    """What the netcode node of `house` is told."""
    from roomscale.netcode.node.config import NodeConfig

    return NodeConfig(
        seam_path=house.directory.seam_socket,
        bind_hosts=(house.host,),
        transport=house.transport,
        udp_port=house.udp_port,
        public_address=house.public_address,
        capacity_per_world=house.capacity,
        capacity=house.capacity,
    )
