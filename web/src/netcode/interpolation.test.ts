import { describe, expect, it } from "vitest";
import { ServerClock, u32Difference } from "./clock";
import { PoseBuffer, ShowDelay } from "./interpolation";
import { Peers } from "./peers";
import { mixAngle, ORIGIN, wrapAngle, type Pose } from "./pose";
import { toWire } from "./units";

const at = (x: number, more: Partial<Pose> = {}): Pose => ({ ...ORIGIN, x, ...more });
const x = (pose: Pose | undefined): number => pose?.x ?? NaN;

describe("angles", () => {
  it("go the shorter way round", () => {
    expect(mixAngle(3, -3, 0.5)).toBeCloseTo(Math.PI, 6);
    expect(wrapAngle(-Math.PI)).toBeCloseTo(Math.PI, 6);
    expect(wrapAngle(5 * Math.PI)).toBeCloseTo(Math.PI, 6);
  });
});

describe("PoseBuffer", () => {
  it("shows nothing before the first pose, and the first one until there is a second", () => {
    const buffer = new PoseBuffer();
    expect(buffer.sample(0)).toBeUndefined();
    buffer.push(100, at(1));
    expect(x(buffer.sample(50))).toBe(1);
    expect(x(buffer.sample(500))).toBe(1);
  });

  it("mixes between two poses, whatever order they came in", () => {
    const buffer = new PoseBuffer();
    buffer.push(200, at(2));
    buffer.push(100, at(1));
    buffer.push(100, at(9)); // a repeat
    expect(x(buffer.sample(150))).toBeCloseTo(1.5);
  });

  it("goes on for 200 ms without news and then stands", () => {
    const buffer = new PoseBuffer();
    buffer.push(0, at(0));
    buffer.push(50, at(0.1));
    expect(x(buffer.sample(100))).toBeCloseTo(0.2);
    const far = x(buffer.sample(2_000));
    expect(far).toBeCloseTo(0.1 + 0.002 * 200);
  });

  it("never jumps when the next pose corrects it, and comes to the truth within half a second", () => {
    const buffer = new PoseBuffer();
    buffer.push(0, at(0));
    buffer.push(50, at(0.2));
    let shown = x(buffer.sample(120)); // carried on to 0.48
    expect(shown).toBeCloseTo(0.48);
    buffer.push(100, at(0.2)); // but they had stopped
    for (let now = 120; now <= 620; now += 16) {
      const next = x(buffer.sample(now));
      expect(Math.abs(next - shown)).toBeLessThan(0.06);
      shown = next;
    }
    expect(shown).toBeCloseTo(0.2, 2);
  });

  it("shows a teleport as one, without sliding through walls", () => {
    const buffer = new PoseBuffer();
    buffer.push(0, at(0));
    buffer.push(50, at(50));
    expect(x(buffer.sample(40))).toBe(0);
    expect(x(buffer.sample(50))).toBe(50);
    expect(x(buffer.sample(80))).toBe(50);
  });

  it("keeps a bounded number of poses", () => {
    const buffer = new PoseBuffer();
    for (let i = 0; i < 10_000; i += 1) buffer.push(i * 50, at(i * 0.1));
    expect(x(buffer.sample(0))).toBeGreaterThan(990); // the old ones are gone
  });
});

describe("a walk over an uneven network", () => {
  it("is shown smoothly: no step against the walk, none larger than twice its pace", () => {
    const clock = new ServerClock();
    const peers = new Peers();
    clock.start(5_000, 0);
    peers.reset(1, 100, 20);
    peers.enter([{ peer: 2, role: 0, userId: "@b:h", name: "Bo", avatar: "" }]);
    let seed = 7;
    const random = (): number => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647;
    const arrivals: { now: number; tick: number }[] = [];
    for (let tick = 1; tick < 200; tick += 1) {
      if (random() < 0.05) continue; // lost
      arrivals.push({ now: tick * 50 + 10 + 60 * random(), tick });
    }
    arrivals.sort((a, b) => a.now - b.now);
    let last: number | null = null;
    for (let now = 1_000; now < 9_500; now += 16) {
      while (arrivals[0] && arrivals[0].now <= now) {
        const { tick } = arrivals.shift() ?? { tick: 0 };
        const pose = toWire(at(tick * 0.2)); // 4 m/s
        const snapshot = { type: "SNAPSHOT", tick: 100 + tick, serverMs: 5_000 + tick * 50, lastSeq: 0, records: [{ peer: 2, pose }] } as const;
        peers.snapshot(snapshot, clock, now);
      }
      peers.shown(clock, now, (_, pose) => {
        if (last !== null) {
          expect(pose.x - last).toBeGreaterThan(-0.001);
          expect(pose.x - last).toBeLessThan(2 * 4 * 0.016);
        }
        last = pose.x;
      });
    }
    expect(last).toBeGreaterThan(30);
    expect(peers.delayMs).toBeGreaterThanOrEqual(ShowDelay.least);
    expect(peers.delayMs).toBeLessThanOrEqual(ShowDelay.most);
  });
});

describe("ServerClock", () => {
  it("believes the shortest round trip", () => {
    const clock = new ServerClock();
    clock.start(1_000, 50);
    clock.pong(100, 1_000 + 60, 120); // 20 ms there and back: the server was at 1,060 at our 110
    expect(clock.serverNow(110)).toBeCloseTo(clock.unwrap(1_060), 5);
    clock.pong(200, 1_500, 900); // a bad one changes nothing
    expect(clock.serverNow(110)).toBeCloseTo(clock.unwrap(1_060), 5);
    expect(clock.rtt).toBe(20);
  });

  it("goes on over the wrap of the server's counter", () => {
    const clock = new ServerClock();
    clock.start(2 ** 32 - 10, 0);
    expect(clock.unwrap(5) - clock.unwrap(2 ** 32 - 10)).toBe(15);
    expect(u32Difference(5, 2 ** 32 - 10)).toBe(15);
  });

  it("moves slowly once settled", () => {
    const clock = new ServerClock();
    clock.start(0, 0);
    clock.pong(0, 5, 10);
    const before = clock.serverNow(1_000);
    clock.pong(1_000, 1_100, 1_004); // a shorter trip says 98 ms otherwise
    expect(Math.abs(clock.serverNow(1_004) - before - 4)).toBeLessThanOrEqual(20.1);
  });
});

describe("Peers", () => {
  it("knows who is here from ENTER and LEAVE alone; a record of a stranger is dropped", () => {
    const clock = new ServerClock();
    const peers = new Peers();
    peers.reset(1, 10, 20);
    clock.start(0, 0);
    const record = { peer: 9, pose: toWire(ORIGIN) };
    peers.snapshot({ type: "SNAPSHOT", tick: 11, serverMs: 50, lastSeq: 0, records: [record] }, clock, 50);
    expect(peers.others()).toEqual([]);
    expect(peers.newest(9)).toBeUndefined();
    peers.enter([
      { peer: 9, role: 3, userId: "@m:h", name: "Mo", avatar: "ada" },
      { peer: 1, role: 0, userId: "@me:h", name: "Me", avatar: "" },
    ]);
    expect(peers.others().map((peer) => [peer.id, peer.role])).toEqual([[9, "moderator"]]);
    expect(peers.self()?.name).toBe("Me");
    peers.leave([9]);
    expect(peers.others()).toEqual([]);
  });

  it("takes a snapshot that was overtaken, but not an old one, and never goes back in ticks", () => {
    const clock = new ServerClock();
    const peers = new Peers();
    peers.reset(1, 1_000, 20);
    clock.start(0, 0);
    const snapshot = (tick: number) => ({ type: "SNAPSHOT", tick, serverMs: tick, lastSeq: 0, records: [] }) as const;
    peers.snapshot(snapshot(1_005), clock, 1);
    peers.snapshot(snapshot(1_003), clock, 2);
    peers.snapshot(snapshot(900), clock, 3);
    expect(peers.lastTick).toBe(1_005);
    expect(peers.snapshots).toBe(2);
  });
});
