"""Networks that let no UDP through, or stop to: a real Chromium comes in over the WebSocket, and finds its way back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.support.browser import Visitor
from tests.support.house import House
from tests.support.turn import PASSWORD, USER, turn_server

pytestmark = [pytest.mark.browser, pytest.mark.homeserver]
Visit = Callable[..., Visitor]

#: `window.udp(false)` takes the server's addresses out of every answer, as a firewall would take the packets;
#: `window.cut()` makes the data channels that there are deaf and mute, as a lost network does, until ICE is restarted.
NETWORK = """
(() => {
  let open = true;
  const channels = new Set(), dead = new WeakSet(), restarted = new WeakSet();
  window.udp = (value) => { open = value; };
  window.cut = () => channels.forEach((channel) => dead.add(channel));
  const accept = RTCPeerConnection.prototype.setRemoteDescription;
  const restart = RTCPeerConnection.prototype.restartIce;
  RTCPeerConnection.prototype.restartIce = function () { restarted.add(this); restart.call(this); };
  RTCPeerConnection.prototype.setRemoteDescription = function ({ type, sdp }) {
    if (open && restarted.has(this)) channels.forEach((channel) => dead.delete(channel));
    return accept.call(this, { type, sdp: open ? sdp : sdp.replace(/^a=candidate:.*\\r?\\n/gm, "") });
  };
  const listen = RTCDataChannel.prototype.addEventListener ?? EventTarget.prototype.addEventListener;
  RTCDataChannel.prototype.addEventListener = function (type, heard) {
    channels.add(this);
    listen.call(this, type, type === "message" ? (event) => dead.has(this) || heard(event) : heard);
  };
  const send = RTCDataChannel.prototype.send;
  RTCDataChannel.prototype.send = function (data) { if (!dead.has(this)) send.call(this, data); };
})();
"""
#: Lets the page send through TURN servers only, and remembers its connections.
RELAYED = """
  window.connections = [];
  window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(settings) {
      super({ ...settings, iceTransportPolicy: "relay" });
      window.connections.push(this);
    }
  };
"""
SELECTED = """
async () => {
  const all = [...(await window.connections.at(-1).getStats()).values()];
  const { selectedCandidatePairId } = all.find((one) => one.type === "transport");
  const { localCandidateId } = all.find((one) => one.id === selectedCandidatePairId);
  return all.find((one) => one.id === localCandidateId).candidateType;
}
"""
#: Remembers whether somebody was ever missing.
WATCH = """
(name) => {
  window.missed = 0;
  const there = () => Object.values(window.__roomscale.peers).some((p) => p.name === name);
  setInterval(() => { if (!there()) window.missed += 1; }, 20);
}
"""
SEES = "Object.values(r.peers).some((p) => p.name === {name!r})"


@pytest.fixture
def come(browser: Browser, house: House) -> Iterator[Callable[..., Visitor]]:
    """`come("Bo", udp=False)` enters on a network that the test has in hand."""
    visitors: list[Visitor] = []

    def come(name: str, *, udp: bool) -> Visitor:
        visitor = Visitor.of(browser, seen=False)
        visitors.append(visitor)
        visitor.context.add_init_script(NETWORK + f"window.udp({str(udp).lower()});")
        visitor.page.goto(house.link)
        visitor.enter(name)
        return visitor

    yield come
    for visitor in visitors:
        visitor.close()


def walks_and_is_seen(walker: Visitor, watcher: Visitor) -> None:
    walker.walk("KeyW", 0.8)
    x, _, z = walker.hook()["self"]["position"]
    watcher.wait_for(
        f"Object.values(r.peers).some((p) => Math.hypot(p.position[0] - {x}, p.position[2] - {z}) < 0.1)", seconds=10
    )


def test_without_udp_one_enters_over_the_websocket_and_moves_to_webrtc_when_that_works(
    visit: Visit, come: Visit
) -> None:
    bo = come("Bo", udp=False)
    assert bo.hook()["net"]["path"] == "websocket"
    pill = bo.page.get_by_text("Slower connection")
    pill.wait_for()
    assert bo.page.get_by_role("status").filter(has=pill).get_attribute("aria-live") == "polite"
    ada = visit("Ada")
    assert ada.hook()["net"]["path"] == "webrtc"
    for one, name in ((ada, "Bo"), (bo, "Ada")):
        one.wait_for(SEES.format(name=name))
    walks_and_is_seen(ada, bo)
    walks_and_is_seen(bo, ada)
    ada.page.evaluate(WATCH, "Bo")
    noted = len(bo.hook()["notes"])
    bo.page.evaluate("window.udp(true); dispatchEvent(new Event('online'))")
    bo.wait_for("r.net.path === 'webrtc' && r.self.peerId !== 0")
    pill.wait_for(state="hidden")
    bo.wait_for(SEES.format(name="Ada"))
    walks_and_is_seen(bo, ada)
    assert ada.page.evaluate("window.missed") == 0
    assert not [line for line in bo.hook()["notes"][noted:] if line.startswith("connection:")]


def test_a_path_that_goes_silent_is_replaced_before_others_notice(visit: Visit, come: Visit) -> None:
    ada, bo = visit("Ada"), come("Bo", udp=True)
    bo.wait_for(SEES.format(name="Ada"))
    ada.wait_for(SEES.format(name="Bo"))
    ada.page.evaluate(WATCH, "Bo")
    bo.page.evaluate("window.cut()")
    bo.wait_for("r.notes.some((n) => n.startsWith('path: '))")
    bo.wait_for(f"r.net.path === 'webrtc' && r.self.peerId !== 0 && {SEES.format(name='Ada')}")
    walks_and_is_seen(bo, ada)
    walks_and_is_seen(ada, bo)
    assert ada.page.evaluate("window.missed") == 0


def test_udp_that_stops_to_work_leads_to_the_websocket(visit: Visit, come: Visit) -> None:
    ada, bo = visit("Ada"), come("Bo", udp=True)
    assert bo.hook()["net"]["path"] == "webrtc"
    bo.page.evaluate("window.udp(false); window.cut()")
    bo.wait_for("r.net.path === 'websocket' && r.self.peerId !== 0")
    walks_and_is_seen(bo, ada)


def test_the_homeservers_turn_servers_help_where_udp_reaches_only_them(
    visit: Visit, browser: Browser, house: House, tmp_path: Path
) -> None:
    ada = visit("Ada")
    with turn_server(tmp_path) as turn:
        bo = Visitor.of(browser, seen=False)
        bo.context.add_init_script(RELAYED)
        named = {"username": USER, "password": PASSWORD, "uris": [turn.uri("udp"), turn.uri("tcp")], "ttl": 3600}
        bo.page.route("**/voip/turnServer", lambda route: route.fulfill(json=named))
        bo.page.goto(house.link)
        bo.enter("Bo")
        bo.wait_for("r.net.path === 'webrtc'", seconds=75)  # a relay that took longer than 3 s is come back to
        assert bo.page.evaluate(SELECTED) == "relay"
        walks_and_is_seen(bo, ada)
        bo.close()
