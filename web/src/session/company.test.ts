/** Who of the others has a body in the picture. */
import { beforeEach, describe, expect, it } from "vitest";
import { ServerClock } from "../netcode/clock";
import { Peers } from "../netcode/peers";
import { ORIGIN } from "../netcode/pose";
import { toWire } from "../netcode/units";
import type { PeerLook, World } from "../world";
import { Company } from "./company";

describe("the company", () => {
  const clock = new ServerClock();
  clock.start(0, 0);
  let peers: Peers;
  let looks: ReadonlyMap<number, PeerLook>[];
  let moved: number[];
  let company: Company;

  beforeEach(() => {
    [peers, looks, moved] = [new Peers(), [], []];
    const world = { setPeers: (all: ReadonlyMap<number, PeerLook>) => looks.push(all), movePeer: (id: number) => moved.push(id) };
    company = new Company(peers, clock, [{ id: "bo", name: "Bo", url: "/bo.glb" } as never], world as unknown as World);
    peers.reset(1, 100);
    peers.enter([2, 3].map((peer) => ({ peer, role: 1, userId: `@p${peer}:h`, name: `P${peer}`, avatar: peer === 2 ? "bo" : "gone" })));
    company.dress();
  });

  const sight = (tick: number, ...ids: number[]): void => {
    const records = ids.map((peer) => ({ ...toWire(ORIGIN), peer, age: 0 }));
    peers.sight({ type: "SIGHT", interval: 1, lead: 0, lastSeq: 0, tick, serverMs: tick * 50, records }, clock, tick * 50);
  };

  it("is those in sight, with their avatars, as soon as they are", () => {
    expect(looks.at(-1)?.size).toBe(0);
    sight(101, 2);
    company.frame(1_000);
    expect([...(looks.at(-1) ?? [])]).toEqual([[2, { name: "P2", avatarUrl: "/bo.glb" }]]);
    expect(moved).toEqual([2]);
    sight(102, 2, 3);
    company.frame(1_300);
    expect(looks.at(-1)?.get(3)).toEqual({ name: "P3" });
    expect(company.drawnAt).toBe(1_300);
  });

  it("is dressed anew only when somebody came into sight or went out of it", () => {
    sight(101, 2, 3);
    company.frame(1_000);
    const before = looks.length;
    for (let now = 1_016; now < 5_000; now += 16) company.frame(now);
    expect(looks.length).toBe(before);
    sight(140, 2);
    sight(152, 2);
    company.frame(6_000);
    expect([...(looks.at(-1)?.keys() ?? [])]).toEqual([2]);
  });
});
