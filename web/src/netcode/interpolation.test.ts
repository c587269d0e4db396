import { describe, expect, it } from "vitest";
import { ServerClock, u32Difference } from "./clock";
import { PoseBuffer, ShowDelay } from "./interpolation";
import type { Delta, Keyframe } from "./messages";
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
      expect(Math.abs(next - shown)).toBeLessThan(0.08);
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

describe("a correction", () => {
  /** Somebody runs, and is carried on by `error` metres when nothing comes: but they had stopped. The steps after. */
  function corrected(error: number): number[] {
    const buffer = new PoseBuffer();
    for (let t = 0; t <= 1_000; t += 50) buffer.push(t, at((error * t) / 200));
    let shown = buffer.sample(1_200)?.x ?? NaN;
    const stopped = error * 5;
    expect(shown).toBeCloseTo(stopped + error);
    for (let t = 1_050; t <= 2_500; t += 50) buffer.push(t, at(stopped));
    const steps: number[] = [];
    for (let now = 1_200; now < 2_500; now += 1000 / 60) {
      const next = buffer.sample(now)?.x ?? NaN;
      steps.push(Math.abs(next - shown));
      shown = next;
    }
    expect(shown).toBeCloseTo(stopped, 2);
    return steps;
  }

  it.each([0.1, 0.5, 1, 1.9])("of %f m fades in and never jumps", (x) => {
    expect(Math.max(...corrected(x))).toBeLessThan(0.1 * x + 0.08);
  });
});

describe("ShowDelay", () => {
  /** The delay after 20 s of poses every `gap` ms that are `late` ms late when they arrive. */
  function settled(gap: number, late: (i: number) => number): number {
    const delay = new ShowDelay();
    for (let i = 0; i < 20_000 / gap; i += 1) delay.arrived(i * gap, i * gap + late(i));
    return delay.ms;
  }

  it("waits for the next pose where the network is quick", () => {
    expect(settled(50, () => 20)).toBeCloseTo(70, 0);
    expect(settled(50, () => 5)).toBe(ShowDelay.least);
  });

  it("is 150 ms where that is enough for most poses, and more only where they take longer", () => {
    expect(settled(50, (i) => 120 + (i % 3) * 10)).toBeCloseTo(150, 0);
    expect(settled(50, (i) => 200 + (i % 3) * 10)).toBeCloseTo(210, 0);
    expect(settled(50, () => 5_000)).toBe(ShowDelay.most);
  });

  it("is longer for those told of rarely, so that they too walk from pose to pose", () => {
    expect(settled(200, () => 60)).toBeCloseTo(260, 0);
  });

  it("moves slowly", () => {
    const delay = new ShowDelay();
    for (let i = 0; i < 20; i += 1) delay.arrived(i * 50, i * 50 + 300);
    expect(delay.ms).toBeGreaterThan(150);
    expect(delay.ms).toBeLessThan(150 + 0.06 * 1_000);
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

  it("steps at first, and moves slowly once settled", () => {
    const clock = new ServerClock();
    clock.start(0, 0);
    for (let i = 0; i < 5; i += 1) clock.pong(i * 250, i * 250 + 5, i * 250 + 10);
    expect(clock.serverNow(0)).toBeCloseTo(0);
    const before = clock.serverNow(2_000);
    clock.pong(2_000, 2_100, 2_004); // a shorter trip says 98 ms otherwise
    expect(Math.abs(clock.serverNow(2_004) - before - 4)).toBeLessThanOrEqual(20.1);
    expect(Math.abs(clock.serverNow(2_004) - before - 4)).toBeGreaterThan(10);
  });

  it("tells what the server's clock shows, also across its wrap", () => {
    const clock = new ServerClock();
    clock.start(2 ** 32 - 10, 1_000);
    clock.pong(1_000, 2 ** 32 - 10 + 5, 1_010);
    expect(clock.serverMs(1_010)).toBe(0);
    expect(clock.serverMs(1_000)).toBe(2 ** 32 - 10);
  });
});

describe("Peers", () => {
  const clock = new ServerClock();
  clock.start(0, 0);
  const KEY = { ...toWire(ORIGIN), peer: 9, age: 0 };
  const DELTA: Delta = { peer: 9, x: 0, y: 0, z: 0, pitch: 0, yaw: 0, speaking: 0, age: 0 };

  function world() {
    const peers = new Peers();
    peers.reset(1, 1_000);
    const sight = (tick: number, ...records: (Keyframe | Delta)[]): void =>
      peers.sight({ type: "SIGHT", interval: 1, lead: 255, lastSeq: 0, tick, serverMs: tick * 50, records }, clock, tick * 50);
    const enter = (): void => peers.enter([{ peer: 9, role: 3, userId: "@m:h", name: "Mo", avatar: "ada" }]);
    return { peers, sight, enter };
  }

  it("knows who is here from ENTER and LEAVE alone; a record of a stranger is dropped", () => {
    const { peers, sight, enter } = world();
    sight(1_001, KEY);
    expect(peers.others()).toEqual([]);
    expect(peers.newest(9)).toBeUndefined();
    enter();
    peers.enter([{ peer: 1, role: 0, userId: "@me:h", name: "Me", avatar: "" }]);
    expect(peers.others().map((peer) => [peer.id, peer.role])).toEqual([[9, "moderator"]]);
    expect(peers.self()?.name).toBe("Me");
    peers.leave([9]);
    expect(peers.others()).toEqual([]);
  });

  it("takes a sight that was overtaken, but not an old one, and never goes back in ticks", () => {
    const { peers, sight } = world();
    for (const tick of [1_005, 1_003, 900]) sight(tick);
    expect(peers.lastTick).toBe(1_005);
    expect(peers.snapshots).toBe(2);
  });

  it("reads a delta against the newest pose before it, which need not be a keyframe", () => {
    const { peers, sight, enter } = world();
    enter();
    sight(1_001, { ...KEY, x: 30_000 });
    sight(1_003, { ...DELTA, x: (3_000 + 500) % 2_048 });
    sight(1_005, { ...DELTA, x: (3_000 + 1_500) % 2_048 });
    expect(peers.newest(9)?.x).toBe(45);
    expect(peers.unread).toBe(0);
  });

  it("reads a delta that was overtaken against what came before it, not against what overtook it", () => {
    const { peers, sight, enter } = world();
    enter();
    sight(1_001, KEY);
    sight(1_003, { ...KEY, x: 30_000 }); // a leap
    sight(1_002, { ...DELTA, x: 20 });
    const shown: number[] = [];
    for (let now = 1_001 * 50; now < 1_003 * 50; now += 10) peers.shown(clock, now + 150, (_, pose) => shown.push(pose.x));
    expect(Math.max(...shown)).toBeLessThan(0.25);
    expect(peers.newest(9)?.x).toBe(30);
  });

  it("drops a delta of somebody unknown, or not heard of for four seconds, and waits for a keyframe", () => {
    const { peers, sight, enter } = world();
    enter();
    sight(1_001, DELTA);
    expect(peers.newest(9)).toBeUndefined();
    sight(1_002, KEY);
    sight(1_082, { ...DELTA, x: 10 });
    expect(peers.newest(9)?.x).toBe(0.1);
    sight(1_163, { ...DELTA, x: 20 });
    expect(peers.newest(9)?.x).toBe(0.1);
    expect(peers.unread).toBe(2);
    sight(1_164, { ...KEY, x: 5_000 });
    expect(peers.newest(9)?.x).toBe(5);
  });

  it("no longer shows whom the server has not told of for 50 ticks, but shows all of them when nothing comes at all", () => {
    const { peers, sight, enter } = world();
    enter();
    sight(1_001, KEY);
    let shown = 0;
    const count = (): number => {
      shown = 0;
      peers.shown(clock, 1_100 * 50, () => (shown += 1));
      return shown;
    };
    expect(count()).toBe(1); // a dead path: nothing is known to have changed
    sight(1_030);
    sight(1_050);
    expect(peers.inSight(9)).toBe(true);
    sight(1_051);
    expect(peers.inSight(9)).toBe(false);
    expect(count()).toBe(0);
    expect(peers.others()).toHaveLength(1);
    sight(1_052, KEY);
    expect(count()).toBe(1);
  });

  it("shows a pose when it was taken, not when it was told: told twice it is one, and a late one bends nothing", () => {
    const { peers, sight, enter } = world();
    enter();
    for (let i = 0; i < 20; i += 1) {
      const taken = i % 4 === 3 ? i - 1 : i; // one in four came too late, and the tick told the last one again
      sight(1_000 + i, { ...KEY, x: taken * 100, age: 3 + (i - taken) * 3 });
    }
    const xs: number[] = [];
    for (let now = 1_005 * 50; now < 1_015 * 50; now += 50) peers.shown(clock, now + 150, (_, pose) => xs.push(pose.x));
    const steps = xs.slice(1).map((x, i) => x - (xs[i] ?? 0));
    for (const step of steps) expect(step).toBeCloseTo(0.1, 1);
  });
});
