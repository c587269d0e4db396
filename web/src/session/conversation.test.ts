/** The conversation with a server of one hand: what it says of where we are, and when. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ServerClock } from "../netcode/clock";
import type { ClientMessage, Here, Sight } from "../netcode/messages";
import { Peers } from "../netcode/peers";
import { ORIGIN, type Pose } from "../netcode/pose";
import { toWire } from "../netcode/units";
import { Conversation } from "./conversation";
import { FakeConnection } from "./fakes.testing";
import { WebRtc } from "./webrtc";

beforeEach(() => {
  vi.useFakeTimers();
  FakeConnection.all = [];
  vi.stubGlobal("RTCPeerConnection", FakeConnection);
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

async function inside() {
  let pose: Pose = { ...ORIGIN };
  const placed: Pose[] = [];
  const body = { pose: () => pose, at: () => performance.now(), place: (to: Pose) => void placed.push((pose = to)), avatar: "ada", client: "test" };
  const nothing = (): void => undefined;
  const transport = new WebRtc([]);
  await transport.offer();
  await transport.accept("v=0");
  const talk = new Conversation(transport, body, new Peers(), new ServerClock(), {
    welcomed: nothing,
    roster: nothing,
    notice: nothing,
    goodbye: nothing,
    lost: nothing,
  });
  const server = FakeConnection.all[0] as FakeConnection;
  server.welcome();
  const said = (channel: "events" | "poses"): ClientMessage[] => server.channel(channel).sent.splice(0);
  const heres = (): Here[] => said("poses").filter((message) => message.type === "HERE");
  const sight = (more: Partial<Sight>): void =>
    server.say({ type: "SIGHT", interval: 1, lead: 255, lastSeq: 0, tick: 100, serverMs: 5_000, records: [], ...more });
  return { talk, server, said, heres, sight, placed, move: (to: Partial<Pose>) => (pose = { ...pose, ...to }) };
}

describe("where we are", () => {
  it("is said 20 times a second while we move, for 0.4 s after, and then once a second", async () => {
    const visit = await inside();
    await pass(1_000);
    visit.heres();
    for (let i = 1; i <= 20; i += 1) {
      visit.move({ x: i * 0.1 });
      await pass(50);
    }
    expect(visit.heres().map(({ pose }) => pose.x)).toEqual(Array.from({ length: 20 }, (_, i) => (i + 1) * 100));
    await pass(450);
    expect(visit.heres()).toHaveLength(8);
    for (let i = 0; i < 3; i += 1) {
      visit.sight({ tick: 200 + i }); // or the path would count as lost
      await pass(1_000);
    }
    const still = visit.heres();
    expect(still.length).toBeGreaterThanOrEqual(2);
    expect(still.length).toBeLessThanOrEqual(4);
    visit.talk.close();
  });

  it("is stamped with the server's clock at the frame that was drawn last", async () => {
    const visit = await inside();
    await pass(500);
    visit.heres();
    visit.move({ x: 1 });
    await pass(50);
    const [here] = visit.heres();
    expect(here?.at).toBeGreaterThanOrEqual(5_500);
    expect(here?.at).toBeLessThanOrEqual(5_550);
    visit.talk.close();
  });

  it("is said as rarely as the server asks", async () => {
    const visit = await inside();
    visit.sight({ interval: 4 });
    await pass(200);
    visit.heres();
    for (let i = 0; i < 40; i += 1) {
      visit.move({ x: i * 0.1 });
      await pass(50);
    }
    expect(visit.heres()).toHaveLength(10);
    visit.talk.close();
  });

  it("is said so that it arrives 8 ms before the server's tick", async () => {
    const visit = await inside();
    const tickAt = 37; // ms after each multiple of 50 since WELCOME
    const leads: number[] = [];
    for (let i = 1; i <= 40; i += 1) {
      visit.move({ x: i * 0.1 });
      await pass(50);
      for (const { at, seq } of visit.heres()) {
        const lead = (((tickAt - (at - 5_000)) % 50) + 50) % 50;
        leads.push(lead);
        visit.sight({ tick: 100 + i, lead, lastSeq: seq });
      }
    }
    expect(leads[0]).toBe(37);
    expect(leads.slice(-10)).toEqual(Array.from({ length: 10 }, () => 8));
    visit.talk.close();
  });
});

describe("a jump", () => {
  it("is asked for when we are suddenly elsewhere, and counted in what we say from then on", async () => {
    const visit = await inside();
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
    visit.talk.close();
  });

  it("that the server takes back puts us where it says, and is obeyed in what we say", async () => {
    const visit = await inside();
    await pass(200);
    const pose = toWire({ ...ORIGIN, x: -40, yaw: 1 });
    visit.server.say({ type: "CORRECT", corrections: 3, pose });
    expect(visit.placed.map(({ x }) => x)).toEqual([-40]);
    visit.said("events");
    visit.heres();
    await pass(1_100);
    expect(visit.said("events").filter(({ type }) => type === "JUMP")).toEqual([]);
    expect(visit.heres().at(-1)).toMatchObject({ corrections: 3, jumps: 0, pose: { x: -40_000 } });
    visit.talk.close();
  });
});
