"""A real TURN server (Debian's coturn) on loopback, over UDP, TCP and TLS, ended by its own handle.

Its one rule: without `turnserver` on this machine a test is skipped with a reason; tests/setup/coturn.py installs it.
"""

from __future__ import annotations

import datetime
import ipaddress
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

USER, PASSWORD = "visitor", "walks in"


@dataclass(frozen=True)
class TurnServer:
    """One that runs."""

    port: int
    tls_port: int
    certificate: Path
    """Of the server itself, in PEM: whoever trusts it may come over TLS."""

    def uri(self, transport: str) -> str:
        """`udp`, `tcp` or `tls`."""
        if transport == "tls":
            return f"turns:127.0.0.1:{self.tls_port}?transport=tcp"
        return f"turn:127.0.0.1:{self.port}?transport={transport}"


@contextmanager
def turn_server(directory: Path) -> Iterator[TurnServer]:
    """A TURN server that relays to loopback, for `USER` and `PASSWORD`."""
    program = shutil.which("turnserver")
    if program is None:
        pytest.skip("no coturn (turnserver) on this machine; `make test` says how it tried to get one")
    certificate, key = _certificate(directory)
    server = TurnServer(_free_port(), _free_port(), certificate)
    command = [
        *(program, "-n", "--no-cli", "--lt-cred-mech", "--realm", "test", "--user", f"{USER}:{PASSWORD}"),
        *("--listening-ip", "127.0.0.1", "--relay-ip", "127.0.0.1", "--allow-loopback-peers"),
        *("--listening-port", str(server.port), "--tls-listening-port", str(server.tls_port), "--no-dtls"),
        *("--cert", str(certificate), "--pkey", str(key), "--pidfile", str(directory / "turn.pid")),
        *("--userdb", str(directory / "turn.db"), "--log-file", "stdout", "--simple-log", "--no-rfc5780"),
    ]
    with (directory / "turn.log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=directory)
    try:
        _wait(process, server.tls_port, directory / "turn.log")
        yield server
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text(errors="replace")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError(f"coturn does not listen:\n{log.read_text(errors='replace')}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _certificate(directory: Path) -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1, good for a day."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, private = directory / "turn.pem", directory / "turn.key"
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    private.chmod(0o600)
    return pem, private
