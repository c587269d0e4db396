// Clients of geckos_server.mjs: its signalling over HTTP, and libdatachannel as the browser.

import { PeerConnection } from "node-datachannel";

import { load } from "./load.mjs";

const HEADER = 8;
const RECORD = 16; // bytes: u16 index, u8 flags, i8 pitch, i32 x mm, i32 z mm, u16 yaw, u16 unused

async function call(url, body) {
  const response = await fetch(url, { method: body ? "POST" : "GET", body: body && JSON.stringify(body) });
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return response;
}

load(async ({ port }, visitor) => {
  const url = `http://127.0.0.1:${port}/.wrtc/v2/connections`;
  const { id, localDescription } = await (await call(url, {})).json();
  const pc = new PeerConnection(`v${visitor.index}`, { iceServers: [], bindAddress: "127.0.0.1" });
  const channel = await new Promise((resolve, reject) => {
    pc.onDataChannel(resolve);
    pc.onStateChange((state) => state === "failed" && reject(new Error("the connection failed")));
    pc.onGatheringStateChange((state) => {
      if (state !== "complete") return;
      call(`${url}/${id}/remote-description`, pc.localDescription())
        .then(() => call(`${url}/${id}/additional-candidates`))
        .then((response) => response.json())
        .then((candidates) => candidates.forEach((one) => pc.addRemoteCandidate(one.candidate, one.sdpMid)))
        .catch(reject);
    });
    pc.setRemoteDescription(localDescription.sdp, localDescription.type);
  });
  visitor.keep = pc; // else it is collected
  channel.onClosed(() => visitor.gone());
  channel.onMessage((data) => {
    visitor.snapshot(data.byteLength);
    if (!visitor.watching) return;
    for (let at = HEADER; at < data.byteLength; at += RECORD) visitor.saw(data.readUInt16LE(at), data[at + 2]);
  });
  const record = Buffer.alloc(RECORD);
  return ({ x, z, yaw, pitch, flags }) => {
    record.writeUInt16LE(visitor.index, 0);
    record[2] = flags;
    record.writeInt8(pitch, 3);
    record.writeInt32LE(x, 4);
    record.writeInt32LE(z, 8);
    record.writeUInt16LE(yaw, 12);
    channel.sendMessageBinary(record);
  };
});
