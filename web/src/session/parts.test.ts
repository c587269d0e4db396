/** Parts come a few at a time, the most urgent first; what fails comes later or never, and hurts nobody. */
import { beforeEach, describe, expect, it, vi } from "vitest";

import { HomeserverAway, MatrixError } from "../matrix/errors";
import type { MatrixHttp } from "../matrix/http";
import { parseMxc, type Mxc } from "../matrix/media";
import type { Arrived } from "../scene/package/sharpen";
import { PartUnusable } from "../scene/package/unusable";
import { KeptParts } from "./kept";
import { FakeCache } from "./kept.testing";
import { Parts } from "./parts";

const at = (id: string): Mxc => ({ server: "example.org", id });
const body = (name: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(`bytes of ${name}`);

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function part(name: string, pointer: string, more: object = {}): Promise<Record<string, unknown>> {
  const bytes = body(name);
  return { sha256: await sha256(bytes), bytes: bytes.byteLength, type: "image/webp", level: 1, for: [pointer], priority: 0, mxc: `mxc://example.org/${name}`, ...more };
}

function manifest(parts: unknown[], entry = "mxc://example.org/entry"): string {
  return JSON.stringify({ format: "org.roomscale.package", version: 1, entry: { sha256: "e".repeat(64), bytes: 1, type: "model/gltf-binary", mxc: entry }, parts });
}

/** A homeserver with media by their ids, and a world that takes parts. */
function scene(level = 2, pauses: readonly number[] = [1, 1], cache = new FakeCache()) {
  const media = new Map<string, Uint8Array<ArrayBuffer> | Error>();
  const asked: string[] = [];
  const notes: string[] = [];
  const shown: string[] = [];
  const use = vi.fn((_stage: number, arrived: Arrived): Promise<void> => {
    shown.push(parseMxc(arrived.part.mxc)?.id ?? "");
    return Promise.resolve();
  });
  let [running, most] = [0, 0];
  const raw = async (_method: string, path: string, { signal }: { signal: AbortSignal }): Promise<Response> => {
    const id = path.split("/").at(-1) ?? "";
    asked.push(id);
    most = Math.max(most, ++running);
    await new Promise((resolve) => setTimeout(resolve, 2));
    running--;
    signal.throwIfAborted();
    const found = media.get(id);
    if (found === undefined) throw new MatrixError(404, "M_NOT_FOUND", "gone");
    if (found instanceof Error) throw found;
    return new Response(found);
  };
  const life = new AbortController();
  const parts = new Parts({ raw } as unknown as MatrixHttp, { sharpen: use }, level, new KeptParts(() => Promise.resolve(cache)), (line) => notes.push(line), life.signal, pauses);
  const publish = (id: string, ...all: Record<string, unknown>[]): void => {
    media.set(id, new TextEncoder().encode(manifest(all)));
    for (const one of all) {
      const name = parseMxc(one["mxc"])?.id;
      if (name !== undefined && !media.has(name)) media.set(name, body(name));
    }
  };
  const settled = (): Promise<void> => vi.waitFor(() => expect(parts.state.wanted > 0 && parts.state.loaded + parts.state.failed === parts.state.wanted).toBe(true));
  return { parts, cache, media, asked, notes, shown, use, life, publish, settled, most: () => most };
}

let stage = scene();
beforeEach(() => void (stage = scene()));

describe("the parts of a package", () => {
  it("come by their urgency, three at a time, at this device's level", async () => {
    const all = await Promise.all(Array.from({ length: 9 }, (_, n) => part(`p${n}`, `/images/${n}`, { priority: 8 - n })));
    stage.publish("m", ...all, await part("finer", "/images/0", { level: 2, priority: 9 }), await part("finest", "/images/1", { level: 3 }));
    stage.parts.begin(1, at("entry"), at("m"));
    await stage.settled();
    expect(stage.asked).toEqual(["m", "p8", "p7", "p6", "p5", "p4", "p3", "p2", "p1", "finer"]);
    expect(stage.most()).toBe(3);
    expect(stage.parts.state).toEqual({ level: 2, wanted: 9, loaded: 9, failed: 0, bytes: 8 * body("p0").byteLength + body("finer").byteLength });
  });

  it("are nobody's concern at level 0, or without a manifest", async () => {
    const still = scene(0);
    still.publish("m", await part("a", "/images/0"));
    still.parts.begin(1, at("entry"), at("m"));
    stage.parts.begin(1, at("entry"), null);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect([...still.asked, ...stage.asked]).toEqual([]);
  });

  it("are left alone when the manifest is another scene's, or none", async () => {
    stage.media.set("other", new TextEncoder().encode(manifest([await part("a", "/images/0")], "mxc://example.org/another")));
    stage.media.set("broken", new TextEncoder().encode("{"));
    for (const id of ["other", "broken", "gone"]) {
      stage.parts.begin(1, at("entry"), at(id));
      await vi.waitFor(() => expect(stage.notes.length).toBeGreaterThan(0));
      expect(stage.notes.splice(0)).toHaveLength(1);
    }
    expect(stage.asked).toEqual(["other", "broken", "gone"]);
  });

  it("that do not come are asked for again, after the others", async () => {
    stage.publish("m", await part("a", "/images/0"), await part("b", "/images/1", { priority: 1 }), await part("c", "/images/2", { priority: 2 }));
    stage.media.set("a", new HomeserverAway("no connection"));
    stage.use.mockImplementationOnce(() => {
      stage.media.set("a", body("a"));
      return Promise.resolve();
    });
    stage.parts.begin(1, at("entry"), at("m"));
    await stage.settled();
    expect(stage.parts.state).toMatchObject({ loaded: 3, failed: 0 });
    expect(stage.asked.filter((id) => id === "a").length).toBeGreaterThan(1);
  });

  it("that are not what the manifest says are never shown", async () => {
    stage.publish("m", await part("long", "/images/0"), await part("short", "/images/1"), await part("false", "/images/2"), await part("gone", "/images/3"));
    stage.media.set("long", new TextEncoder().encode("bytes of long and more"));
    stage.media.set("short", new Uint8Array(1));
    stage.media.set("false", new TextEncoder().encode("bytes of f4lse"));
    stage.media.delete("gone");
    stage.parts.begin(1, at("entry"), at("m"));
    await stage.settled();
    expect(stage.parts.state).toMatchObject({ loaded: 0, failed: 4 });
    expect(stage.shown).toEqual([]);
    expect(stage.asked.filter((id) => id === "gone")).toHaveLength(1);
  });

  it("that do not fit make room for the next lower level", async () => {
    stage.publish("m", await part("low", "/images/0"), await part("high", "/images/0", { level: 2, for: ["/images/0", "/images/1"] }));
    stage.use.mockImplementationOnce(() => Promise.reject(new PartUnusable("no picture")));
    stage.parts.begin(1, at("entry"), at("m"));
    await stage.settled();
    expect(stage.shown).toEqual(["low"]);
    expect(stage.parts.state).toMatchObject({ wanted: 2, loaded: 1, failed: 1 });
  });

  it("of a new manifest for the same scene are only those that are new", async () => {
    const [a, b] = [await part("a", "/images/0"), await part("b", "/images/1")];
    stage.publish("m", a, b);
    stage.parts.begin(1, at("entry"), at("m"));
    await stage.settled();
    stage.parts.begin(1, at("entry"), at("m"));
    stage.publish("m2", a, await part("b2", "/images/1"));
    stage.asked.length = 0;
    stage.parts.begin(1, at("entry"), at("m2"));
    await vi.waitFor(() => expect(stage.shown).toContain("b2"));
    expect(stage.asked).toEqual(["m2", "b2"]);
  });

  it("that would be waited for come coarser first, and are not made coarser by what comes late", async () => {
    const large = { level: 2, bytes: 3_000_000 };
    const bytes = new Uint8Array(large.bytes);
    const finer = await Promise.all([0, 1].map(async (n) => ({ ...(await part(`fine${n}`, `/images/${n}`, { priority: 2 + n })), ...large, sha256: await sha256(bytes) })));
    const coarse = await Promise.all([0, 1].map((n) => part(`coarse${n}`, `/images/${n}`, { priority: n })));
    for (const late of [false, true]) {
      stage = scene();
      stage.publish("m", ...coarse, ...finer);
      for (const n of [0, 1]) stage.media.set(`fine${n}`, bytes);
      if (late) stage.media.set("coarse1", new HomeserverAway("not now"));
      stage.use.mockImplementation((_stage, { part: { mxc } }) => {
        const id = parseMxc(mxc)?.id ?? "";
        stage.shown.push(id);
        if (id === "fine1") stage.media.set("coarse1", body("coarse1"));
        return Promise.resolve();
      });
      stage.parts.begin(1, at("entry"), at("m"));
      await stage.settled();
      expect(stage.asked.slice(0, 3)).toEqual(["m", "fine0", "coarse1"]);
      expect(stage.shown.filter((id) => id !== "fine0")).toEqual(late ? ["fine1"] : ["coarse1", "fine1"]);
      expect(stage.parts.state).toMatchObject({ wanted: 3, loaded: 3, failed: 0 });
    }
  });

  it("that this browser has had are not asked for again, in this world or another", async () => {
    stage.publish("m", await part("a", "/images/0"), await part("b", "/images/1"));
    stage.parts.begin(1, at("entry"), at("m"));
    await stage.settled();
    await vi.waitFor(() => expect(stage.cache.entries.size).toBe(2));
    const other = scene(2, [1, 1], stage.cache);
    other.publish("m", await part("a", "/images/7"), await part("c", "/images/8"));
    other.parts.begin(1, at("entry"), at("m"));
    await other.settled();
    expect(other.asked).toEqual(["m", "c"]);
    expect(other.shown).toContain("a");
    expect(other.use.mock.calls.map(([, { bytes }]) => new TextDecoder().decode(bytes)).sort()).toEqual(["bytes of a", "bytes of c"]);
  });

  it("that are not what the manifest says are not kept", async () => {
    stage.publish("m", await part("false", "/images/0"));
    stage.media.set("false", new TextEncoder().encode("bytes of f4lse"));
    stage.parts.begin(1, at("entry"), at("m"));
    await stage.settled();
    expect(stage.cache.entries.size).toBe(0);
  });

  it("come without a cache just as well", async () => {
    stage.cache.broken = new DOMException("full", "QuotaExceededError");
    stage.publish("m", await part("a", "/images/0"), await part("b", "/images/1"));
    stage.parts.begin(1, at("entry"), at("m"));
    await stage.settled();
    expect(stage.parts.state).toMatchObject({ loaded: 2, failed: 0 });
    expect(stage.notes).toEqual([]);
  });

  it("end when another scene is on its way, or the visit is over", async () => {
    for (const end of [() => stage.parts.end(), () => stage.life.abort(), () => stage.parts.begin(2, at("entry2"), null)]) {
      stage = scene();
      stage.publish("m", ...(await Promise.all(Array.from({ length: 60 }, (_, n) => part(`p${n}`, `/images/${n}`)))));
      stage.parts.begin(1, at("entry"), at("m"));
      await vi.waitFor(() => expect(stage.shown.length).toBeGreaterThan(3), { interval: 1 });
      end();
      const before = stage.shown.length;
      await new Promise((resolve) => setTimeout(resolve, 30));
      expect(stage.shown.length).toBe(before);
      expect(before).toBeLessThan(60);
    }
  });

  it("that are larger than anybody should take of a stranger are not asked for", async () => {
    stage.publish("m", await part("huge", "/images/0", { bytes: 1024 ** 3 }), await part("a", "/images/1"));
    stage.parts.begin(1, at("entry"), at("m"));
    await stage.settled();
    expect(stage.asked).toEqual(["m", "a"]);
  });
});
