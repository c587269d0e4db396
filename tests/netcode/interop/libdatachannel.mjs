// libdatachannel as a foreign client: `node libdatachannel.mjs FOLDER URL`, where FOLDER has the node_modules to take.
// Rule: what it does is join.mjs's; this only brings Node what a page has. It ends with the test's WebSocket.

import { createRequire } from "node:module";

import { HANDS, serve } from "./join.mjs";

const [folder, url] = process.argv.slice(2);
const require = createRequire(`${folder}/`);
const { RTCPeerConnection } = require("node-datachannel/polyfill");

class PeerConnection extends RTCPeerConnection {
  constructor(config) {
    super({ ...config, bindAddress: "127.0.0.1" });
  }
}

for (let hand = 0; hand < HANDS; hand++) {
  const socket = new WebSocket(url.replace("http", "ws") + "test");
  socket.onclose = () => process.exit(0);
  serve(socket, PeerConnection);
}
