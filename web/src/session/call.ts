/**
 * Getting an answer to an offer: through the gate with a ticket, or through Matrix.
 *
 * Rule: one function per way in, each ends in an answer, a refusal or a named failure; which way is tried
 * when, and how often, is `keeper.ts`'s business.
 */
import type { MatrixClient, Identity } from "../matrix/client";
import { randomToken } from "../matrix/client";
import { recordOr } from "../matrix/json";
import type { WorldServer } from "../matrix/world_state";
import { pause } from "../matrix/sync";
import { INVITE, INVITE_LIFETIME_MS, invite, readAnswer, readReply, readSocketKey, readTicket, type Answer, type Reply, type Ticket } from "./signalling";

/** A fresh invite goes out this often until one is answered, in ms: to-device may be lost without a word. */
const REPEAT_MS = 4_000;
const RESUME_TIMEOUT_MS = 5_000;

export type ToDevice = { readonly type: string; readonly sender: string; readonly content: Readonly<Record<string, unknown>> };

/** What the call needs of the running sync: each to-device message, until the returned function is called. */
export type Listen = (listener: (message: ToDevice) => void) => () => void;

export interface Caller {
  readonly client: MatrixClient;
  readonly self: Identity;
  readonly server: WorldServer;
  readonly roomId: string;
  readonly session: string;
  readonly listen: Listen;
  /** TURN servers that may help. */
  readonly relays: readonly RTCIceServer[];
}

let seq = 0;

/** Calls by to-device; null when nobody answered within the invite's lifetime. Raises the client's errors. */
export async function callByMatrix(caller: Caller, sdp: string, signal: AbortSignal): Promise<Reply | null> {
  const ids = { roomId: caller.roomId, session: caller.session, callId: randomToken(16) };
  const done = new AbortController();
  const lifetime = setTimeout(() => done.abort(), INVITE_LIFETIME_MS);
  const until = AbortSignal.any([signal, done.signal]);
  let reply: Reply | null = null;
  const stop = caller.listen((message) => {
    const read = readReply(message, caller.server, ids, performance.now());
    if (!read || reply) return;
    reply = read;
    done.abort();
  });
  try {
    while (!until.aborted) {
      seq += 1;
      await caller.client.toDevice(INVITE, caller.server.userId, caller.server.deviceId, invite(ids, caller.self, seq, sdp), signal);
      await pause(REPEAT_MS, until);
    }
  } finally {
    clearTimeout(lifetime);
    stop();
  }
  signal.throwIfAborted();
  return reply;
}

export type Resumed =
  | ({ readonly kind: "answer" } & Answer)
  /** Used, expired or unknown: call by Matrix. */
  | { readonly kind: "spent" }
  /** No longer joined, or banned. */
  | { readonly kind: "forbidden"; readonly reason: string }
  /** The gate, the node or the network is away, or busy: the ticket is still good. */
  | { readonly kind: "later"; readonly retryAfterMs: number };

/** Comes back with a ticket, over HTTPS at our own origin. */
export async function callByTicket(ticket: Ticket, session: string, sdp: string, signal: AbortSignal): Promise<Resumed> {
  let response: Response;
  try {
    response = await fetch(ticket.path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      credentials: "omit",
      body: JSON.stringify({ ticket: ticket.value, session, offer: { type: "offer", sdp } }),
      signal: AbortSignal.any([signal, AbortSignal.timeout(RESUME_TIMEOUT_MS)]),
    });
  } catch {
    signal.throwIfAborted();
    return { kind: "later", retryAfterMs: 0 };
  }
  const body = recordOr(await response.json().catch(() => undefined));
  if (response.ok) {
    const answer = readAnswer(body["answer"]);
    if (answer === undefined) return { kind: "spent" };
    return { kind: "answer", sdp: answer, ticket: readTicket(body["ticket"], performance.now()), socket: readSocketKey(body["websocket"]) };
  }
  if (response.status === 403) {
    const reason = typeof body["error"] === "string" ? body["error"] : "";
    return { kind: "forbidden", reason };
  }
  if (response.status === 429 || response.status >= 500) {
    const wait = Number(response.headers.get("retry-after") ?? "0") * 1_000;
    return { kind: "later", retryAfterMs: Number.isFinite(wait) ? Math.min(Math.max(wait, 0), 30_000) : 0 };
  }
  return { kind: "spent" };
}
