/** The page beside: opens the scene that the address names and lets made-up people walk in circles. */

import { createWorld } from "../src/canvas";
import type { PeerLook } from "../src/world";

const wanted = new URLSearchParams(location.search);
const ratio = Number(wanted.get("ratio"));
const avatars = (wanted.get("avatars") ?? "").split(",").filter(Boolean);
const world = createWorld(document.querySelector("canvas") as HTMLCanvasElement, {
  pixelRatio: ratio > 0 ? ratio : "auto",
  firstPerson: wanted.has("first"),
  ...(avatars[0] === undefined ? {} : { avatarUrl: avatars[0] }),
});
Object.assign(window, { world });

const entry = await (await fetch(wanted.get("scene") ?? "/scene.glb")).arrayBuffer();
const began = performance.now();
const report = await world.load(entry);
Object.assign(window, { report, loadMs: performance.now() - began });
world.enter();

const count = Number(wanted.get("peers") ?? 0);
const looks = new Map<number, PeerLook>();
for (let id = 1; id <= count; id++) {
  const avatarUrl = avatars[id % avatars.length];
  looks.set(id, { name: ["Ada", "Grace Hopper", "Linus", "Hedy", "Alan Turing", "Margaret"][id % 6] ?? "", ...(avatarUrl === undefined ? {} : { avatarUrl }) });
}
world.setPeers(looks);
const [cx, cy, cz] = report.spawn.position;
const { yaw } = report.spawn;
world.onFrame((now) => {
  for (let id = 1; id <= count; id++) {
    const speed = [0, 1.4, 2.2, 4.5][id % 4] as number;
    const radius = 1.5 + id * 0.5;
    const turn = (now / 1000) * (speed / radius) + id * 2;
    const [x, z] = [cx - Math.sin(yaw) * 4 + Math.cos(turn) * radius, cz - Math.cos(yaw) * 4 + Math.sin(turn) * radius];
    world.movePeer(id, { x, y: cy, z, yaw: Math.PI - turn, pitch: 0, gesture: id % 4 === 0 ? Math.floor(now / 4000) % 2 : 0, flags: id === 2 ? 1 : 0 });
  }
});
