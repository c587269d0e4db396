import { describe, expect, it } from "vitest";
import { GOODBYE } from "../netcode/messages";
import { goodbyeEnding, refusalEnding } from "./endings";
import { next, type Phase, type Step } from "./machine";
import { ANSWER, HANGUP, invite, readReply, readSocketKey, readTicket } from "./signalling";

const PHASES: Phase[] = ["title", "joining", "loading", "calling", "inside", "reconnecting", "ended"];
const STEPS: Step[] = ["enter", "joined", "loaded", "welcomed", "lost", "restart", "end"];
const walk = (...steps: Step[]): Phase | null => steps.reduce<Phase | null>((phase, step) => phase && next(phase, step), "title");

describe("the phases of a visit", () => {
  it("lead inside, and back inside after a loss", () => {
    expect(walk("enter", "joined", "loaded", "welcomed")).toBe("inside");
    expect(walk("enter", "joined", "loaded", "welcomed", "lost")).toBe("reconnecting");
    expect(walk("enter", "joined", "loaded", "welcomed", "lost", "lost", "welcomed")).toBe("inside");
  });

  it("a call that finds nobody keeps calling; a new guest joins anew, or stays where they stand", () => {
    expect(walk("enter", "joined", "loaded", "lost")).toBe("calling");
    expect(walk("enter", "joined", "restart")).toBe("joining");
    expect(walk("enter", "joined", "loaded", "welcomed", "restart")).toBe("inside");
  });

  it("can end from everywhere but the end, and from there one may enter again", () => {
    for (const phase of PHASES) expect(next(phase, "end")).toBe(phase === "ended" ? null : "ended");
    expect(next("ended", "enter")).toBe("joining");
  });

  it("nothing but WELCOME leads inside, and late steps mean nothing", () => {
    for (const phase of PHASES) {
      for (const step of STEPS) {
        if (next(phase, step) === "inside") expect(step === "welcomed" || phase === "inside").toBe(true);
      }
    }
    expect(next("title", "welcomed")).toBeNull();
    expect(next("ended", "lost")).toBeNull();
    expect(next("inside", "joined")).toBeNull();
  });
});

describe("endings", () => {
  it("each GOODBYE has a page or a way back", () => {
    const back = Object.entries(GOODBYE).filter(([, code]) => goodbyeEnding(code, "") === null);
    expect(back.map(([name]) => name)).toEqual(["serverStopping", "silent"]);
    const codes = Object.values(GOODBYE).flatMap((code) => goodbyeEnding(code, "")?.code ?? []);
    expect(new Set(codes).size).toBe(codes.length);
    expect(goodbyeEnding(200, "")?.code).toBe("left");
  });

  it("a moderator's reason is shown, cleaned and capped", () => {
    const ending = goodbyeEnding(GOODBYE.kicked, "\u202ebe nice\u0000" + "x".repeat(1_000));
    expect(ending?.text.startsWith("be nice")).toBe(true);
    expect(ending?.text.length).toBeLessThanOrEqual(301);
    expect(goodbyeEnding(GOODBYE.kicked, "  ")?.text).not.toBe("");
  });

  it("a refusal that passes is no ending", () => {
    for (const reason of ["busy", "bad_offer", "homeserver_away", "not_joined", "something"]) {
      expect(refusalEnding(`org.roomscale.${reason}`)).toBeNull();
    }
    expect(refusalEnding("org.roomscale.banned")?.code).toBe("banned");
    expect(refusalEnding("org.roomscale.full")?.againAfterS).toBeGreaterThan(0);
  });
});

describe("replies to a call", () => {
  const server = { userId: "@roomscale:h", deviceId: "ROOMSCALE" };
  const ids = { roomId: "!r:h", callId: "call1", session: "tab1" };
  const content = {
    call_id: "call1",
    conf_id: "!r:h",
    dest_session_id: "tab1",
    answer: { type: "answer", sdp: "v=0" },
    "org.roomscale.ticket": { value: "t", url: "/api/session/resume", expires_in_ms: 1_000 },
  };
  const read = (more: object = {}, type = ANSWER, sender = server.userId) => readReply({ type, sender, content: { ...content, ...more } }, server, ids, 50);

  it("an answer with its ticket, and the key of another way in", () => {
    const answer = { kind: "answer", sdp: "v=0", ticket: { value: "t", path: "/api/session/resume", expiresAt: 1_050 } };
    expect(read()).toEqual({ ...answer, socket: null });
    expect(read({ "org.roomscale.websocket": { path: "/net", key: "k_-9" } })).toEqual({ ...answer, socket: { path: "/net", key: "k_-9" } });
  });

  it.each([
    { path: "//evil.example/net", key: "k" },
    { path: "https://evil.example/net", key: "k" },
    { path: "/net?key=1", key: "k" },
    { path: "/net/", key: "k" },
    { path: "@evil.example", key: "k" },
    { path: ":80@evil.example/", key: "k" },
    { path: "/net", key: "" },
    { path: "/net", key: "k k" },
    { path: "/net" },
    "/net",
    null,
  ])("a WebSocket leads to this origin only, with a plain key: %j", (value) => {
    expect(readSocketKey(value)).toBeNull();
  });

  it.each([
    ["from anybody else", {}, ANSWER, "@eve:h"],
    ["for another tab", { dest_session_id: "tab2" }, ANSWER, server.userId],
    ["for another call", { call_id: "call0" }, ANSWER, server.userId],
    ["for another room", { conf_id: "!x:h" }, ANSWER, server.userId],
    ["of another type", {}, "m.call.candidates", server.userId],
    ["with no SDP", { answer: { type: "answer" } }, ANSWER, server.userId],
    ["with an offer", { answer: { type: "offer", sdp: "v=0" } }, ANSWER, server.userId],
    ["with an endless SDP", { answer: { type: "answer", sdp: "v".repeat(50_000) } }, ANSWER, server.userId],
  ])("%s: not ours", (_name, more, type, sender) => expect(read(more, type, sender)).toBeUndefined());

  it("a refusal says why and when", () => {
    expect(read({ reason: "org.roomscale.busy", retry_after_ms: 700 }, HANGUP)).toEqual({ kind: "refused", reason: "org.roomscale.busy", retryAfterMs: 700 });
    expect(read({ reason: 5, retry_after_ms: 1.5 }, HANGUP)).toEqual({ kind: "refused", reason: "", retryAfterMs: 0 });
  });

  it.each(["https://evil.example/x", "//evil.example/x", "/w/../api", "api/x", 7, "/api/x?y=1"])("a ticket leads to this origin's API only: %j", (url) => {
    expect(readTicket({ value: "t", url, expires_in_ms: 1 }, 0)).toBeNull();
  });

  it("the invite names room, session and device, and holds no token", () => {
    const sent = invite(ids, { userId: "@me:h", deviceId: "D", token: "secret" }, 3, "v=0");
    expect(sent).toMatchObject({ conf_id: "!r:h", device_id: "D", sender_session_id: "tab1", dest_session_id: "", seq: 3, version: "1" });
    expect(JSON.stringify(sent)).not.toContain("secret");
  });
});
