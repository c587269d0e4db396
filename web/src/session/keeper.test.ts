/** The keeper against a world server of two hands: one answers calls, the other speaks the protocol over fake channels. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { MatrixClient } from "../matrix/client";
import { ServerClock } from "../netcode/clock";
import { decodeClient, encode } from "../netcode/codec";
import type { ChannelName, ClientMessage, ServerMessage } from "../netcode/messages";
import { Peers } from "../netcode/peers";
import { ORIGIN } from "../netcode/pose";
import type { ToDevice } from "./call";
import { Keeper } from "./keeper";
import type { Ending } from "./endings";

class FakeChannel extends EventTarget {
  readyState = "connecting";
  bufferedAmount = 0;
  binaryType = "";
  readonly sent: ClientMessage[] = [];
  constructor(readonly label: ChannelName) {
    super();
  }
  send(bytes: Uint8Array): void {
    this.sent.push(decodeClient(this.label, bytes));
  }
}

class FakeConnection extends EventTarget {
  static all: FakeConnection[] = [];
  readonly channels = new Map<string, FakeChannel>();
  connectionState = "new";
  localDescription: { sdp: string } | null = null;
  constructor() {
    super();
    FakeConnection.all.push(this);
  }
  createDataChannel(label: ChannelName): FakeChannel {
    const channel = new FakeChannel(label);
    this.channels.set(label, channel);
    return channel;
  }
  setLocalDescription(): Promise<void> {
    this.localDescription = { sdp: `v=0 offer ${FakeConnection.all.length}` };
    return Promise.resolve();
  }
  setRemoteDescription({ sdp }: { sdp: string }): Promise<void> {
    if (sdp === "nonsense") return Promise.reject(new Error("no SDP"));
    for (const channel of this.channels.values()) channel.readyState = "open";
    for (const channel of this.channels.values()) channel.dispatchEvent(new Event("open"));
    return Promise.resolve();
  }
  close(): void {
    this.connectionState = "closed";
  }
  channel(name: ChannelName): FakeChannel {
    const channel = this.channels.get(name);
    if (!channel) throw new Error(`no channel ${name}`);
    return channel;
  }
  say(message: ServerMessage): void {
    const name = message.type === "SIGHT" ? "poses" : "events";
    this.channel(name).dispatchEvent(new MessageEvent("message", { data: encode(message).buffer }));
  }
  welcome(): void {
    this.say({ type: "WELCOME", version: 2, peer: 7, tick: 100, tickRate: 20, serverMs: 5_000, capacity: 100, name: "Ada" });
  }
}

const TICKET = { value: "t1", url: "/api/session/resume", expires_in_ms: 3_600_000 };
const goodbye = (code: number): ServerMessage => ({ type: "GOODBYE", code, reason: "" });
const newest = (): FakeConnection => {
  const connection = FakeConnection.all.at(-1);
  if (!connection) throw new Error("nobody called");
  return connection;
};

/** Lets `ms` pass, timers and promises both. */
const pass = (ms = 0): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

function house() {
  const invites: Record<string, unknown>[] = [];
  const told: string[] = [];
  let listener: (message: ToDevice) => void = () => undefined;
  let answering = true;
  const reply = (type: string, more: object, sender = "@roomscale:h"): void => {
    const asked = invites.at(-1) ?? {};
    const common = { call_id: asked["call_id"], conf_id: "!r:h", dest_session_id: asked["sender_session_id"] };
    listener({ type, sender, content: { ...common, ...more } });
  };
  const toDevice = (_type: string, _user: string, _device: string, content: Record<string, unknown>): Promise<void> => {
    invites.push(content);
    if (answering) queueMicrotask(() => reply("m.call.answer", { answer: { type: "answer", sdp: "v=0" }, "org.roomscale.ticket": TICKET }));
    return Promise.resolve();
  };
  const stop = new AbortController();
  const keeper = new Keeper(
    () => ({
      client: { toDevice } as unknown as MatrixClient,
      self: { userId: "@me:h", deviceId: "D", token: "secret" },
      server: { userId: "@roomscale:h", deviceId: "ROOMSCALE" },
      roomId: "!r:h",
      session: "tab1",
      listen: (heard) => {
        listener = heard;
        return () => (listener = () => undefined);
      },
    }),
    { pose: () => ({ ...ORIGIN, x: 3 }), at: () => performance.now(), place: () => undefined, avatar: "ada", client: "test" },
    new Peers(),
    new ServerClock(),
    {
      welcomed: () => told.push("welcomed"),
      roster: () => told.push("roster"),
      notice: () => told.push("notice"),
      lost: (why) => told.push(`lost: ${why}`),
      waiting: (waiting) => waiting && told.push(`waiting: ${waiting.why}`),
      rejoin: () => {
        told.push("rejoin");
        return Promise.resolve();
      },
    },
  );
  const result: { ending?: Ending; error?: unknown } = {};
  keeper.run(stop.signal).then(
    (ending) => (result.ending = ending),
    (error: unknown) => (result.error = error),
  );
  return { invites, told, reply, keeper, stop, result, answer: (on: boolean) => (answering = on) };
}

const resumes: string[] = [];
let gate: () => Promise<Response> = () => Promise.reject(new TypeError("away"));

beforeEach(() => {
  vi.useFakeTimers();
  FakeConnection.all = [];
  resumes.length = 0;
  vi.stubGlobal("RTCPeerConnection", FakeConnection);
  vi.stubGlobal("fetch", (_url: string, init: RequestInit) => {
    resumes.push(String(init.body));
    return gate();
  });
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const resumed = (value: string) => (): Promise<Response> =>
  Promise.resolve(new Response(JSON.stringify({ answer: { type: "answer", sdp: "v=0" }, ticket: { ...TICKET, value } })));
const refused = (status: number) => (): Promise<Response> => Promise.resolve(new Response("{}", { status }));

async function inside() {
  const visit = house();
  await pass();
  newest().welcome();
  expect(visit.told).toContain("welcomed");
  return visit;
}

describe("the way in", () => {
  it("is a call by Matrix, then HELLO with the pose, then where we are and a ping a second", async () => {
    const visit = await inside();
    const events = newest().channel("events").sent;
    expect(events[0]).toMatchObject({ type: "HELLO", newest: 2, oldest: 2, avatar: "ada", pose: { x: 3_000 } });
    for (let i = 0; i < 6; i += 1) {
      newest().say({ type: "PONG", clientMs: 0, tick: 1, serverMs: 1 });
      await pass(1_000);
    }
    expect(events.filter(({ type }) => type === "PING").length).toBeGreaterThanOrEqual(6);
    const told = newest().channel("poses").sent; // standing still: 0.4 s at 20 Hz, then one a second
    expect(told.length).toBeGreaterThanOrEqual(12);
    expect(told.length).toBeLessThanOrEqual(18);
    expect(told[0]).toMatchObject({ type: "HERE", seq: 1, jumps: 0, corrections: 0, pose: { x: 3_000 } });
    visit.stop.abort(new Error("over"));
  });

  it("repeats its invite each 4 s with a growing number, and takes no stranger's answer", async () => {
    const visit = house();
    visit.answer(false);
    await pass();
    const call = newest();
    const answer = { answer: { type: "answer", sdp: "v=0" } };
    visit.reply("m.call.answer", answer, "@eve:h");
    await pass(4_100);
    const [first, second] = visit.invites;
    expect(second).toMatchObject({ call_id: first?.["call_id"], offer: first?.["offer"], dest_session_id: "" });
    expect(Number(second?.["seq"])).toBeGreaterThan(Number(first?.["seq"]));
    expect(call.channel("events").sent).toEqual([]);
    visit.reply("m.call.answer", answer);
    await pass();
    expect(call.channel("events").sent).toHaveLength(1);
    visit.stop.abort(new Error("over"));
  });

  it("calls anew when nobody answers while the invite lives", async () => {
    const visit = house();
    visit.answer(false);
    await pass(14_000);
    expect(new Set(visit.invites.map((invite) => invite["call_id"])).size).toBe(2);
    expect(FakeConnection.all).toHaveLength(2);
    expect(FakeConnection.all[0]?.connectionState).toBe("closed");
    visit.stop.abort(new Error("over"));
  });

  it("joins again when the server says that we are not in the room", async () => {
    const visit = house();
    visit.answer(false);
    await vi.advanceTimersByTimeAsync(0);
    visit.reply("m.call.hangup", { reason: "org.roomscale.not_joined" });
    visit.answer(true);
    await pass(2_000);
    newest().welcome();
    expect(visit.told.filter((line) => line === "rejoin" || line === "welcomed")).toEqual(["rejoin", "welcomed"]);
    visit.stop.abort(new Error("over"));
  });
});

describe("the way back", () => {
  it("leads through the gate with the ticket, once, and the next time with the next ticket", async () => {
    const visit = await inside();
    gate = resumed("t2");
    await pass(6_000); // settled; but silent for three seconds: lost, and called again at once
    expect(visit.told.some((line) => line.startsWith("lost"))).toBe(true);
    expect(JSON.parse(resumes[0] ?? "{}")).toMatchObject({ ticket: "t1", session: "tab1", offer: { type: "offer" } });
    const before = visit.invites.length;
    newest().welcome();
    newest().say(goodbye(8));
    await pass(3_000);
    expect(JSON.parse(resumes[1] ?? "{}")).toMatchObject({ ticket: "t2" });
    expect(visit.invites.length).toBe(before);
    visit.stop.abort(new Error("over"));
  });

  it("waits for a gate that is away, and keeps the ticket for it", async () => {
    const visit = await inside();
    gate = () => Promise.reject(new TypeError("away"));
    newest().say(goodbye(8));
    await pass(10_000);
    expect(resumes.length).toBeGreaterThan(2);
    expect(resumes.length).toBeLessThan(12);
    gate = refused(503);
    await pass(5_000);
    gate = resumed("t2");
    for (let waited = 0; waited < 5_000 && newest().channel("events").sent.length === 0; waited += 100) await pass(100);
    newest().welcome();
    expect(visit.told.filter((line) => line === "welcomed")).toHaveLength(2);
    expect(new Set(resumes.map((body) => (JSON.parse(body) as { ticket: string }).ticket))).toContain("t1");
    visit.stop.abort(new Error("over"));
  });

  it("leads through Matrix when the ticket is spent", async () => {
    const visit = await inside();
    gate = refused(401);
    newest().say(goodbye(9));
    await pass(2_000);
    newest().welcome();
    expect(resumes).toHaveLength(1);
    expect(visit.told.filter((line) => line === "welcomed")).toHaveLength(2);
    visit.stop.abort(new Error("over"));
  });

  it("is closed to those who are no longer joined", async () => {
    const visit = await inside();
    gate = refused(403);
    newest().say(goodbye(8));
    await pass(2_000);
    expect(visit.result.ending?.code).toBe("kicked");
    expect(FakeConnection.all.every((one) => one.connectionState === "closed")).toBe(true);
  });

  it("a new guest calls anew by Matrix, without the old one's ticket", async () => {
    const visit = await inside();
    gate = resumed("t2");
    const calls = visit.invites.length;
    visit.keeper.renew();
    await pass(3_000);
    newest().welcome();
    expect(resumes).toEqual([]);
    expect(visit.invites.length).toBeGreaterThan(calls);
    expect(visit.told.filter((line) => line === "welcomed")).toHaveLength(2);
    visit.stop.abort(new Error("over"));
  });
});

describe("the end", () => {
  it.each([
    [2, "kicked"],
    [3, "banned"],
    [4, "full"],
    [5, "replaced"],
    [7, "version"],
  ])("GOODBYE %i is %s, and nothing goes on", async (code, expected) => {
    const visit = await inside();
    newest().say(goodbye(code));
    await pass(20_000);
    expect(visit.result.ending?.code).toBe(expected);
    expect(FakeConnection.all).toHaveLength(1);
    expect(newest().connectionState).toBe("closed");
    expect(vi.getTimerCount()).toBe(0);
  });

  it("leaving closes everything and leaves no timer behind", async () => {
    const visit = await inside();
    visit.stop.abort(new Error("over"));
    await pass();
    expect(newest().connectionState).toBe("closed");
    expect(visit.result.error).toEqual(new Error("over"));
    await pass(10_000);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("an answer that is no SDP, or endless nonsense on the channels, is only a loss", async () => {
    const visit = await inside();
    gate = resumed("t2");
    for (let i = 0; i < 30; i += 1) newest().channel("events").dispatchEvent(new MessageEvent("message", { data: new Uint8Array([0xff, i]).buffer }));
    await pass(2_000);
    expect(visit.told).toContain("lost: too many malformed frames");
    expect(FakeConnection.all.length).toBeGreaterThan(1);
    visit.stop.abort(new Error("over"));
  });
});
