"""What the embedded homeserver is told: its configuration and its log's, as plain data.

One rule: pure; nothing here touches the disk. Option names and meanings: Synapse's configuration manual, 1.163.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

HOST_LOCALPART: Final = "roomscale-host"  # administers the embedded homeserver, owns the sample worlds
SERVER_LOCALPART: Final = "roomscale"  # the world server; no power in any room

LOG_BYTES: Final = 5 << 20  # per file
LOG_FILES: Final = 3
MAX_UPLOAD: Final = "256M"
BCRYPT_LOOPBACK: Final = 4  # guessing is bounded by rc_login; nobody else reaches the database
BCRYPT_OPEN: Final = 12  # as soon as others can reach it

# Synapse's defaults are for a public server with e-mail registration; these are for a crowd that enters a world
# through one gate. "Per address" is the visitor's, which the gate passes on.
RATE_LIMITS: Final[dict[str, Any]] = {
    "rc_registration": {"per_second": 1, "burst_count": 30},  # guests; the default stops the fourth
    "rc_login": {
        "address": {"per_second": 0.5, "burst_count": 20},
        "account": {"per_second": 0.5, "burst_count": 20},
        "failed_attempts": {"per_second": 0.17, "burst_count": 5},
    },
    "rc_joins": {
        "local": {"per_second": 10, "burst_count": 100},
        "remote": {"per_second": 1, "burst_count": 30},
    },
    "rc_joins_per_room": {"per_second": 10, "burst_count": 100},  # ~32 a second is all that Synapse can do
    "rc_message": {"per_second": 2, "burst_count": 30},  # chat, leaving, state: per account
    "rc_room_creation": {"per_second": 0.2, "burst_count": 20},
    "rc_invites": {"per_issuer": {"per_second": 1, "burst_count": 30}},
    "rc_media_create": {"per_second": 20, "burst_count": 200},
}


@dataclass(frozen=True, slots=True)
class Secrets:
    """What Synapse signs with, and by what we may make accounts."""

    registration: str
    macaroon: str
    form: str


@dataclass(frozen=True, slots=True)
class Paths:
    """Where the homeserver's files are, all below the data directory."""

    data: Path

    @property
    def root(self) -> Path:
        """Everything of Synapse's: settings, database, media, signing key."""
        return self.data / "homeserver"

    @property
    def secrets(self) -> Path:
        """Secrets, 0700."""
        return self.data / "secrets"

    @property
    def logs(self) -> Path:
        """Log files of all parts."""
        return self.data / "logs"

    @property
    def settings(self) -> Path:
        """`homeserver.yaml` (which is JSON, as every JSON text is YAML)."""
        return self.root / "homeserver.yaml"

    @property
    def log_settings(self) -> Path:
        """Synapse's logging configuration."""
        return self.root / "log.yaml"

    @property
    def identity(self) -> Path:
        """What was chosen once: the server's name, and the port used last."""
        return self.root / "identity.json"

    @property
    def signing_key(self) -> Path:
        """The server's ed25519 key."""
        return self.root / "signing.key"

    @property
    def database(self) -> Path:
        """SQLite."""
        return self.root / "homeserver.db"

    @property
    def output(self) -> Path:
        """What Synapse says before its log is open, or when it cannot start."""
        return self.logs / "homeserver.out"


def new_signing_key() -> bytes:
    """A signing key in signedjson's file format: algorithm, version, unpadded base64 of the 32-byte seed."""
    seed = base64.b64encode(secrets.token_bytes(32)).rstrip(b"=")
    return b"ed25519 a_" + secrets.token_hex(2).encode() + b" " + seed + b"\n"


def homeserver_settings(
    paths: Paths,
    known: Secrets,
    *,
    server_name: str,
    public_url: str,
    port: int,
    reachable: bool,
    overrides: Mapping[str, Any],
) -> dict[str, Any]:
    """The content of `homeserver.yaml`. `reachable`: others than this machine's users can reach it."""
    return {
        "server_name": server_name,
        "public_baseurl": public_url.rstrip("/") + "/",
        "report_stats": False,
        "listeners": [
            {
                "port": port,
                "type": "http",
                "bind_addresses": ["127.0.0.1"],
                "x_forwarded": True,
                "resources": [{"names": ["client", "openid"]}],
            }
        ],
        "database": {"name": "sqlite3", "args": {"database": str(paths.database)}},
        "signing_key_path": str(paths.signing_key),
        "media_store_path": str(paths.root / "media"),
        "log_config": str(paths.log_settings),
        "pid_file": str(paths.root / "synapse.pid"),
        "registration_shared_secret": known.registration,
        "macaroon_secret_key": known.macaroon,
        "form_secret": known.form,
        "enable_registration": False,  # guests register all the same; accounts are made by the shared secret
        "allow_guest_access": True,
        "allow_public_rooms_without_auth": True,
        "room_list_publication_rules": [{"action": "allow"}],
        "bcrypt_rounds": BCRYPT_OPEN if reachable else BCRYPT_LOOPBACK,
        "max_upload_size": MAX_UPLOAD,
        "max_event_delay_duration": "24h",  # MSC4140: lets a client's own absence end its membership
        "presence": {"enabled": False},  # costs a broadcast per visitor and sync; the netcode knows who is here
        "user_directory": {"enabled": False},  # would list every guest of every public world
        "forget_rooms_on_leave": True,  # guests come and go by the thousand
        "federation_domain_whitelist": [],  # on loopback no other server can reach us: do not try
        "trusted_key_servers": [],
        "suppress_key_server_warning": True,
        **RATE_LIMITS,
        **overrides,
    }


def log_settings(paths: Paths) -> dict[str, Any]:
    """Synapse's logging: warnings to a rotating file, and no more."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
        "handlers": {
            "file": {
                "class": "logging.handlers.RotatingFileHandler",
                "formatter": "line",
                "filename": str(paths.logs / "homeserver.log"),
                "maxBytes": LOG_BYTES,
                "backupCount": LOG_FILES,
                "encoding": "utf-8",
            }
        },
        "loggers": {"synapse.access": {"level": "ERROR"}},
        "root": {"level": "WARNING", "handlers": ["file"]},
    }
