/** Whoever is inside sees the newest scene, or the old one when the new one is broken. */
import { describe, expect, it } from "vitest";

import type { MatrixHttp } from "../matrix/http";
import type { Mxc } from "../matrix/media";
import type { LoadReport, World } from "../world";
import { SceneFollower } from "./following";
import type { loadScene } from "./scene";

const scene = (id: string): Mxc => ({ server: "example.org", id });

/** A follower whose scenes load when the test says so. */
function following() {
  const said: string[] = [];
  const loads: { id: string; signal: AbortSignal; done: () => void; fail: () => void }[] = [];
  const load: typeof loadScene = (_http, mxc, _world, _handlers, signal) =>
    new Promise((resolve, reject) => {
      const done = (): void => resolve({ title: mxc.id } as LoadReport);
      loads.push({ id: mxc.id, signal, done, fail: () => reject(new Error("broken")) });
    });
  const announce = { sceneChanged: () => said.push("changed"), sceneStays: () => said.push("stays") };
  const handlers = { shown: (report: LoadReport) => said.push(`shown ${report.title}`), note: (line: string) => said.push(line) };
  const life = new AbortController();
  const follower = new SceneFollower({} as MatrixHttp, {} as World, scene("first"), announce, handlers, life.signal, load);
  return { follower, loads, said, life };
}

describe("the scene of the room", () => {
  it("is put up around whoever is inside, once for each change", async () => {
    const { follower, loads, said } = following();
    await follower.follow(scene("first"));
    const change = follower.follow(scene("second"));
    await follower.follow(scene("second"));
    loads[0]?.done();
    await change;
    expect(loads.map(({ id }) => id)).toEqual(["second"]);
    expect(said).toEqual(["shown second", "changed"]);
  });

  it("is the newest of several; the others are given up", async () => {
    const { follower, loads, said } = following();
    const both = [follower.follow(scene("second")), follower.follow(scene("third"))];
    expect(loads[0]?.signal.aborted).toBe(true);
    loads[1]?.done();
    loads[0]?.done();
    await Promise.all(both);
    expect(said).toEqual(["shown third", "changed"]);
  });

  it("stays as it was when the new one cannot be shown, and follows the next", async () => {
    const { follower, loads, said } = following();
    const broken = follower.follow(scene("second"));
    loads[0]?.fail();
    await broken;
    expect(said).toEqual(["new scene: Error: broken", "stays"]);
    const mended = follower.follow(scene("first"));
    loads[1]?.done();
    await mended;
    expect(said.slice(2)).toEqual(["shown first", "changed"]);
  });

  it("says nothing once the visit is over", async () => {
    const { follower, loads, said, life } = following();
    const late = follower.follow(scene("second"));
    life.abort();
    loads[0]?.fail();
    await late;
    expect(said).toEqual([]);
  });
});
