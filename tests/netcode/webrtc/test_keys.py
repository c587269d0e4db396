"""The PRF against a published vector, and against OpenSSL's own on live sessions."""

from __future__ import annotations

from roomscale.netcode.webrtc.keys import Keys, prf
from tests.netcode.webrtc.dtls_peers import OpenSsl, meet, server

# P_SHA256 test vector of the TLS working group (posted by its members in 2009, used by many implementations since).
SECRET = bytes.fromhex("9bbe436ba940f017b17652849a71db35")
SEED = bytes.fromhex("a0ba9f936cda311827a6f796ffd5198c")
OUTPUT = bytes.fromhex(
    "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a6b301791e90d35c9c9a46b4e14baf9af0fa022f7077def17"
    "abfd3797c0564bab4fbc91666e9def9b97fce34f796789baa48082d122ee42c5a72e5a5110fff70187347b66"
)


def test_the_prf_gives_the_published_vector_at_every_length() -> None:
    for length in range(len(OUTPUT) + 1):
        assert prf(SECRET, b"test label", SEED, length) == OUTPUT[:length]


def test_the_prf_is_the_one_in_openssl() -> None:
    peer = OpenSsl(client=True)
    session = server(peer.fingerprint)
    meet(session, peer)
    c = peer.connection
    master, client_random, server_random = c.master_key(), c.client_random(), c.server_random()
    assert master
    assert client_random
    assert server_random
    exported = prf(master, b"EXPORTER-roomscale-test", client_random + server_random, 77)
    assert exported == c.export_keying_material(b"EXPORTER-roomscale-test", 77)


def test_the_key_block_is_cut_in_the_order_of_the_rfc_and_each_side_reads_what_the_other_writes() -> None:
    client = Keys.derive(SECRET, b"c" * 32, b"s" * 32, client=True)
    server_ = Keys.derive(SECRET, b"c" * 32, b"s" * 32, client=False)
    block = prf(SECRET, b"key expansion", b"s" * 32 + b"c" * 32, 40)
    assert client.write_key + client.read_key + client.write_salt + client.read_salt == block
    assert (client.write_key, client.write_salt) == (server_.read_key, server_.read_salt)
    assert (client.read_key, client.read_salt) == (server_.write_key, server_.write_salt)
