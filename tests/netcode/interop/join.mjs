// Joins a node, one time after another, by whatever RTCPeerConnection this program has.
// Rule: no line of our web client. What is said are bytes that the test hands in; what comes is told by its first byte.

/** Clients that a program can play at once, each by a WebSocket of its own. */
export const HANDS = 4;

const EVENTS = 0;
const POSES = 1; // stream ids
const WELCOME = 0x81;
const PONG = 0x84;
const GOODBYE = 0x86;
const SNAPSHOT = 0x90; // types of netcode/PROTOCOL.md
const LAST_SEQ = 9; // where a SNAPSHOT says which POSE it has seen, u16

/** Do what the test says over its WebSocket, until that closes. */
export function serve(socket, PeerConnection) {
  let answered;
  const call = (offer) => {
    socket.send(JSON.stringify({ offer }));
    return new Promise((resolve) => (answered = resolve));
  };
  socket.onmessage = async ({ data }) => {
    const message = JSON.parse(data);
    if (message.join) socket.send(JSON.stringify(await join(PeerConnection, call, message.join)));
    else answered(message.answer);
  };
}

/** One join, and what it saw; milliseconds since it began with its offer. */
async function join(PeerConnection, call, { hello, ping, pose, snapshots, patience }) {
  const began = performance.now();
  const since = () => performance.now() - began;
  const seen = { open: null, inside: null, pong: false, snapshots: 0, heard: false, states: [], failed: null };
  const pc = new PeerConnection({ iceServers: [] });
  const events = pc.createDataChannel("events", { negotiated: true, id: EVENTS });
  const poses = pc.createDataChannel("poses", { negotiated: true, id: POSES, ordered: false, maxRetransmits: 0 });
  const bytes = (numbers) => new Uint8Array(numbers);
  try {
    await new Promise((resolve, reject) => {
      const fail = (why) => reject(new Error(`${why}; ${JSON.stringify(seen)}`));
      setTimeout(fail, patience, `not there after ${patience} ms`);
      pc.onconnectionstatechange = () => {
        seen.states.push([pc.connectionState, Math.round(since())]);
        if (pc.connectionState === "failed") fail("the connection failed");
      };
      const look = () => seen.pong && seen.heard && seen.snapshots >= snapshots && resolve();
      events.binaryType = poses.binaryType = "arraybuffer";
      events.onopen = poses.onopen = () => {
        if (seen.open !== null || events.readyState !== "open" || poses.readyState !== "open") return;
        seen.open = since();
        events.send(bytes(hello));
      };
      events.onclose = poses.onclose = () => fail("a channel closed");
      events.onmessage = ({ data }) => {
        const [type] = new Uint8Array(data);
        if (type === WELCOME) {
          seen.inside = since();
          events.send(bytes(ping));
        }
        if (type === PONG) seen.pong = true;
        if (type === GOODBYE) fail(`sent away: ${new TextDecoder().decode(data.slice(3))}`);
        look();
      };
      poses.onmessage = ({ data }) => {
        const view = new DataView(data);
        if (view.getUint8(0) !== SNAPSHOT) return fail("no SNAPSHOT on poses");
        seen.snapshots += 1;
        seen.heard = view.getUint16(LAST_SEQ, true) === 1;
        if (!seen.heard) poses.send(bytes(pose));
        look();
      };
      pc.setLocalDescription()
        .then(() => call(pc.localDescription.sdp))
        .then((sdp) => pc.setRemoteDescription({ type: "answer", sdp }))
        .catch(reject);
    });
  } catch (error) {
    seen.failed = String(error?.message ?? error);
  }
  events.onclose = poses.onclose = null;
  pc.close();
  return { joined: seen };
}
