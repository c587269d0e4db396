/** A world server of two hands for the keeper's tests: one answers calls, the other speaks over fake connections. */
import { afterEach, beforeEach, expect, vi } from "vitest";
import type { MatrixClient } from "../matrix/client";
import { ServerClock } from "../netcode/clock";
import { decodeClient, encode } from "../netcode/codec";
import type { ChannelName, ClientMessage, ServerMessage } from "../netcode/messages";
import { Peers } from "../netcode/peers";
import { ORIGIN } from "../netcode/pose";
import type { ToDevice } from "./call";
import { Keeper } from "./keeper";
import type { Ending } from "./endings";

export class FakeChannel extends EventTarget {
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

export class FakeConnection extends EventTarget {
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

export class FakeSocket extends EventTarget {
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

export const WELCOME: ServerMessage = { type: "WELCOME", version: 1, peer: 7, tick: 100, tickRate: 20, serverMs: 5_000, capacity: 100, name: "Ada" };
export const PONG: ServerMessage = { type: "PONG", clientMs: 0, tick: 1, serverMs: 1 };
export const SDP = "v=0\r\na=fingerprint:sha-256 AA:BB\r\n";
const SOCKET = { path: "/net", key: "k1" };
const TICKET = { value: "t1", url: "/api/session/resume", expires_in_ms: 3_600_000 };
export const goodbye = (code: number): ServerMessage => ({ type: "GOODBYE", code, reason: "" });
export const newest = (): FakeConnection => {
  const connection = FakeConnection.all.at(-1);
  if (!connection) throw new Error("nobody called");
  return connection;
};

/** Lets `ms` pass, timers and promises both. */
export const pass = (ms = 0): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

export function house() {
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
      relays: [],
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

export const resumes: string[] = [];
let gate: () => Promise<Response>;
/** What the gate answers to tickets from now on. */
export function setGate(answers: () => Promise<Response>): void {
  gate = answers;
}

beforeEach(() => {
  vi.useFakeTimers();
  FakeConnection.all = [];
  FakeConnection.udp = true;
  FakeSocket.all = [];
  resumes.length = 0;
  setGate(() => Promise.reject(new TypeError("away")));
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

export const resumed =
  (value: string, sdp = "v=0\r\na=fingerprint:sha-256 CC:DD\r\n") =>
  (): Promise<Response> =>
    Promise.resolve(new Response(JSON.stringify({ answer: { type: "answer", sdp }, ticket: { ...TICKET, value }, websocket: SOCKET })));
export const refused = (status: number) => (): Promise<Response> => Promise.resolve(new Response("{}", { status }));

export async function inside() {
  const visit = house();
  await pass();
  newest().welcome();
  expect(visit.told).toContain("welcomed");
  return visit;
}

/** Lets time pass while the server speaks twice a second on what `speaks` gives. */
export async function alive(ms: number, speaks: () => { say(message: ServerMessage): void }): Promise<void> {
  for (let passed = 0; passed < ms; passed += 500) {
    speaks().say(PONG);
    await pass(500);
  }
}
export const lines = (visit: { told: string[] }, start: string): string[] => visit.told.filter((line) => line.startsWith(start));
export const socket = (): FakeSocket => {
  const one = FakeSocket.all.at(-1);
  if (!one) throw new Error("no WebSocket was opened");
  return one;
};
