/**
 * Who this tab is: one guest of the small pool that this browser keeps per homeserver.
 *
 * Rule: no two tabs are the same guest at once (they would take each other's to-device messages), and a guest is
 * registered only when all known ones are held. Tokens stay in localStorage; they are never logged or put in a URL.
 */
import type { Identity } from "./client";
import type { Holder } from "./holder";
import { list, record, text } from "./json";

/** More tabs than this at once get guests that are forgotten with the tab. */
const POOL_SIZE = 6;

export interface Pools {
  /** Kept over visits, shared by all tabs. */
  readonly local: Storage;
  /** Kept by one tab over reloads. */
  readonly session: Storage;
}

export class GuestPool {
  private held: Identity | null = null;

  constructor(
    private readonly homeserver: string,
    private readonly holder: Holder,
    private readonly storage: Pools,
  ) {}

  /** The guest of this tab: the one from before a reload, else the first that is free, else a new one. */
  async take(register: () => Promise<Identity>): Promise<Identity> {
    if (this.held) return this.held;
    for (const identity of this.candidates()) {
      if (!(await this.holder.tryHold(identity.userId))) continue;
      return this.keep(identity);
    }
    const identity = await register();
    await this.holder.tryHold(identity.userId);
    this.write([...this.read(), identity].slice(0, POOL_SIZE));
    return this.keep(identity);
  }

  /** The homeserver does not know this guest any more: never use it again. */
  forget(identity: Identity): void {
    this.write(this.read().filter((known) => known.userId !== identity.userId));
    this.holder.release(identity.userId);
    if (this.held?.userId === identity.userId) this.held = null;
  }

  private keep(identity: Identity): Identity {
    this.held = identity;
    attempt(() => this.storage.session.setItem(this.key, identity.userId));
    return identity;
  }

  private candidates(): Identity[] {
    const before = attempt(() => this.storage.session.getItem(this.key));
    const pool = this.read();
    return [...pool.filter((one) => one.userId === before), ...pool.filter((one) => one.userId !== before)];
  }

  private get key(): string {
    return `roomscale.guests ${this.homeserver}`;
  }

  private read(): Identity[] {
    let stored: unknown;
    try {
      stored = JSON.parse(this.storage.local.getItem(this.key) ?? "[]");
    } catch {
      return []; // storage is switched off, or somebody wrote into it
    }
    return list(stored)
      .slice(0, POOL_SIZE)
      .flatMap((value) => {
        const guest = record(value);
        const [userId, token] = [text(guest?.["userId"], 255), text(guest?.["token"], 4_096)];
        const deviceId = text(guest?.["deviceId"], 255);
        return userId && token && deviceId ? [{ userId, token, deviceId }] : [];
      });
  }

  private write(pool: readonly Identity[]): void {
    attempt(() => this.storage.local.setItem(this.key, JSON.stringify(pool)));
  }
}

/** Storage may be full or forbidden; then a guest lasts as long as its tab. */
function attempt<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}
