// A world of geckos.io: everybody sends a raw binary pose, and is sent the 64 nearest at each tick as one raw message.

import { createServer } from "node:http";

import { geckos } from "@geckos.io/server";

import { every, leash, say } from "./child.mjs";
import { Near } from "./near.mjs";

const TICK_MS = 50;
const HEADER = 8; // bytes of a snapshot before its records: u32 tick, u32 how many
const RECORD = 16; // bytes of a pose as a client sends it, which is passed on as it is
const X = 4; // where in a record x stands, i32 mm; z follows

const io = geckos({ bindAddress: "127.0.0.1" });
const near = new Near();
const channels = new Set();

io.onConnection((channel) => {
  channel.pose = Buffer.alloc(RECORD);
  channel.others = [];
  channels.add(channel);
  near.add(channel);
  channel.onRaw((data) => {
    if (data.byteLength !== RECORD) return;
    channel.pose = data;
    near.moved(channel, data.readInt32LE(X), data.readInt32LE(X + 4));
  });
  channel.onDisconnect(() => {
    channels.delete(channel);
    near.remove(channel);
  });
});

let tick = 0;
function step() {
  tick += 1;
  near.select((channel, others) => {
    channel.others = others;
  });
  for (const channel of channels) {
    const { others } = channel;
    const snapshot = Buffer.allocUnsafe(HEADER + RECORD * others.length);
    snapshot.writeUInt32LE(tick, 0);
    snapshot.writeUInt32LE(others.length, 4);
    for (let n = 0; n < others.length; n++) others[n].pose.copy(snapshot, HEADER + n * RECORD);
    channel.raw.emit(snapshot);
  }
}

const server = createServer();
io.addServer(server);
server.listen(0, "127.0.0.1", () => {
  every(TICK_MS, step);
  leash();
  say({ ready: { port: server.address().port } });
});
