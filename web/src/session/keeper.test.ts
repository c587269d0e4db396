/** The keeper: how a visitor comes in, comes back, and goes. */
import { describe, expect, it, vi } from "vitest";
import { FakeConnection } from "./fakes.testing";
import { goodbye, house, inside, newest, pass, refused, resumed, resumes, setGate } from "./keeper.testing";

describe("the way in", () => {
  it("is a call by Matrix, then HELLO with the pose, then where we are and a ping a second", async () => {
    const visit = await inside();
    const events = newest().channel("events").sent;
    expect(events[0]).toMatchObject({ type: "HELLO", newest: 2, oldest: 2, avatar: "ada", pose: { x: 3_000 } });
    for (let i = 0; i < 6; i += 1) {
      newest().say({ type: "PONG", clientMs: 0, tick: 1, serverMs: 1 });
      await pass(1_000);
    }
    expect(events.filter(({ type }) => type === "PING").length).toBeGreaterThanOrEqual(6);
    const told = newest().channel("poses").sent; // standing still: 0.4 s at 20 Hz, then one a second
    expect(told.length).toBeGreaterThanOrEqual(12);
    expect(told.length).toBeLessThanOrEqual(18);
    expect(told[0]).toMatchObject({ type: "HERE", seq: 1, jumps: 0, corrections: 0, pose: { x: 3_000 } });
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
    setGate(resumed("t2"));
    const before = visit.invites.length;
    newest().say(goodbye(8));
    await pass(1_000);
    expect(JSON.parse(resumes[0] ?? "{}")).toMatchObject({ ticket: "t1", session: "tab1", offer: { type: "offer" } });
    setGate(resumed("t3"));
    newest().welcome();
    newest().say(goodbye(8));
    await pass(3_000);
    expect(JSON.parse(resumes[1] ?? "{}")).toMatchObject({ ticket: "t2" });
    expect(visit.invites.length).toBe(before);
    visit.stop.abort(new Error("over"));
  });

  it("waits for a gate that is away, and keeps the ticket for it", async () => {
    const visit = await inside();
    setGate(() => Promise.reject(new TypeError("away")));
    newest().say(goodbye(8));
    await pass(10_000);
    expect(resumes.length).toBeGreaterThan(2);
    expect(resumes.length).toBeLessThan(12);
    setGate(refused(503));
    await pass(5_000);
    setGate(resumed("t2"));
    for (let waited = 0; waited < 5_000 && newest().channel("events").sent.length === 0; waited += 100) await pass(100);
    newest().welcome();
    expect(visit.told.filter((line) => line === "welcomed")).toHaveLength(2);
    expect(new Set(resumes.map((body) => (JSON.parse(body) as { ticket: string }).ticket))).toContain("t1");
    visit.stop.abort(new Error("over"));
  });

  it("leads through Matrix when the ticket is spent", async () => {
    const visit = await inside();
    setGate(refused(401));
    newest().say(goodbye(9));
    await pass(2_000);
    newest().welcome();
    expect(resumes).toHaveLength(1);
    expect(visit.told.filter((line) => line === "welcomed")).toHaveLength(2);
    visit.stop.abort(new Error("over"));
  });

  it("is closed to those who are no longer joined", async () => {
    const visit = await inside();
    setGate(refused(403));
    newest().say(goodbye(8));
    await pass(2_000);
    expect(visit.result.ending?.code).toBe("kicked");
    expect(FakeConnection.all.every((one) => one.connectionState === "closed")).toBe(true);
  });

  it("a new guest calls anew by Matrix, without the old one's ticket", async () => {
    const visit = await inside();
    setGate(resumed("t2"));
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
    setGate(resumed("t2"));
    for (let i = 0; i < 30; i += 1) newest().channel("events").dispatchEvent(new MessageEvent("message", { data: new Uint8Array([0xff, i]).buffer }));
    await pass(2_000);
    expect(visit.told).toContain("lost: too many malformed frames");
    expect(FakeConnection.all.length).toBeGreaterThan(1);
    visit.stop.abort(new Error("over"));
  });
});
