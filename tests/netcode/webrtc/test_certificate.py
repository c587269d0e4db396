"""The node's certificate: what its fingerprint is of, how long it lives, and when the next one is due."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from roomscale.netcode.webrtc.certificate import LIFETIME, ROTATE_AFTER, Certificate

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


def test_the_fingerprint_is_the_sha_256_of_the_certificate_as_peers_compute_it(tmp_path: Path) -> None:
    made = Certificate.generate(NOW)
    assert made.fingerprint == made.x509.fingerprint(SHA256())
    pem = tmp_path / "certificate.pem"
    pem.write_bytes(made.x509.public_bytes(Encoding.PEM))
    command = ["openssl", "x509", "-in", str(pem), "-noout", "-fingerprint", "-sha256"]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert said.strip().split("=")[1] == made.fingerprint.hex(":").upper()


def test_it_is_a_p_256_key_that_signed_itself_and_fits_a_datagram_with_room() -> None:
    made = Certificate.generate(NOW)
    assert isinstance(made.key.curve, ec.SECP256R1)
    made.x509.verify_directly_issued_by(made.x509)
    assert len(made.x509.public_bytes(Encoding.DER)) < 400


def test_it_is_valid_for_peers_whose_clock_is_off_and_says_nothing_about_the_host() -> None:
    made = Certificate.generate(NOW)
    assert made.x509.not_valid_before_utc <= NOW - timedelta(hours=23)
    assert made.x509.not_valid_after_utc == NOW + LIFETIME
    assert made.x509.subject.rfc4514_string() == "CN=WebRTC"
    assert len(made.x509.extensions) == 0


def test_each_is_another_and_the_next_is_due_long_before_the_last_one_ends() -> None:
    a, b = Certificate.generate(NOW), Certificate.generate(NOW)
    assert a.fingerprint != b.fingerprint
    assert a.x509.serial_number != b.x509.serial_number
    assert not a.stale(NOW + ROTATE_AFTER - timedelta(seconds=1))
    assert a.stale(NOW + ROTATE_AFTER)
    assert ROTATE_AFTER < LIFETIME / 2
