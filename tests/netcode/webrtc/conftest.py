"""Peers of one ICE session, for the tests of ICE."""

from __future__ import annotations

import pytest

from tests.netcode.webrtc.ice_peer import HOME, Peer


@pytest.fixture
def peer() -> Peer:
    return Peer()


@pytest.fixture
def settled(peer: Peer) -> Peer:
    """A peer whose address is proven and in use at 0.0."""
    peer.settle(HOME, 0.0)
    peer.session.events()
    assert peer.session.proven
    return peer
