import { describe, expect, it } from "vitest";

import { Body } from "../walk/body";
import { findGround } from "./ground";
import { Notes } from "./json";
import { readPlaces } from "./places";
import { loadBare, sample } from "./real.testing";

/** Numbers in 0..1 that are the same each time. */
function random(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 1103515245 + 12345) & 0x7fffffff) / 0x7fffffff;
}

describe("a visitor who runs and jumps about at random for a minute", () => {
  it.each(["plaza.glb", "gallery.glb"])("in %s never leaps, never sinks into nothing on foot, and gets around", async (name) => {
    const file = await loadBare(await sample(name));
    const { tree, spots } = await findGround(file, readPlaces(file.json), new Notes());
    const spot = spots[0];
    if (spot === undefined) throw new Error("no spot");
    const next = random(7);
    const body = new Body(tree);
    body.place(spot.x, spot.y, spot.z);
    let [heading, farthest] = [0, 0];
    for (let step = 0; step < 3600; step++) {
      if (step % 45 === 0) heading += (next() - 0.5) * 4;
      const before = { x: body.x, y: body.y, z: body.z };
      const jump = step > 1800 && next() < 0.01;
      body.step(1 / 60, { x: Math.sin(heading) * 4.5, z: Math.cos(heading) * 4.5, jump });
      const way = Math.hypot(body.x - before.x, body.y - before.y, body.z - before.z);
      // The fastest fall is 0.6 m in a step; NaN fails too.
      expect(way).toBeLessThan(0.75);
      farthest = Math.max(farthest, Math.hypot(body.x - spot.x, body.z - spot.z));
      if (step <= 1800) expect(body.y).toBeGreaterThan(tree.bounds.minY - 0.2);
      if (body.y < tree.bounds.minY - 8) body.place(spot.x, spot.y, spot.z);
    }
    expect(farthest).toBeGreaterThan(5);
  });
});
