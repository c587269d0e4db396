import { describe, expect, it, vi } from "vitest";
import { HomeserverAway, MatrixError, RateLimited } from "./errors";
import { MatrixHttp, type Fetch } from "./http";
import { download } from "./media";
import { readSync, syncFilter, syncLoop, type SyncBatch } from "./sync";

const ROOM = "!r:h";
const json = (body: unknown, status = 200, headers: Record<string, string> = {}): Response => new Response(JSON.stringify(body), { status, headers });
const http = (answer: Fetch): MatrixHttp => {
  const made = new MatrixHttp("http://h", answer);
  made.token = "secret";
  return made;
};
const raised = async (promise: Promise<unknown>): Promise<unknown> => promise.then(() => "nothing", (error: unknown) => error);

describe("one call", () => {
  it("carries the token in its header and nowhere else", async () => {
    const seen: [string, RequestInit][] = [];
    await http((url, init) => {
      seen.push([url, init]);
      return Promise.resolve(json({}));
    }).call("GET", "/v3/x", { query: { via: ["a", "b"], none: undefined } });
    expect(seen[0]?.[0]).toBe("http://h/_matrix/client/v3/x?via=a&via=b");
    expect(new Headers(seen[0]?.[1].headers).get("authorization")).toBe("Bearer secret");
    expect(seen[0]?.[1].credentials).toBe("omit");
  });

  it.each([
    [json({ errcode: "M_LIMIT_EXCEEDED", retry_after_ms: 1_234 }, 429), RateLimited],
    [json({ errcode: "M_FORBIDDEN", error: "no" }, 403), MatrixError],
    [new Response("<html>", { status: 502 }), HomeserverAway],
    [new Response("gone", { status: 503 }), HomeserverAway],
    [new Response("not json", { status: 200 }), HomeserverAway],
    [new Response(null, { status: 404 }), MatrixError],
  ])("every failure has its class: %#", async (response, kind) => {
    expect(await raised(http(() => Promise.resolve(response)).call("GET", "/v3/x"))).toBeInstanceOf(kind);
  });

  it("a server's own words about time are bounded", async () => {
    const asks = async (body: object, headers = {}): Promise<number> =>
      ((await raised(http(() => Promise.resolve(json(body, 429, headers))).call("GET", "/v3/x"))) as RateLimited).retryAfterMs;
    expect(await asks({ retry_after_ms: 1_500 })).toBe(1_500);
    expect(await asks({}, { "retry-after": "3" })).toBe(3_000);
    expect(await asks({ retry_after_ms: "soon" })).toBe(2_000);
    expect(await asks({ retry_after_ms: 1e15 })).toBe(600_000);
    expect(await asks({ retry_after_ms: 0 })).toBe(100);
  });

  it("no connection is 'away'; one's own abort is one's own", async () => {
    expect(await raised(http(() => Promise.reject(new TypeError("failed to fetch"))).call("GET", "/v3/x"))).toBeInstanceOf(HomeserverAway);
    const aborted = AbortSignal.abort(new Error("mine"));
    expect(await raised(http(() => Promise.reject(new Error("x"))).call("GET", "/v3/x", { signal: aborted }))).toEqual(new Error("mine"));
  });
});

describe("the filter", () => {
  it("names one room, types of ours alone, and neither presence nor account data", () => {
    const filter = JSON.parse(syncFilter(ROOM)) as { room: { rooms: string[]; state: { types: string[] }; timeline: { types: string[] } } };
    expect(filter.room.rooms).toEqual([ROOM]);
    expect([...filter.room.state.types, ...filter.room.timeline.types].every((type) => /^(m\.room\.|m\.sticker|org\.)/.test(type))).toBe(true);
    expect(filter.room.state.types).not.toContain("*");
    expect(filter).toMatchObject({ presence: { not_types: ["*"] }, account_data: { not_types: ["*"] } });
  });
});

describe("one answer", () => {
  it("is read whatever it holds", () => {
    const junk = [null, 1, "x", [], {}, [1, null, { type: 3 }, { type: "x" }]];
    for (const a of junk) {
      for (const key of ["rooms", "to_device"]) expect(readSync({ [key]: a }, ROOM, true).timeline).toEqual([]);
      const odd = { rooms: { join: { [ROOM]: { state: { events: a }, timeline: a } } }, to_device: { events: a } };
      expect(readSync(odd, ROOM, false).toDevice).toEqual([]);
    }
  });

  it("tells that we left, and takes nothing from other rooms", () => {
    const event = { type: "m.room.message", sender: "@a:h", content: {} };
    const answer = { rooms: { join: { "!other:h": { timeline: { events: [event] } } }, leave: { [ROOM]: {} } } };
    expect(readSync(answer, ROOM, false)).toMatchObject({ left: true, timeline: [], holdsRoom: false });
  });
});

describe("the loop", () => {
  it("goes on from the last token, says when the homeserver goes and comes back, and loses nothing", async () => {
    vi.useFakeTimers();
    try {
      const stop = new AbortController();
      const asked: URL[] = [];
      const answers: (() => Promise<Response>)[] = [
        () => Promise.resolve(json({ next_batch: "s1" })),
        () => Promise.reject(new TypeError("down")),
        () => Promise.resolve(new Response("", { status: 502 })),
        () => Promise.resolve(json({ next_batch: "s2" })),
        () => {
          stop.abort(new Error("enough"));
          return Promise.reject(new Error("aborted"));
        },
      ];
      const away: boolean[] = [];
      const batches: SyncBatch[] = [];
      const loop = syncLoop(
        http((url) => {
          asked.push(new URL(url));
          return answers.shift()?.() ?? Promise.reject(new Error("asked too often"));
        }),
        ROOM,
        { batch: (batch) => batches.push(batch), away: (gone) => away.push(gone) },
        stop.signal,
      );
      await vi.runAllTimersAsync();
      await loop;
      expect(away).toEqual([true, false]);
      expect(asked.map((url) => url.searchParams.get("since"))).toEqual([null, "s1", "s1", "s1", "s2"]);
      expect(asked.map((url) => url.searchParams.get("timeout"))).toEqual(["0", "30000", "0", "0", "30000"]);
      expect(batches.map(({ first }) => first)).toEqual([true, false]);
    } finally {
      vi.useRealTimers();
    }
  });

  it("ends with the error when the token is no longer one", async () => {
    const gone = http(() => Promise.resolve(json({ errcode: "M_UNKNOWN_TOKEN", soft_logout: true }, 401)));
    const error = await raised(syncLoop(gone, ROOM, { batch: () => undefined, away: () => undefined }, new AbortController().signal));
    expect(error).toMatchObject({ unknownToken: true, softLogout: true });
  });
});

describe("a download", () => {
  const mxc = { server: "h:8448", id: "abc" };
  const body = (sizes: number[]): ReadableStream<Uint8Array> =>
    new ReadableStream({
      pull(controller) {
        const size = sizes.shift();
        if (size === undefined) controller.close();
        else controller.enqueue(new Uint8Array(size).fill(7));
      },
    });

  it("tells how far it is, and puts the pieces together", async () => {
    const progress: number[] = [];
    const bytes = await download(http(() => Promise.resolve(new Response(body([10, 20, 5]), { headers: { "content-length": "35" } }))), mxc, ({ got, total }) => progress.push(got, total));
    expect(bytes.byteLength).toBe(35);
    expect(new Uint8Array(bytes).every((byte) => byte === 7)).toBe(true);
    expect(progress).toEqual([10, 35, 30, 35, 35, 35]);
  });

  it("of too much is refused, announced or not", async () => {
    for (const headers of [{ "content-length": "1000" }, {}] as Record<string, string>[]) {
      const error = await raised(download(http(() => Promise.resolve(new Response(body([60, 60]), { headers }))), mxc, () => undefined, { most: 100 }));
      expect(error).toMatchObject({ status: 413 });
    }
  });

  it("that breaks off is 'away'", async () => {
    const broken = new ReadableStream({ pull: (controller) => controller.error(new Error("cut")) });
    expect(await raised(download(http(() => Promise.resolve(new Response(broken))), mxc, () => undefined))).toBeInstanceOf(HomeserverAway);
  });
});
