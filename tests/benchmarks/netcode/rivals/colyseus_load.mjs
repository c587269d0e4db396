// Clients of colyseus_server.mjs, by Colyseus's own SDK.

import WebSocket from "ws";

globalThis.WebSocket = WebSocket; // Node's own is several times slower, and the clients must not be what is measured
const { Client } = await import("@colyseus/sdk");
const { load } = await import("./load.mjs");

load(async ({ port }, visitor) => {
  const room = await new Client(`ws://127.0.0.1:${port}`).joinOrCreate("world", { index: visitor.index });
  const serializer = room.serializer;
  const decode = serializer.patch.bind(serializer);
  serializer.patch = (bytes, at) => {
    visitor.snapshot(bytes.byteLength);
    if (!visitor.watching) return; // a browser would decode; here that would cost more than the server under test
    decode(bytes, at);
    room.state.players?.forEach((player, key) => visitor.saw(Number(key), player.flags));
  };
  room.onLeave(() => visitor.gone());
  return (pose) => room.send("pose", pose);
});
