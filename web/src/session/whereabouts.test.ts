/** What we say of where we are, and when, to a server of one hand. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ServerClock } from "../netcode/clock";
import { decodeClient } from "../netcode/codec";
import type { ChannelName, ClientMessage, Here, Sight } from "../netcode/messages";
import { ORIGIN, type Pose, PoseFlag } from "../netcode/pose";
import { toWire } from "../netcode/units";
import { Whereabouts } from "./whereabouts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

function inside() {
  let pose: Pose = { ...ORIGIN };
  const placed: Pose[] = [];
  const sent: Record<ChannelName, ClientMessage[]> = { events: [], poses: [] };
  const body = { pose: () => pose, at: () => performance.now(), place: (to: Pose) => void placed.push((pose = to)) };
  const clock = new ServerClock();
  clock.start(5_000, performance.now());
  const where = new Whereabouts(body, toWire(pose), clock, (channel, bytes) => {
    sent[channel].push(decodeClient(channel, bytes));
    return true;
  });
  where.start(20);
  const said = (channel: ChannelName): ClientMessage[] => sent[channel].splice(0);
  const heres = (): Here[] => said("poses").filter((message) => message.type === "HERE");
  const sight = (more: Partial<Sight>): void =>
    where.heard({ type: "SIGHT", interval: 1, lead: 255, lastSeq: 0, tick: 100, serverMs: 5_000, records: [], ...more });
  return { where, said, heres, sight, placed, move: (to: Partial<Pose>) => (pose = { ...pose, ...to }) };
}

describe("where we are", () => {
  it("is said 20 times a second while we move, for 0.4 s after, and then once a second", async () => {
    const visit = inside();
    await pass(1_000);
    visit.heres();
    for (let i = 1; i <= 20; i += 1) {
      visit.move({ x: i * 0.1 });
      await pass(50);
    }
    expect(visit.heres().map(({ pose }) => pose.x)).toEqual(Array.from({ length: 20 }, (_, i) => (i + 1) * 100));
    await pass(450);
    expect(visit.heres()).toHaveLength(8);
    await pass(3_000);
    const still = visit.heres();
    expect(still.length).toBeGreaterThanOrEqual(2);
    expect(still.length).toBeLessThanOrEqual(4);
    visit.where.stop();
  });

  it("is stamped with the server's clock at the frame that was drawn last", async () => {
    const visit = inside();
    await pass(500);
    visit.heres();
    visit.move({ x: 1 });
    await pass(50);
    const [here] = visit.heres();
    expect(here?.at).toBeGreaterThanOrEqual(5_500);
    expect(here?.at).toBeLessThanOrEqual(5_550);
    visit.where.stop();
  });

  it("is said as rarely as the server asks", async () => {
    const visit = inside();
    visit.sight({ interval: 4 });
    await pass(200);
    visit.heres();
    for (let i = 0; i < 40; i += 1) {
      visit.move({ x: i * 0.1 });
      await pass(50);
    }
    expect(visit.heres()).toHaveLength(10);
    visit.where.stop();
  });

  it("is said so that it arrives 8 ms before the server's tick", async () => {
    const visit = inside();
    const tickAt = 37; // ms after each multiple of 50 since WELCOME
    const leads: number[] = [];
    for (let i = 1; i <= 40; i += 1) {
      visit.move({ x: i * 0.1 });
      await pass(50);
      for (const { at, seq } of visit.heres()) {
        const lead = (((tickAt - (at - 5_000)) % 50) + 50) % 50;
        leads.push(lead);
        visit.sight({ lead, lastSeq: seq });
      }
    }
    expect(leads[0]).toBe(37);
    expect(leads.slice(-10)).toEqual(Array.from({ length: 10 }, () => 8));
    visit.where.stop();
  });
});

describe("a jump", () => {
  it("is asked for when we are suddenly elsewhere, and counted in what we say from then on", async () => {
    const visit = inside();
    await pass(200);
    visit.said("events");
    visit.heres();
    visit.move({ x: 60, y: 1 });
    await pass(50);
    expect(visit.said("events").filter(({ type }) => type === "JUMP")).toEqual([
      { type: "JUMP", reason: 1, jumps: 1, pose: toWire({ ...ORIGIN, x: 60, y: 1 }) },
    ]);
    expect(visit.heres().at(-1)).toMatchObject({ jumps: 1, pose: { x: 60_000 } });
    visit.move({ x: 60.2 });
    await pass(50);
    expect(visit.said("events").filter(({ type }) => type === "JUMP")).toEqual([]);
    visit.where.stop();
  });

  it("onto a seat says so, and no more often than the server grants; getting up is none", async () => {
    const visit = inside();
    const jumps = (): number[] => visit.said("events").flatMap((message) => (message.type === "JUMP" ? [message.reason] : []));
    const sit = async (x: number): Promise<void> => {
      visit.move({ x, flags: PoseFlag.seated });
      await pass(50);
    };
    const getUp = async (): Promise<void> => {
      visit.move({ flags: 0 });
      await pass(50);
    };
    await pass(200);
    jumps();
    await sit(1);
    expect(jumps()).toEqual([3]);
    expect(visit.heres().at(-1)).toMatchObject({ jumps: 1, pose: { x: 1_000, flags: PoseFlag.seated } });
    await getUp();
    await sit(1.5);
    await getUp();
    expect(jumps()).toEqual([]);
    await pass(2_000);
    await sit(1.8);
    visit.move({ x: 40 }); // carried off, still seated
    await pass(50);
    expect(jumps()).toEqual([3, 3]);
    await getUp();
    visit.move({ x: 0 });
    await pass(50);
    expect(jumps()).toEqual([1]);
    visit.where.stop();
  });

  it("that the server takes back puts us where it says, and is obeyed in what we say", async () => {
    const visit = inside();
    await pass(200);
    const pose = toWire({ ...ORIGIN, x: -40, yaw: 1 });
    visit.where.correct({ type: "CORRECT", corrections: 3, pose });
    expect(visit.placed.map(({ x }) => x)).toEqual([-40]);
    visit.said("events");
    visit.heres();
    await pass(1_100);
    expect(visit.said("events").filter(({ type }) => type === "JUMP")).toEqual([]);
    expect(visit.heres().at(-1)).toMatchObject({ corrections: 3, jumps: 0, pose: { x: -40_000 } });
    visit.where.stop();
  });
});
