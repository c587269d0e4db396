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
  remoteDescription: { sdp: string } | null = null;
  restarts = 0;
  /** Whether packets get through. */
  static udp = true;
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
    this.localDescription = { sdp: `v=0 offer ${FakeConnection.all.indexOf(this)}.${this.restarts}` };
    return Promise.resolve();
  }
  restartIce(): void {
    this.restarts += 1;
  }
  setRemoteDescription({ sdp }: { sdp: string }): Promise<void> {
    if (sdp === "nonsense") return Promise.reject(new Error("no SDP"));
    const again = this.remoteDescription !== null;
    this.remoteDescription = { sdp };
    if (again || !FakeConnection.udp) return Promise.resolve();
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
    const name = message.type === "SNAPSHOT" ? "poses" : "events";
    this.channel(name).dispatchEvent(new MessageEvent("message", { data: encode(message).buffer }));
  }
  welcome(): void {
    this.say(WELCOME);
  }
}

class FakeSocket extends EventTarget {
  static readonly OPEN = 1;
  static all: FakeSocket[] = [];
  readyState = 0;
  bufferedAmount = 0;
  binaryType = "";
  readonly sent: Uint8Array[] = [];
  constructor(readonly url: string) {
    super();
    FakeSocket.all.push(this);
  }
  send(bytes: Uint8Array): void {
    this.sent.push(bytes);
  }
  close(): void {
    this.readyState = 3;
  }
  /** The server takes the key. */
  open(): void {
    this.readyState = FakeSocket.OPEN;
    this.dispatchEvent(new Event("open"));
    this.come([3]);
  }
  come(bytes: readonly number[] | Uint8Array): void {
    this.dispatchEvent(new MessageEvent("message", { data: new Uint8Array(bytes).buffer }));
  }
  say(message: ServerMessage): void {
    this.come([message.type === "SNAPSHOT" ? 1 : 0, ...encode(message)]);
  }
  frames(): ClientMessage[] {
    const frames = this.sent.filter((bytes) => (bytes[0] ?? 9) < 2);
    return frames.map((bytes) => decodeClient(bytes[0] === 0 ? "events" : "poses", bytes.subarray(1)));
  }
  receipts(): number[] {
    const receipts = this.sent.filter((bytes) => bytes[0] === 2);
    return receipts.map((bytes) => new DataView(bytes.buffer).getUint32(1, true));
  }
}

const WELCOME: ServerMessage = { type: "WELCOME", version: 1, peer: 7, tick: 100, tickRate: 20, serverMs: 5_000, capacity: 100, name: "Ada" };
const PONG: ServerMessage = { type: "PONG", clientMs: 0, tick: 1, serverMs: 1 };
const SDP = "v=0\r\na=fingerprint:sha-256 AA:BB\r\n";
const SOCKET = { path: "/net", key: "k1" };
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
    if (answering)
      queueMicrotask(() =>
        reply("m.call.answer", { answer: { type: "answer", sdp: SDP }, "org.roomscale.ticket": TICKET, "org.roomscale.websocket": SOCKET }),
      );
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
    { pose: () => ({ ...ORIGIN, x: 3 }), avatar: "ada", client: "test" },
    new Peers(),
    new ServerClock(),
    {
      welcomed: () => told.push("welcomed"),
      roster: () => told.push("roster"),
      notice: () => told.push("notice"),
      lost: (why) => told.push(`lost: ${why}`),
      note: (line) => told.push(line),
      path: (kind) => told.push(`by ${kind}`),
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
  FakeConnection.udp = true;
  FakeSocket.all = [];
  resumes.length = 0;
  vi.stubGlobal("RTCPeerConnection", FakeConnection);
  vi.stubGlobal("WebSocket", FakeSocket);
  vi.stubGlobal("location", { origin: "https://gate.test" });
  vi.stubGlobal("fetch", (_url: string, init: RequestInit) => {
    resumes.push(String(init.body));
    return gate();
  });
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const resumed =
  (value: string, sdp = "v=0\r\na=fingerprint:sha-256 CC:DD\r\n") =>
  (): Promise<Response> =>
    Promise.resolve(new Response(JSON.stringify({ answer: { type: "answer", sdp }, ticket: { ...TICKET, value }, websocket: SOCKET })));
const refused = (status: number) => (): Promise<Response> => Promise.resolve(new Response("{}", { status }));

async function inside() {
  const visit = house();
  await pass();
  newest().welcome();
  expect(visit.told).toContain("welcomed");
  return visit;
}

describe("the way in", () => {
  it("is a call by Matrix, then HELLO with the pose, then poses at 20 Hz and a ping a second", async () => {
    const visit = await inside();
    const events = newest().channel("events").sent;
    expect(events[0]).toMatchObject({ type: "HELLO", newest: 1, oldest: 1, avatar: "ada", pose: { x: 3_000 } });
    for (let i = 0; i < 6; i += 1) {
      newest().say({ type: "PONG", clientMs: 0, tick: 1, serverMs: 1 });
      await pass(1_000);
    }
    expect(events.filter(({ type }) => type === "PING").length).toBeGreaterThanOrEqual(6);
    expect(newest().channel("poses").sent.length).toBeGreaterThanOrEqual(20); // standing still: four a second
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
    const before = visit.invites.length;
    newest().say(goodbye(8));
    await pass(1_000);
    expect(JSON.parse(resumes[0] ?? "{}")).toMatchObject({ ticket: "t1", session: "tab1", offer: { type: "offer" } });
    gate = resumed("t3");
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

/** Lets time pass while the server speaks twice a second on what `speaks` gives. */
async function alive(ms: number, speaks: () => { say(message: ServerMessage): void }): Promise<void> {
  for (let passed = 0; passed < ms; passed += 500) {
    speaks().say(PONG);
    await pass(500);
  }
}
const lines = (visit: { told: string[] }, start: string): string[] => visit.told.filter((line) => line.startsWith(start));
const socket = (): FakeSocket => {
  const one = FakeSocket.all.at(-1);
  if (!one) throw new Error("no WebSocket was opened");
  return one;
};

describe("a path that falls silent", () => {
  it("is probed, then restarted by ticket on the same connection, and nobody notices", async () => {
    const visit = await inside();
    await alive(2_000, newest);
    gate = resumed("t2", SDP);
    const said = newest().channel("events").sent.length;
    await pass(1_500);
    expect(newest().channel("events").sent.slice(said).map(({ type }) => type)).toContain("PING");
    expect(lines(visit, "path:")).toEqual(["path: restart"]);
    expect(JSON.parse(resumes[0] ?? "{}")).toMatchObject({ ticket: "t1", offer: { sdp: "v=0 offer 0.1" } });
    await alive(20_000, newest);
    expect(FakeConnection.all).toHaveLength(1);
    expect(newest().channel("events").sent.filter(({ type }) => type === "HELLO")).toHaveLength(1);
    expect(lines(visit, "lost")).toEqual([]);
    visit.stop.abort(new Error("over"));
  });

  it("is left for a new one when the server made another connection of the restart, and from then on at once", async () => {
    const visit = await inside();
    gate = resumed("t2");
    await pass(2_000);
    expect(lines(visit, "path:")).toEqual(["path: restart", "path: seek"]);
    expect(resumes.map((body) => (JSON.parse(body) as { ticket: string }).ticket)).toEqual(["t1", "t2"]);
    expect(FakeConnection.all).toHaveLength(2);
    expect(FakeConnection.all[0]?.connectionState).toBe("closed");
    newest().welcome();
    await alive(2_000, newest);
    await pass(1_600);
    expect(lines(visit, "path:").slice(2)).toEqual(["path: seek"]);
    expect(lines(visit, "lost")).toEqual([]);
    visit.stop.abort(new Error("over"));
  });

  it("is told to be lost after three seconds, while the search that is under way goes on", async () => {
    const visit = await inside();
    gate = resumed("t2");
    FakeConnection.udp = false;
    await pass(4_000);
    expect(lines(visit, "lost")).toEqual(["lost: no packet for three seconds"]);
    expect(visit.keeper.conversation?.transport.kind).toBe("webrtc");
    await pass(1_000);
    socket().open();
    await pass();
    socket().say(WELCOME);
    expect(visit.told.slice(-2)).toEqual(["by websocket", "welcomed"]);
    expect(FakeConnection.all).toHaveLength(2);
    visit.stop.abort(new Error("over"));
  });

  it("is not looked for by a stranger's key, nor where an answer brings none", async () => {
    gate = () => Promise.resolve(new Response(JSON.stringify({ answer: { type: "answer", sdp: SDP }, websocket: { path: "//evil.test/x", key: "k" } })));
    const visit = await inside();
    FakeConnection.udp = false;
    newest().say(goodbye(8));
    await pass(8_000);
    expect(FakeSocket.all).toEqual([]);
    visit.stop.abort(new Error("over"));
  });
});

describe("where UDP is blocked", () => {
  async function blocked() {
    FakeConnection.udp = false;
    const visit = house();
    await pass(2_900);
    expect(FakeSocket.all).toHaveLength(0);
    await pass(300);
    socket().open();
    await pass();
    return visit;
  }

  it("a WebSocket is tried after three seconds, shows its key, and carries HELLO once it is good", async () => {
    const visit = await blocked();
    expect(socket().url).toBe("wss://gate.test/net");
    expect(socket().sent[0]).toEqual(new Uint8Array([3, ...new TextEncoder().encode("k1")]));
    expect(socket().frames().map(({ type }) => type)).toEqual(["HELLO"]);
    expect(newest().connectionState).toBe("closed");
    socket().say(WELCOME);
    expect(visit.told.slice(-2)).toEqual(["by websocket", "welcomed"]);
    await alive(3_000, socket);
    expect(socket().frames().filter(({ type }) => type === "POSE").length).toBeGreaterThan(5);
    visit.stop.abort(new Error("over"));
  });

  it("what came is acknowledged, soon and not one by one", async () => {
    const visit = await blocked();
    socket().say(WELCOME);
    expect(socket().receipts()).toEqual([1]);
    for (let i = 0; i < 5; i += 1) socket().say(PONG);
    await pass(60);
    expect(socket().receipts()).toEqual([1, 6]);
    visit.stop.abort(new Error("over"));
    expect(socket().sent.at(-1)).toEqual(new Uint8Array([4])); // it leaves
  });

  it("poses do not pile up behind a slow network, and events do", async () => {
    const visit = await blocked();
    socket().say(WELCOME);
    socket().bufferedAmount = 1_000;
    const before = socket().frames().filter(({ type }) => type === "POSE").length;
    await alive(1_000, socket);
    expect(socket().frames().filter(({ type }) => type === "POSE").length).toBe(before);
    expect(socket().frames().filter(({ type }) => type === "PING").length).toBeGreaterThan(0);
    visit.stop.abort(new Error("over"));
  });

  it("WebRTC is tried again each half minute by ticket, and taken when it works, unnoticed", async () => {
    const visit = await blocked();
    socket().say(WELCOME);
    gate = resumed("t2");
    await alive(31_000, socket);
    expect(resumes).toHaveLength(1);
    await alive(11_000, socket);
    expect(FakeConnection.all.at(-1)?.connectionState).toBe("closed"); // did not open
    gate = resumed("t3");
    FakeConnection.udp = true;
    await alive(31_000, socket);
    expect(newest().channel("events").sent[0]).toMatchObject({ type: "HELLO" });
    newest().welcome();
    expect(visit.told.slice(-2)).toEqual(["by webrtc", "welcomed"]);
    expect(socket().readyState).toBe(3);
    expect(socket().sent.at(-1)?.[0]).not.toBe(4); // moved, not left
    expect(FakeSocket.all).toHaveLength(1);
    expect(lines(visit, "lost")).toEqual([]);
    visit.stop.abort(new Error("over"));
  });

  it("one who comes back does not wait three seconds again", async () => {
    const visit = await blocked();
    socket().say(WELCOME);
    gate = resumed("t2");
    await alive(6_000, socket);
    socket().dispatchEvent(Object.assign(new Event("close"), { code: 1006 }));
    await pass(600);
    expect(FakeSocket.all).toHaveLength(2);
    visit.stop.abort(new Error("over"));
    await pass(20_000);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("a WebSocket that speaks another language is closed", async () => {
    FakeConnection.udp = false;
    const visit = house();
    await pass(3_200);
    socket().readyState = FakeSocket.OPEN;
    socket().come([7]);
    expect(socket().readyState).toBe(3);
    await pass(7_000);
    expect(lines(visit, "lost")).toEqual(["lost: no path opened in time"]);
    visit.stop.abort(new Error("over"));
  });
});
