import { describe, expect, it } from "vitest";
import { rawEvent, type RawEvent } from "./client";
import { applyEvent, markSent, MOST_MESSAGES, sending, type ChatMessage } from "./timeline";

let ids = 0;
function event(content: unknown, more: object = {}): RawEvent {
  ids += 1;
  const raw = { type: "m.room.message", sender: "@ada:h", event_id: `$${ids}`, origin_server_ts: ids, content, ...more };
  const read = rawEvent(raw);
  if (!read) throw new Error("not an event");
  return read;
}
const said = (body: unknown, msgtype: unknown = "m.text"): RawEvent => event({ msgtype, body });
const chat = (...events: RawEvent[]): readonly ChatMessage[] => events.reduce<readonly ChatMessage[]>(applyEvent, []);
const bodies = (messages: readonly ChatMessage[]): string[] => messages.map((message) => message.body);

describe("messages of other clients", () => {
  it("text, emotes and notices are text; others are told in words", () => {
    const messages = chat(
      said("hi"), said("waves", "m.emote"), said("beep", "m.notice"), said("cat.png", "m.image"), said("x", "org.example.poll"),
      event({ body: "hello" }, { type: "m.sticker" }), event({ algorithm: "a" }, { type: "m.room.encrypted" }),
    );
    expect(messages.map(({ kind }) => kind)).toEqual(["text", "emote", "notice", "other", "other", "other", "other"]);
    expect(bodies(messages)[3]).toBe("sent a picture: cat.png");
    expect(bodies(messages)[6]).toContain("encrypted");
  });

  it("what is no message is nothing: no body, wrong types, state, redacted, other event types", () => {
    const nothing = chat(
      said(""), said(7), said("x", 3), event({}), event([]),
      event({ msgtype: "m.text", body: "x" }, { state_key: "" }),
      event({ msgtype: "m.text", body: "x" }, { unsigned: { redacted_because: {} } }),
      event({ msgtype: "m.text", body: "x" }, { event_id: undefined }),
      event({}, { type: "m.reaction" }),
    );
    expect(nothing).toEqual([]);
  });

  it("control and direction characters go, line breaks stay, the longest is cut", () => {
    expect(bodies(chat(said("a\u202eb\nc\u0000")))).toEqual(["ab\nc"]);
    expect(bodies(chat(said("x".repeat(60_000))))[0]?.length).toBeLessThan(4_100);
  });

  it("a reply does not repeat what it answers", () => {
    const reply = event({ msgtype: "m.text", body: "> <@b:h> old\n> more\n\nnew", "m.relates_to": { "m.in_reply_to": { event_id: "$x" } } });
    expect(bodies(chat(reply))).toEqual(["new"]);
    expect(bodies(chat(said("> quoted by hand")))).toEqual(["> quoted by hand"]);
  });

  it("the same event twice is one message, and only the last of many are kept", () => {
    const once = said("hi");
    expect(chat(once, once)).toHaveLength(1);
    expect(chat(...Array.from({ length: 300 }, (_, n) => said(`n${n}`)))).toHaveLength(MOST_MESSAGES);
  });
});

describe("edits and redactions", () => {
  const edit = (target: string, body: unknown, sender = "@ada:h"): RawEvent =>
    event({ msgtype: "m.text", body: "* x", "m.new_content": { msgtype: "m.text", body }, "m.relates_to": { rel_type: "m.replace", event_id: target } }, { sender });

  it("an edit of one's own replaces the text; anybody else's is ignored, as is one with no text", () => {
    const first = said("teh");
    expect(chat(first, edit(first.eventId, "the"))).toMatchObject([{ body: "the", edited: true }]);
    expect(bodies(chat(first, edit(first.eventId, "evil", "@eve:h")))).toEqual(["teh"]);
    expect(bodies(chat(first, edit(first.eventId, 9)))).toEqual(["teh"]);
    expect(chat(edit("$unknown", "x"))).toEqual([]);
  });

  it("a redaction takes the message away, in the old form and in the new", () => {
    const [a, b] = [said("a"), said("b")];
    const old = event({}, { type: "m.room.redaction", redacts: a.eventId });
    const now = event({ redacts: b.eventId }, { type: "m.room.redaction" });
    expect(chat(a, b, old, now)).toEqual([]);
  });
});

describe("our own messages", () => {
  const own = sending("@me:h", "hello", "text", "txn1", 5);
  const echo = (): RawEvent => event({ msgtype: "m.text", body: "hello" }, { sender: "@me:h", event_id: "$real", unsigned: { transaction_id: "txn1" } });

  it("are one message, whether the answer or the echo comes first", () => {
    const answered = markSent([own], "txn1", "sent", "$real");
    expect(applyEvent(answered, echo())).toMatchObject([{ id: "$real", state: "sent" }]);
    const echoed = applyEvent([own], echo());
    expect(markSent(echoed, "txn1", "sent", "$real")).toMatchObject([{ id: "$real", state: "sent" }]);
  });

  it("without a transaction id in the echo it still becomes one", () => {
    const bare = { ...echo(), unsigned: {} };
    expect(markSent(applyEvent([own], bare), "txn1", "sent", "$real")).toHaveLength(1);
  });

  it("fail, and are sent again", () => {
    const failed = markSent([own], "txn1", "failed");
    expect(failed).toMatchObject([{ state: "failed", id: "txn1" }]);
    expect(markSent(markSent(failed, "txn1", "sending"), "txn1", "sent", "$r")).toMatchObject([{ state: "sent", id: "$r" }]);
  });
});
