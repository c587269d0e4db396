// Visitors of our own node by libdatachannel: WebRTC that is not ours, version 1 of our protocol in a few lines.
// They are the foreign clients in a crowd, and the crowd itself where a cheaper client is missing. They watch nothing.

import { connect } from "node:net";

import { PeerConnection } from "node-datachannel";

import { load } from "./load.mjs";

const EVENTS = 0;
const POSES = 1; // channel ids
const HELLO = 0x01;
const PING = 0x02;
const POSE = 0x10;
const WELCOME = 0x81;
const GOODBYE = 0x86; // types of netcode/PROTOCOL.md
const PING_TICKS = 20;
const ANSWER_MS = 30_000;

/** The node's seam: JSON frames behind a big-endian length, replies by id. */
class Seam {
  #socket;
  #waiting = new Map();
  #next = 1;
  #rest = Buffer.alloc(0);

  constructor(path) {
    this.#socket = connect(path);
    this.#socket.on("data", (data) => this.#read(data));
    this.#socket.on("close", () => console.error("the node closed the seam: is an Offer still what seam.py says?"));
  }

  ask(kind, body) {
    const id = this.#next++;
    const frame = Buffer.from(JSON.stringify({ kind, body, id }));
    const length = Buffer.alloc(4);
    length.writeUInt32BE(frame.length);
    this.#socket.write(Buffer.concat([length, frame]));
    return new Promise((resolve) => this.#waiting.set(id, resolve));
  }

  #read(data) {
    this.#rest = Buffer.concat([this.#rest, data]);
    while (this.#rest.length >= 4 && this.#rest.length >= 4 + this.#rest.readUInt32BE(0)) {
      const end = 4 + this.#rest.readUInt32BE(0);
      const { id, ...reply } = JSON.parse(this.#rest.toString("utf8", 4, end));
      this.#rest = this.#rest.subarray(end);
      this.#waiting.get(id)?.(reply);
      this.#waiting.delete(id);
    }
  }
}

let seam;

/** An offer whose candidates are all in it. */
function offer(pc) {
  return new Promise((resolve) => {
    pc.onGatheringStateChange((state) => state === "complete" && resolve(pc.localDescription().sdp));
    pc.setLocalDescription("offer");
  });
}

function hello() {
  const client = Buffer.from("libdatachannel");
  const avatar = Buffer.from("ada");
  const versions = Buffer.from([HELLO, 1, 0, 1, 0]);
  return Buffer.concat([versions, Buffer.from([client.length]), client, Buffer.from([avatar.length]), avatar, Buffer.alloc(14)]);
}

load(async (server, visitor) => {
  seam ??= new Seam(server.seam);
  const pc = new PeerConnection(`v${visitor.index}`, { iceServers: [], bindAddress: "127.0.0.1", disableAutoNegotiation: true });
  visitor.keep = pc; // else it is collected
  const events = pc.createDataChannel("events", { negotiated: true, id: EVENTS });
  const poses = pc.createDataChannel("poses", { negotiated: true, id: POSES, unordered: true, maxRetransmits: 0 });
  const [session, user_id] = [`v${visitor.index}`, `@v${visitor.index}:bench`];
  const who = { session, world: "!bench:x", user_id, name: session, role: 1, muted: false };
  const reply = await seam.ask("Offer", { ...who, sdp: await offer(pc) });
  if (reply.kind !== "Answer") throw new Error(`visitor ${visitor.index} is refused: ${JSON.stringify(reply)}`);
  let tick = 0; // of the newest snapshot
  poses.onMessage((data) => {
    visitor.snapshot(data.byteLength);
    tick = data.readUInt32LE(1);
  });
  await new Promise((resolve, reject) => {
    setTimeout(reject, ANSWER_MS, new Error(`visitor ${visitor.index} is not welcomed`)).unref();
    events.onMessage((data) => {
      if (data[0] === WELCOME) resolve();
      if (data[0] === GOODBYE) reject(new Error(`visitor ${visitor.index} is sent away: ${data.toString("utf8", 3)}`));
    });
    let open = 0;
    const opened = () => ++open === 2 && events.sendMessageBinary(hello());
    events.onOpen(opened);
    poses.onOpen(opened);
    pc.setRemoteDescription(reply.body.sdp, "answer");
  });
  events.onClosed(() => visitor.gone());
  const ping = Buffer.from([PING, 0, 0, 0, 0]);
  const pose = Buffer.alloc(21);
  pose[0] = POSE;
  let count = 0;
  return ({ x, z, yaw, pitch, flags }) => {
    count += 1;
    pose.writeUInt16LE(count & 0xffff, 1);
    pose.writeUInt32LE(tick, 3);
    pose.writeIntLE(x, 7, 3);
    pose.writeIntLE(z, 13, 3);
    pose.writeUInt16LE(yaw, 16);
    pose.writeInt8(pitch, 18);
    pose[20] = flags;
    poses.sendMessageBinary(pose);
    if (count % PING_TICKS === 0) events.sendMessageBinary(ping);
  };
});
