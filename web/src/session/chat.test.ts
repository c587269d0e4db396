import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { rawEvent, type MatrixClient, type RawEvent } from "../matrix/client";
import { HomeserverAway, MatrixError, RateLimited } from "../matrix/errors";
import type { SyncBatch } from "../matrix/sync";
import { Chat, senderName } from "./chat";
import { backoff } from "./persist";
import { Store } from "./state";

const batch = (timeline: unknown[], more: Partial<SyncBatch> = {}): SyncBatch => ({
  first: false,
  holdsRoom: true,
  state: [],
  timeline: timeline.map((event) => rawEvent(event)).filter((event): event is RawEvent => event !== undefined),
  toDevice: [],
  left: false,
  ...more,
});
const message = (id: string, body: string, sender = "@bo:h"): unknown => ({ type: "m.room.message", event_id: id, sender, content: { msgtype: "m.text", body } });

function room(send: (txn: string, body: string) => Promise<string>) {
  const store = new Store();
  store.set({ selfUserId: "@me:h" });
  const sent: [string, string, string][] = [];
  const client = {
    send: (_room: string, _type: string, txn: string, content: { msgtype: string; body: string }) => {
      sent.push([txn, content.msgtype, content.body]);
      return send(txn, content.body);
    },
  } as unknown as MatrixClient;
  const chat = new Chat(store, () => ({ client, roomId: "!r:h", userId: "@me:h" }), new AbortController().signal);
  const shown = (): string[] => store.get().chat.map(({ body, state }) => `${body}: ${state}`);
  return { store, chat, sent, shown };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("what one says", () => {
  it("is shown at once, sent in order, and /me is an emote", async () => {
    const { chat, sent, shown } = room((txn) => Promise.resolve(`$${txn}`));
    chat.say("one");
    chat.say("  /me waves ");
    chat.say("   ");
    expect(shown()).toEqual(["one: sending", "waves: sending"]);
    await vi.runAllTimersAsync();
    expect(shown()).toEqual(["one: sent", "waves: sent"]);
    expect(sent.map(([, type, body]) => `${type} ${body}`)).toEqual(["m.text one", "m.emote waves"]);
  });

  it("waits while the homeserver is away or busy, with the same transaction, and loses nothing", async () => {
    const failures: Error[] = [new HomeserverAway("down"), new RateLimited(5_000), new HomeserverAway("down")];
    const { chat, sent, shown } = room(() => {
      const failure = failures.shift();
      return failure ? Promise.reject(failure) : Promise.resolve(`$${Math.random()}`);
    });
    chat.say("one");
    chat.say("two");
    await vi.advanceTimersByTimeAsync(100);
    expect(shown()).toEqual(["one: sending", "two: sending"]);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(shown()).toEqual(["one: sent", "two: sent"]);
    expect(sent.map(([, , body]) => body)).toEqual(["one", "one", "one", "one", "two"]);
    expect(new Set(sent.map(([txn]) => txn)).size).toBe(2);
  });

  it("is marked when it is refused, the next goes out all the same, and it can be sent again", async () => {
    let allowed = false;
    const { chat, store, shown } = room((txn, body) =>
      body === "bad" && !allowed ? Promise.reject(new MatrixError(403, "M_FORBIDDEN", "no")) : Promise.resolve(`$${txn}`),
    );
    chat.say("bad");
    chat.say("good");
    await vi.runAllTimersAsync();
    expect(shown()).toEqual(["bad: failed", "good: sent"]);
    allowed = true;
    const [bad, good] = store.get().chat;
    if (bad) chat.retry(bad);
    if (good) chat.retry(good); // sent already: nothing happens
    await vi.runAllTimersAsync();
    expect(shown()).toEqual(["bad: sent", "good: sent"]);
  });
});

describe("what others say", () => {
  it("is counted as unread while the chat is closed, but not the history", () => {
    const { chat, store } = room(() => Promise.resolve("$x"));
    chat.take(batch([message("$1", "old")], { first: true }));
    expect(store.get().unread).toBe(0);
    chat.take(batch([message("$2", "new"), message("$3", "mine", "@me:h"), message("$2", "new")]));
    expect(store.get().unread).toBe(1);
    store.set({ panel: "chat", unread: 0 });
    chat.take(batch([message("$4", "read")]));
    expect(store.get().unread).toBe(0);
    expect(store.get().chat).toHaveLength(4);
  });

  it("bears the name as in the world, else as in the room, else from the id, never a turned one", () => {
    const { chat, store } = room(() => Promise.resolve("$x"));
    const member = rawEvent({ type: "m.room.member", state_key: "@bo:h", sender: "@bo:h", content: { displayname: "\u202eBo", membership: "join" } });
    chat.take(batch([], { state: member ? [member] : [] }));
    const gone = rawEvent({
      type: "m.room.member",
      state_key: "@al:h",
      sender: "@al:h",
      content: { membership: "leave" },
      unsigned: { prev_content: { displayname: "Al" } },
    });
    chat.take(batch([], { state: gone ? [gone] : [] }));
    const { names } = store.get();
    expect(senderName("@al:h", [], names)).toBe("Al");
    expect(senderName("@bo:h", [], names)).toBe("Bo");
    expect(senderName("@bo:h", [{ userId: "@bo:h", name: "Bo (2)" }], names)).toBe("Bo (2)");
    expect(senderName("@eve\u202e:h", [], names)).toBe("eve");
  });
});

describe("pauses", () => {
  it("grow, are bounded, and differ from tab to tab", () => {
    expect(backoff(0, () => 0.5)).toBe(400);
    expect(backoff(3, () => 0.5)).toBe(3_200);
    expect(backoff(1_000, () => 1)).toBe(6_250);
    expect(backoff(2, () => 0)).not.toBe(backoff(2, () => 1));
  });
});
