/**
 * The room's messages as a chat: a reducer over raw events.
 *
 * Rule: pure, bounded, and text only. Whatever another client sends becomes a line that can be shown, or nothing;
 * edits count only from the message's own sender.
 */
import type { RawEvent } from "./client";
import { cleanBody, cleanName, recordOr, text, type Json } from "./json";

export interface ChatMessage {
  /** The event id; for a message on its way, its transaction id. */
  readonly id: string;
  readonly sender: string;
  /** Milliseconds since 1970, by the sender's homeserver (or our clock while on its way). */
  readonly timestamp: number;
  readonly kind: "text" | "emote" | "notice" | "other";
  readonly body: string;
  readonly edited: boolean;
  readonly state: "sent" | "sending" | "failed";
  readonly txn: string | null;
}

/** Messages kept; older ones scroll away. */
export const MOST_MESSAGES = 200;

const DESCRIPTIONS: Readonly<Record<string, string>> = {
  "m.image": "sent a picture",
  "m.file": "sent a file",
  "m.audio": "sent a sound",
  "m.video": "sent a video",
  "m.location": "sent a place",
};

/** The timeline after one more event; the same array when the event says nothing new. */
export function applyEvent(messages: readonly ChatMessage[], event: RawEvent): readonly ChatMessage[] {
  if (event.type === "m.room.redaction") {
    const target = event.redacts ?? text(event.content["redacts"], 255);
    return messages.some((one) => one.id === target) ? messages.filter((one) => one.id !== target) : messages;
  }
  const edit = editOf(event);
  if (edit) return applyEdit(messages, event, edit);
  const message = readMessage(event);
  if (!message || messages.some((one) => one.id === message.id)) return messages;
  const echo = message.txn === null ? -1 : messages.findIndex((one) => one.txn === message.txn && one.state !== "sent");
  if (echo >= 0) return messages.with(echo, message);
  return [...messages, message].slice(-MOST_MESSAGES);
}

/** A message of our own, shown while it is on its way. */
export function sending(sender: string, body: string, kind: "text" | "emote", txn: string, now: number): ChatMessage {
  return { id: txn, sender, timestamp: now, kind, body: cleanBody(body), edited: false, state: "sending", txn };
}

/** The timeline after our message `txn` arrived as `eventId`, failed, or is tried again. */
export function markSent(
  messages: readonly ChatMessage[],
  txn: string,
  state: ChatMessage["state"],
  eventId?: string,
): readonly ChatMessage[] {
  const index = messages.findIndex((one) => one.txn === txn && one.state !== "sent");
  const message = messages[index];
  if (!message) return messages; // its echo came first
  if (eventId !== undefined && messages.some((one) => one.id === eventId)) return messages.filter((_, at) => at !== index);
  return messages.with(index, { ...message, state, id: eventId ?? message.id });
}

function readMessage(event: RawEvent): ChatMessage | undefined {
  const redacted = event.unsigned["redacted_because"] !== undefined;
  if (event.eventId === "" || event.stateKey !== undefined || redacted) return undefined;
  const said = describe(event);
  if (!said || said.body === "") return undefined;
  return {
    id: event.eventId,
    sender: event.sender,
    timestamp: event.timestamp,
    ...said,
    edited: false,
    state: "sent",
    txn: text(event.unsigned["transaction_id"], 255) ?? null,
  };
}

function describe(event: RawEvent): Pick<ChatMessage, "kind" | "body"> | undefined {
  if (event.type === "m.sticker") return { kind: "other", body: named("sent a sticker", event.content) };
  if (event.type === "m.room.encrypted") return { kind: "other", body: "sent an encrypted message, which this client cannot read" };
  if (event.type !== "m.room.message") return undefined;
  const kind = text(event.content["msgtype"], 255);
  if (kind === undefined) return undefined; // redacted, or not a message
  const body = messageBody(event.content);
  if (kind === "m.text") return { kind: "text", body };
  if (kind === "m.emote") return { kind: "emote", body };
  if (kind === "m.notice") return { kind: "notice", body };
  return { kind: "other", body: named(DESCRIPTIONS[kind] ?? "sent something that is not text", event.content) };
}

function named(what: string, content: Json): string {
  const name = cleanName(text(content["filename"], 10_000) ?? text(content["body"], 10_000) ?? "", 60);
  return name === "" ? what : `${what}: ${name}`;
}

function messageBody(content: Json): string {
  const body = cleanBody(text(content["body"], 70_000) ?? "");
  const reply = recordOr(recordOr(content["m.relates_to"])["m.in_reply_to"])["event_id"] !== undefined;
  return reply ? withoutFallback(body) : body;
}

/** A reply repeats what it answers as "> " lines (removed from the specification in v1.13, still sent by many). */
function withoutFallback(body: string): string {
  if (!body.startsWith("> ")) return body;
  const lines = body.split("\n");
  const start = lines.findIndex((line) => !line.startsWith(">"));
  return start < 0 ? body : lines.slice(start).join("\n").trim();
}

function editOf(event: RawEvent): { target: string; content: Json } | undefined {
  const relation = recordOr(event.content["m.relates_to"]);
  const target = text(relation["event_id"], 255);
  if (event.type !== "m.room.message" || relation["rel_type"] !== "m.replace" || target === undefined) return undefined;
  return { target, content: recordOr(event.content["m.new_content"]) };
}

function applyEdit(
  messages: readonly ChatMessage[],
  event: RawEvent,
  edit: { target: string; content: Json },
): readonly ChatMessage[] {
  const index = messages.findIndex((one) => one.id === edit.target && one.sender === event.sender);
  const message = messages[index];
  const said = describe({ ...event, content: edit.content });
  if (!message || !said || said.body === "") return messages;
  return messages.with(index, { ...message, ...said, edited: true });
}
