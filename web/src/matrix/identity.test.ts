import { describe, expect, it } from "vitest";
import type { Identity } from "./client";
import { ChannelHolder, type Channel, type Holder } from "./holder";
import { GuestPool } from "./identity";

class MemoryStorage implements Storage {
  private readonly map = new Map<string, string>();
  [name: string]: unknown;
  get length(): number {
    return this.map.size;
  }
  clear(): void {
    this.map.clear();
  }
  getItem(key: string): string | null {
    return this.map.get(key) ?? null;
  }
  key(index: number): string | null {
    return [...this.map.keys()][index] ?? null;
  }
  removeItem(key: string): void {
    this.map.delete(key);
  }
  setItem(key: string, value: string): void {
    this.map.set(key, value);
  }
}

/** All tabs of one browser. */
class Browser {
  readonly local = new MemoryStorage();
  private readonly held = new Set<string>();
  registered = 0;

  tab(session = new MemoryStorage()): { pool: GuestPool; take: () => Promise<Identity>; close: () => void; session: Storage } {
    const mine = new Set<string>();
    const holder: Holder = {
      tryHold: (name) => {
        if (this.held.has(name)) return Promise.resolve(mine.has(name));
        this.held.add(name);
        mine.add(name);
        return Promise.resolve(true);
      },
      release: (name) => {
        this.held.delete(name);
        mine.delete(name);
      },
    };
    const pool = new GuestPool("http://h", holder, { local: this.local, session });
    const register = (): Promise<Identity> => {
      this.registered += 1;
      return Promise.resolve({ userId: `@${this.registered}:h`, token: `secret${this.registered}`, deviceId: "guest_device" });
    };
    return { pool, take: () => pool.take(register), close: () => [...mine].forEach((name) => holder.release(name)), session };
  }
}

describe("who a tab is", () => {
  it("the same guest next time", async () => {
    const browser = new Browser();
    const first = browser.tab();
    const before = await first.take();
    first.close();
    expect(await browser.tab().take()).toEqual(before);
    expect(browser.registered).toBe(1);
  });

  it("two tabs at once are two guests, and a reload keeps each", async () => {
    const browser = new Browser();
    const [one, two] = [browser.tab(), browser.tab()];
    const [a, b] = [await one.take(), await two.take()];
    expect(a.userId).not.toBe(b.userId);
    two.close();
    one.close();
    expect(await browser.tab(two.session as MemoryStorage).take()).toEqual(b);
    expect(await browser.tab(one.session as MemoryStorage).take()).toEqual(a);
    expect(browser.registered).toBe(2);
  });

  it("a guest that the homeserver forgot is never used again", async () => {
    const browser = new Browser();
    const tab = browser.tab();
    const old = await tab.take();
    tab.pool.forget(old);
    expect((await tab.take()).userId).not.toBe(old.userId);
    expect(browser.local.getItem(browser.local.key(0) ?? "")).not.toContain(old.token);
  });

  it("a hundred tabs leave a small pool", async () => {
    const browser = new Browser();
    for (let n = 0; n < 100; n += 1) await browser.tab().take();
    expect(JSON.parse(browser.local.getItem("roomscale.guests http://h") ?? "[]")).toHaveLength(6);
  });

  it.each(["{", "[1, null, {}]", '{"a": 1}', '[{"userId": 3, "token": [], "deviceId": "x"}]', ""])("junk in the storage is a new guest: %s", async (junk) => {
    const browser = new Browser();
    browser.local.setItem("roomscale.guests http://h", junk);
    expect((await browser.tab().take()).userId).toBe("@1:h");
  });

  it("without storage a guest lasts as long as the tab", async () => {
    const broken = new Proxy(new MemoryStorage(), {
      get: () => () => {
        throw new DOMException("no storage here", "SecurityError");
      },
    });
    const holder: Holder = { tryHold: () => Promise.resolve(true), release: () => undefined };
    const pool = new GuestPool("http://h", holder, { local: broken, session: broken });
    const guest = { userId: "@1:h", token: "t", deviceId: "d" };
    expect(await pool.take(() => Promise.resolve(guest))).toEqual(guest);
    expect(await pool.take(() => Promise.reject(new Error("asked twice")))).toEqual(guest);
  });
});

describe("holding a name over a channel", () => {
  function pair(): [ChannelHolder, ChannelHolder] {
    const listeners: { from: number; listener: (event: MessageEvent) => void }[] = [];
    const channel = (from: number): Channel => ({
      postMessage: (data) => listeners.filter((one) => one.from !== from).forEach(({ listener }) => queueMicrotask(() => listener({ data } as MessageEvent))),
      addEventListener: (_type, listener) => void listeners.push({ from, listener: listener as (event: MessageEvent) => void }),
    });
    return [new ChannelHolder(channel(1), 20), new ChannelHolder(channel(2), 20)];
  }

  it("the second tab is told no, until the first lets go", async () => {
    const [a, b] = pair();
    expect(await a.tryHold("x")).toBe(true);
    expect(await a.tryHold("x")).toBe(true);
    expect(await b.tryHold("x")).toBe(false);
    a.release("x");
    expect(await b.tryHold("x")).toBe(true);
  });

  it("of two that ask at once exactly one holds", async () => {
    for (let n = 0; n < 20; n += 1) {
      const [a, b] = pair();
      expect((await Promise.all([a.tryHold("x"), b.tryHold("x")])).filter(Boolean)).toHaveLength(1);
    }
  });
});
