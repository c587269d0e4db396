"""A visitor whose own UDP reaches nobody comes in through a TURN server: coturn, over UDP, TCP and TLS."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import pytest
from aiortc import RTCConfiguration, RTCIceServer, RTCPeerConnection
from aiortc.rtcconfiguration import RTCIceTransportPolicy

from roomscale.netcode.core.messages import Channel
from roomscale.netcode.node import seam
from roomscale.netcode.testing.visitor import Visitor
from tests.netcode.conftest import House
from tests.support.turn import PASSWORD, USER, TurnServer, turn_server


@pytest.fixture(scope="module")
def turn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TurnServer]:
    with turn_server(tmp_path_factory.mktemp("turn")) as server:
        yield server


class RelayedVisitor(Visitor):
    """One that sends through a TURN server and by no other way."""

    def __init__(self, uri: str) -> None:
        super().__init__()
        self._uri = uri

    async def offer(self) -> str:
        server = RTCIceServer(self._uri, username=USER, credential=PASSWORD)
        pc = RTCPeerConnection(RTCConfiguration([server], iceTransportPolicy=RTCIceTransportPolicy.RELAY))
        channels = {
            Channel.EVENTS: pc.createDataChannel("events", negotiated=True, id=int(Channel.EVENTS)),
            Channel.POSES: pc.createDataChannel(
                "poses", negotiated=True, id=int(Channel.POSES), ordered=False, maxRetransmits=0
            ),
        }
        self._called.append(pc)
        for number, channel in channels.items():
            channel.on("open", functools.partial(self._opened, pc, channels))
            channel.on("close", functools.partial(self._ended, pc))
            channel.on("message", functools.partial(self._received, pc, number))
        await pc.setLocalDescription()
        return pc.localDescription.sdp


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
async def test_a_visitor_comes_in_through_a_turn_server_and_is_seen(
    house: House, turn: TurnServer, transport: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(turn.certificate))
    ada = await house.enter("a")
    async with RelayedVisitor(turn.uri(transport)) as bo:
        reply = await house.call("b", bo)
        assert isinstance(reply, seam.Answer)
        await bo.inside()
        assert bo._pc is not None
        assert bo._pc.sctp is not None
        pair = bo._pc.sctp.transport.transport._connection._nominated[1]
        assert pair.local_candidate.type == "relay"
        bo.move(1, 2, 3)
        await ada.until(lambda: ada.place(bo.peer or 0) == (1, 2, 3))
        ada.move(3, 2, 1)
        await bo.until(lambda: bo.place(ada.peer or 0) == (3, 2, 1))
