/** Being connected: a path that falls silent, and a network that lets no UDP through. */
import { describe, expect, it, vi } from "vitest";
import { FakeConnection, FakeSocket, PONG, WELCOME } from "./fakes.testing";
import { SDP, alive, goodbye, house, inside, lines, newest, pass, resumed, resumes, setGate, socket } from "./keeper.testing";

describe("a path that falls silent", () => {
  it("is probed, then restarted by ticket on the same connection, and nobody notices", async () => {
    const visit = await inside();
    await alive(2_000, newest);
    setGate(resumed("t2", SDP));
    const said = newest().channel("events").sent.length;
    await pass(1_500);
    expect(newest().channel("events").sent.slice(said).map(({ type }) => type)).toContain("PING");
    expect(lines(visit, "path:")).toEqual(["path: restart"]);
    expect(JSON.parse(resumes[0] ?? "{}")).toMatchObject({ ticket: "t1", offer: { sdp: "v=0 offer 0.1" } });
    await alive(20_000, newest);
    expect(FakeConnection.all).toHaveLength(1);
    expect(newest().channel("events").sent.filter(({ type }) => type === "HELLO")).toHaveLength(1);
    expect(lines(visit, "lost")).toEqual([]);
    visit.stop.abort(new Error("over"));
  });

  it("is left for a new one when the server made another connection of the restart, and from then on at once", async () => {
    const visit = await inside();
    setGate(resumed("t2"));
    await pass(2_000);
    expect(lines(visit, "path:")).toEqual(["path: restart", "path: seek"]);
    expect(resumes.map((body) => (JSON.parse(body) as { ticket: string }).ticket)).toEqual(["t1", "t2"]);
    expect(FakeConnection.all).toHaveLength(2);
    expect(FakeConnection.all[0]?.connectionState).toBe("closed");
    newest().welcome();
    await alive(2_000, newest);
    await pass(1_600);
    expect(lines(visit, "path:").slice(2)).toEqual(["path: seek"]);
    expect(lines(visit, "lost")).toEqual([]);
    visit.stop.abort(new Error("over"));
  });

  it("is told to be lost after three seconds, while the search that is under way goes on", async () => {
    const visit = await inside();
    setGate(resumed("t2"));
    FakeConnection.udp = false;
    await pass(4_000);
    expect(lines(visit, "lost")).toEqual(["lost: no packet for three seconds"]);
    expect(visit.keeper.conversation?.transport.kind).toBe("webrtc");
    await pass(1_000);
    socket().open();
    await pass();
    socket().say(WELCOME);
    expect(visit.told.slice(-2)).toEqual(["by websocket", "welcomed"]);
    expect(FakeConnection.all).toHaveLength(2);
    visit.stop.abort(new Error("over"));
  });

  it("is not looked for by a stranger's key, nor where an answer brings none", async () => {
    setGate(() => Promise.resolve(new Response(JSON.stringify({ answer: { type: "answer", sdp: SDP }, websocket: { path: "//evil.test/x", key: "k" } }))));
    const visit = await inside();
    FakeConnection.udp = false;
    newest().say(goodbye(8));
    await pass(8_000);
    expect(FakeSocket.all).toEqual([]);
    visit.stop.abort(new Error("over"));
  });
});

describe("where UDP is blocked", () => {
  async function blocked() {
    FakeConnection.udp = false;
    const visit = house();
    await pass(2_900);
    expect(FakeSocket.all).toHaveLength(0);
    await pass(300);
    socket().open();
    await pass();
    return visit;
  }

  it("a WebSocket is tried after three seconds, shows its key, and carries HELLO once it is good", async () => {
    const visit = await blocked();
    expect(socket().url).toBe("wss://gate.test/net");
    expect(socket().sent[0]).toEqual(new Uint8Array([3, ...new TextEncoder().encode("k1")]));
    expect(socket().frames().map(({ type }) => type)).toEqual(["HELLO"]);
    expect(newest().connectionState).toBe("closed");
    socket().say(WELCOME);
    expect(visit.told.slice(-2)).toEqual(["by websocket", "welcomed"]);
    await alive(3_000, socket);
    expect(socket().frames().filter(({ type }) => type === "HERE").length).toBeGreaterThan(5);
    visit.stop.abort(new Error("over"));
  });

  it("what came is acknowledged, soon and not one by one", async () => {
    const visit = await blocked();
    socket().say(WELCOME);
    expect(socket().receipts()).toEqual([1]);
    for (let i = 0; i < 5; i += 1) socket().say(PONG);
    await pass(60);
    expect(socket().receipts()).toEqual([1, 6]);
    visit.stop.abort(new Error("over"));
    expect(socket().sent.at(-1)).toEqual(new Uint8Array([4])); // it leaves
  });

  it("poses do not pile up behind a slow network, and events do", async () => {
    const visit = await blocked();
    socket().say(WELCOME);
    socket().bufferedAmount = 1_000;
    const before = socket().frames().filter(({ type }) => type === "HERE").length;
    await alive(1_000, socket);
    expect(socket().frames().filter(({ type }) => type === "HERE").length).toBe(before);
    expect(socket().frames().filter(({ type }) => type === "PING").length).toBeGreaterThan(0);
    visit.stop.abort(new Error("over"));
  });

  it("WebRTC is tried again each half minute by ticket, and taken when it works, unnoticed", async () => {
    const visit = await blocked();
    socket().say(WELCOME);
    setGate(resumed("t2"));
    await alive(31_000, socket);
    expect(resumes).toHaveLength(1);
    await alive(11_000, socket);
    expect(FakeConnection.all.at(-1)?.connectionState).toBe("closed"); // did not open
    setGate(resumed("t3"));
    FakeConnection.udp = true;
    await alive(31_000, socket);
    expect(newest().channel("events").sent[0]).toMatchObject({ type: "HELLO" });
    newest().welcome();
    expect(visit.told.slice(-2)).toEqual(["by webrtc", "welcomed"]);
    expect(socket().readyState).toBe(3);
    expect(socket().sent.at(-1)?.[0]).not.toBe(4); // moved, not left
    expect(FakeSocket.all).toHaveLength(1);
    expect(lines(visit, "lost")).toEqual([]);
    visit.stop.abort(new Error("over"));
  });

  it("one who comes back does not wait three seconds again", async () => {
    const visit = await blocked();
    socket().say(WELCOME);
    setGate(resumed("t2"));
    await alive(6_000, socket);
    socket().dispatchEvent(Object.assign(new Event("close"), { code: 1006 }));
    await pass(600);
    expect(FakeSocket.all).toHaveLength(2);
    visit.stop.abort(new Error("over"));
    await pass(20_000);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("a WebSocket that speaks another language is closed", async () => {
    FakeConnection.udp = false;
    const visit = house();
    await pass(3_200);
    socket().readyState = FakeSocket.OPEN;
    socket().come([7]);
    expect(socket().readyState).toBe(3);
    await pass(7_000);
    expect(lines(visit, "lost")).toEqual(["lost: no path opened in time"]);
    visit.stop.abort(new Error("over"));
  });
});
