import { describe, expect, it } from "vitest";
import { readRelays, Relays } from "./relays";

const ANSWER = { username: "u", password: "p", uris: ["turn:turn.test:3478?transport=udp", "turns:[2001:db8::1]:5349?transport=tcp"], ttl: 86_400 };

describe("the homeserver's TURN servers", () => {
  it("are read with their credentials and life", () => {
    expect(readRelays(ANSWER)).toEqual({ servers: [{ urls: ANSWER.uris, username: "u", credential: "p" }], lifeMs: 86_400_000 });
  });

  it.each([
    {},
    { ...ANSWER, uris: [] },
    { ...ANSWER, uris: "turn:turn.test" },
    { ...ANSWER, uris: ["stun:turn.test", "https://turn.test", "turn:a b", "turn://x", 7] },
    { ...ANSWER, username: 7 },
    { ...ANSWER, password: undefined },
  ])("are none in %j", (answer) => expect(readRelays(answer).servers).toEqual([]));

  it("are few, however many are named", () => {
    const uris = Array.from({ length: 100 }, (_, i) => `turn:turn${i}.test`);
    expect(readRelays({ ...ANSWER, uris }).servers[0]?.urls).toHaveLength(4);
  });

  it("are asked for once, in the background, and again before they run out; a failure is none", async () => {
    let asked = 0;
    let answer: () => Promise<typeof ANSWER> = () => Promise.resolve(ANSWER);
    const relays = new Relays(() => {
      asked += 1;
      return answer();
    });
    expect(relays.servers(0)).toEqual([]);
    await Promise.resolve().then(() => undefined);
    await Promise.resolve();
    expect(relays.servers(1_000)).toHaveLength(1);
    expect(relays.servers(80_000_000)).toHaveLength(1);
    expect(asked).toBe(1);
    answer = () => Promise.reject(new Error("away"));
    relays.servers(86_000_000);
    await new Promise((resolve) => setTimeout(resolve));
    expect(asked).toBe(2);
    expect(relays.servers(86_000_001)).toEqual([]);
  });
});
