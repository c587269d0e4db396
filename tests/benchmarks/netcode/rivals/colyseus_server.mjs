// A world of Colyseus, as its documentation writes one: state in @colyseus/schema, patches at 20 Hz over WebSocket.
// With `views` as argument each client is shown the 64 nearest by a StateView (its interest management); without, all.
// Each field has the narrowest type that holds what the trace knows: the least that Colyseus can send.

import { Room, Server } from "@colyseus/core";
import { Encoder, StateView, schema, t } from "@colyseus/schema";
import { WebSocketTransport } from "@colyseus/ws-transport";

import { leash, say } from "./child.mjs";
import { Near } from "./near.mjs";

const VIEWS = process.argv.includes("views");
const TICK_MS = 50;

Encoder.BUFFER_SIZE = 1 << 20; // bytes: the whole state of 1,000 players, so that it never has to be enlarged

const Player = schema({ x: t.int32(), z: t.int32(), yaw: t.uint16(), pitch: t.int8(), flags: t.uint8() }, "Player");
const State = schema({ players: VIEWS ? t.map(Player).view() : t.map(Player) }, "State");

class World extends Room {
  state = new State();
  patchRate = TICK_MS;
  autoDispose = false;
  near = new Near();
  messages = {
    pose: (client, { x, z, yaw, pitch, flags }) => {
      const player = client.userData;
      player.x = x;
      player.z = z;
      player.yaw = yaw;
      player.pitch = pitch;
      player.flags = flags;
      if (VIEWS) this.near.moved(client, x, z);
    },
  };

  onCreate() {
    if (VIEWS) this.setSimulationInterval(() => this.near.select(show), TICK_MS);
  }

  onJoin(client, { index }) {
    const player = new Player();
    player.x = player.z = player.yaw = player.pitch = player.flags = 0;
    client.userData = player;
    this.state.players.set(String(index), player);
    if (VIEWS) {
      client.view = new StateView();
      client.shown = new Set();
      this.near.add(client);
    }
  }

  onLeave(client) {
    for (const [key, player] of this.state.players) if (player === client.userData) this.state.players.delete(key);
    this.near.remove(client);
  }
}

/** Let a client see these others and nobody else. */
function show(client, others) {
  const wanted = new Set(others.map((other) => other.userData));
  for (const player of client.shown) if (!wanted.has(player)) client.view.remove(player);
  for (const player of wanted) if (!client.shown.has(player)) client.view.add(player);
  client.shown = wanted;
}

const transport = new WebSocketTransport();
const server = new Server({ transport, greet: false, gracefullyShutdown: false });
server.define("world", World);
await server.listen(0, "127.0.0.1");
leash();
say({ ready: { port: transport.server.address().port } });
