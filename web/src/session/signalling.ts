/**
 * The call to the world server, as Matrix to-device content (MSC3401, version "1").
 *
 * Rule: pure. An answer counts only if it comes from the user whom the room's state names and is meant for this
 * tab's session and call; its ticket leads to our own origin only.
 */
import type { Identity } from "../matrix/client";
import { integer, recordOr, text, type Json } from "../matrix/json";
import type { WorldServer } from "../matrix/world_state";

export const INVITE = "m.call.invite";
export const ANSWER = "m.call.answer";
export const HANGUP = "m.call.hangup";

/** How long an invite is worth answering, in ms. */
export const INVITE_LIFETIME_MS = 10_000;
/** The largest SDP that is taken, in characters. */
const LARGEST_SDP = 20_000;

/** A ticket: single use, renewed with each answer; never in a URL. */
export interface Ticket {
  readonly value: string;
  readonly path: string;
  /** By performance.now(). */
  readonly expiresAt: number;
}

/** Where else the session of an answer may come in, once and soon. */
export interface SocketKey {
  readonly path: string;
  readonly key: string;
}

/** What an answer brings. */
export interface Answer {
  readonly sdp: string;
  readonly ticket: Ticket | null;
  readonly socket: SocketKey | null;
}

export interface CallIds {
  readonly roomId: string;
  readonly callId: string;
  /** Fresh per tab. */
  readonly session: string;
}

export function invite(ids: CallIds, self: Identity, seq: number, sdp: string): Json {
  return {
    call_id: ids.callId,
    party_id: ids.session,
    version: "1",
    conf_id: ids.roomId,
    device_id: self.deviceId,
    sender_session_id: ids.session,
    dest_session_id: "",
    seq,
    lifetime: INVITE_LIFETIME_MS,
    offer: { type: "offer", sdp },
  };
}

export type Reply =
  | ({ readonly kind: "answer" } & Answer)
  | { readonly kind: "refused"; readonly reason: string; readonly retryAfterMs: number };

/** Reads a to-device message; undefined when it is not a reply to this call from this world's server. */
export function readReply(
  message: { readonly type: string; readonly sender: string; readonly content: Json },
  server: WorldServer,
  ids: CallIds,
  now: number,
): Reply | undefined {
  const { content } = message;
  if (message.sender !== server.userId) return undefined;
  if (content["dest_session_id"] !== ids.session || content["call_id"] !== ids.callId) return undefined;
  if (content["conf_id"] !== ids.roomId) return undefined;
  if (message.type === HANGUP) {
    const retryAfterMs = integer(content["retry_after_ms"], 0, 600_000) ?? 0;
    return { kind: "refused", reason: text(content["reason"], 255) ?? "", retryAfterMs };
  }
  if (message.type !== ANSWER) return undefined;
  const sdp = readAnswer(content["answer"]);
  if (sdp === undefined) return undefined;
  return { kind: "answer", sdp, ticket: readTicket(content["org.roomscale.ticket"], now), socket: readSocketKey(content["org.roomscale.websocket"]) };
}

/** The SDP of `{type: "answer", sdp}`. */
export function readAnswer(value: unknown): string | undefined {
  const answer = recordOr(value);
  return answer["type"] === "answer" ? text(answer["sdp"], LARGEST_SDP) : undefined;
}

export function readTicket(value: unknown, now: number): Ticket | null {
  const ticket = recordOr(value);
  const secret = text(ticket["value"], 1_000);
  const path = text(ticket["url"], 1_000);
  const life = integer(ticket["expires_in_ms"], 0, 30 * 24 * 3_600_000);
  if (secret === undefined || secret === "" || path === undefined || life === undefined) return null;
  return /^\/api\/[\w/-]+$/.test(path) ? { value: secret, path, expiresAt: now + life } : null;
}

export function readSocketKey(value: unknown): SocketKey | null {
  const socket = recordOr(value);
  const path = text(socket["path"], 200);
  const key = text(socket["key"], 100);
  if (path === undefined || key === undefined) return null;
  return /^(?:\/[\w-]+)+$/.test(path) && /^[\w-]+$/.test(key) ? { path, key } : null;
}
