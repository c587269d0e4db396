/** What was downloaded once is there again, whole or not at all; the oldest make room; no cache is no trouble. */
import { beforeEach, describe, expect, it } from "vitest";

import { KeptParts } from "./kept";
import { FakeCache } from "./kept.testing";

const MOST = 100;

async function file(text: string) {
  const bytes = new TextEncoder().encode(text);
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const sha256 = Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return { sha256, bytes: bytes.byteLength, content: bytes.buffer };
}

let cache: FakeCache;
let kept: KeptParts;
beforeEach(() => {
  cache = new FakeCache();
  kept = new KeptParts(() => Promise.resolve(cache), MOST);
});

describe("parts that were had before", () => {
  it("are there again by what they hold, and nothing else is", async () => {
    const [a, b] = [await file("a"), await file("b")];
    await kept.keep(a, a.content);
    expect(await kept.get(a)).toEqual(a.content);
    expect(await kept.get(b)).toBeNull();
    expect([...cache.entries.keys()]).toEqual([`https://example.org/parts/${a.sha256}?bytes=1`]);
  });

  it("are thrown away when they have been tampered with", async () => {
    const a = await file("a");
    await kept.keep(a, a.content);
    for (const key of cache.entries.keys()) cache.entries.set(key, new Uint8Array([0x62]));
    expect(await kept.get(a)).toBeNull();
    expect(cache.entries.size).toBe(0);
  });

  it("make room for newer ones, the oldest first, also when several come at once", async () => {
    const files = await Promise.all(["a", "b", "c", "d"].map((letter) => file(letter.repeat(40))));
    await Promise.all(files.map((one) => kept.keep(one, one.content)));
    const there = await Promise.all(files.map((one) => kept.get(one)));
    expect(there.map((bytes) => bytes !== null)).toEqual([false, false, true, true]);
  });

  it("are not pushed out by one that is larger than all the room", async () => {
    const [a, huge] = [await file("a"), await file("h".repeat(MOST + 1))];
    await kept.keep(a, a.content);
    await kept.keep(huge, huge.content);
    expect([await kept.get(huge), await kept.get(a)]).toEqual([null, a.content]);
  });

  it("are nowhere, quietly, where the browser has no cache or it fails", async () => {
    const a = await file("a");
    const without = new KeptParts(); // as on node, and on pages without https
    await without.keep(a, a.content);
    expect(await without.get(a)).toBeNull();
    cache.broken = new DOMException("no room", "QuotaExceededError");
    await kept.keep(a, a.content);
    expect(await kept.get(a)).toBeNull();
    cache.broken = null;
    await kept.keep(a, a.content);
    expect(await kept.get(a)).toEqual(a.content);
  });
});
