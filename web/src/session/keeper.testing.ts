/** A world server of two hands for the keeper's tests: one answers calls, the other speaks over fake connections. */
import { afterEach, beforeEach, expect, vi } from "vitest";
import type { MatrixClient } from "../matrix/client";
import { ServerClock } from "../netcode/clock";
import type { ServerMessage } from "../netcode/messages";
import { Peers } from "../netcode/peers";
import { ORIGIN } from "../netcode/pose";
import type { ToDevice } from "./call";
import { FakeConnection, FakeSocket, PONG } from "./fakes.testing";
import { Keeper } from "./keeper";
import type { Ending } from "./endings";

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
    { pose: () => ({ ...ORIGIN, x: 3 }), at: () => performance.now(), place: () => undefined, avatar: "ada", client: "test" },
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
