/**
 * The chat: the room's messages, who wrote them, and ours on their way.
 *
 * Rule: one message at a time is on its way, in the order they were written; a failure is shown, tried again by
 * itself when it passes by itself, and by a click otherwise. The same transaction id makes a repeat harmless.
 */
import { transactionId, type MatrixClient, type RawEvent } from "../matrix/client";
import { MatrixError } from "../matrix/errors";
import { cleanName, recordOr, text } from "../matrix/json";
import type { SyncBatch } from "../matrix/sync";
import { applyEvent, markSent, sending, type ChatMessage } from "../matrix/timeline";
import { persist } from "./persist";
import type { Store } from "./state";

/** Longest message that one can write, in characters. */
export const LONGEST_MESSAGE = 2_000;
/** Names remembered of people who wrote. */
const MOST_NAMES = 500;

interface Outgoing {
  readonly txn: string;
  readonly body: string;
  readonly kind: "text" | "emote";
}

export class Chat {
  private readonly queue: Outgoing[] = [];
  private working = false;

  constructor(
    private readonly store: Store,
    private readonly room: () => { client: MatrixClient; roomId: string; userId: string },
    private readonly signal: AbortSignal,
  ) {}

  /** A batch of the sync: names first, then messages. */
  take(batch: SyncBatch): void {
    this.takeNames([...batch.state, ...batch.timeline]);
    const before = this.store.get();
    const messages = batch.timeline.reduce(applyEvent, before.chat);
    if (messages === before.chat) return;
    const added = messages.filter((one) => one.sender !== before.selfUserId && !before.chat.some((old) => old.id === one.id));
    const unseen = batch.first || before.panel === "chat" ? 0 : added.length;
    this.store.set({ chat: messages, unread: before.unread + unseen });
  }

  private takeNames(events: readonly RawEvent[]): void {
    const members = events.filter((event) => event.type === "m.room.member" && event.stateKey?.startsWith("@"));
    if (members.length === 0) return;
    const names = new Map(this.store.get().names);
    for (const { stateKey, content, unsigned } of members) {
      // Who has left has no name any more; their words stay under the one that they had.
      const before = recordOr(unsigned["prev_content"])["displayname"];
      const name = cleanName(text(content["displayname"], 10_000) ?? text(before, 10_000) ?? "");
      if (stateKey !== undefined && name !== "") names.set(stateKey, name);
    }
    this.store.set({ names: new Map([...names].slice(-MOST_NAMES)) });
  }

  /** Sends what was typed; `/me …` is an emote. */
  say(typed: string): void {
    const trimmed = typed.trim().slice(0, LONGEST_MESSAGE);
    const emote = /^\/me\s+(\S[\s\S]*)$/.exec(trimmed)?.[1];
    const body = emote ?? trimmed;
    if (body === "") return;
    const outgoing: Outgoing = { txn: transactionId(), body, kind: emote === undefined ? "text" : "emote" };
    const message = sending(this.room().userId, body, outgoing.kind, outgoing.txn, Date.now());
    this.store.set({ chat: [...this.store.get().chat, message] });
    this.queue.push(outgoing);
    void this.work();
  }

  /** Tries a failed message again. */
  retry(message: ChatMessage): void {
    if (message.txn === null || message.state !== "failed" || message.kind === "other" || message.kind === "notice") return;
    this.mark(message.txn, "sending");
    this.queue.push({ txn: message.txn, body: message.body, kind: message.kind });
    void this.work();
  }

  private mark(txn: string, state: ChatMessage["state"], eventId?: string): void {
    this.store.set({ chat: markSent(this.store.get().chat, txn, state, eventId) });
  }

  private async work(): Promise<void> {
    if (this.working) return;
    this.working = true;
    try {
      for (let next = this.queue.shift(); next && !this.signal.aborted; next = this.queue.shift()) await this.send(next);
    } finally {
      this.working = false;
    }
  }

  private async send({ txn, body, kind }: Outgoing): Promise<void> {
    const content = { msgtype: kind === "emote" ? "m.emote" : "m.text", body };
    try {
      const eventId = await persist(
        () => {
          const { client, roomId } = this.room();
          return client.send(roomId, "m.room.message", txn, content, this.signal);
        },
        () => undefined, // "sending…" is shown beside the message itself
        this.signal,
      );
      this.mark(txn, "sent", eventId);
    } catch (error) {
      if (this.signal.aborted) return;
      this.mark(txn, "failed");
      const why = error instanceof MatrixError ? error.message : "something went wrong";
      this.store.note(`a message was not sent: ${why}`);
    }
  }
}

/** The name to show for a chat's sender: as in the world, else as in the room, else the local part of the id. */
export function senderName(userId: string, people: readonly { userId: string; name: string }[], names: ReadonlyMap<string, string>): string {
  const here = people.find((person) => person.userId === userId)?.name;
  return here ?? names.get(userId) ?? cleanName(/^@([^:]*)/.exec(userId)?.[1] ?? userId) ?? userId;
}
