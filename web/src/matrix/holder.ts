/**
 * Which tab of this browser holds which name.
 *
 * Rule: a held name is given up when the tab goes, without the tab having to say so (Web Locks); where the page
 * is no secure context and has no locks, tabs ask one another over a BroadcastChannel.
 */

export interface Holder {
  /** Holds `name` until the page goes; false when another tab holds it. */
  tryHold(name: string): Promise<boolean>;
  release(name: string): void;
}

/** Another tab's answer comes within a few milliseconds, also from a busy one within this. */
const ANSWER_MS = 250;

/** The best holder that this browser has. */
export function createHolder(): Holder {
  return "locks" in navigator ? new LockHolder(navigator.locks) : new ChannelHolder(new BroadcastChannel("roomscale.holders"));
}

class LockHolder implements Holder {
  private readonly releases = new Map<string, () => void>();

  constructor(private readonly locks: LockManager) {}

  tryHold(name: string): Promise<boolean> {
    return new Promise((resolve) => {
      const hold = (lock: Lock | null): Promise<void> | undefined => {
        resolve(lock !== null);
        return lock ? new Promise<void>((release) => this.releases.set(name, release)) : undefined;
      };
      this.locks.request(`roomscale.${name}`, { ifAvailable: true }, hold).catch(() => resolve(false));
    });
  }

  release(name: string): void {
    this.releases.get(name)?.();
    this.releases.delete(name);
  }
}

interface Word {
  readonly ask?: string;
  readonly held?: string;
  readonly from: number;
}

/** What of a BroadcastChannel is used here, so that a test can stand two of them side by side. */
export interface Channel {
  postMessage(word: Word): void;
  addEventListener(type: "message", listener: (event: MessageEvent<Word>) => void): void;
}

export class ChannelHolder implements Holder {
  private readonly mine = new Set<string>();
  private readonly asking = new Map<string, () => void>();
  private readonly id = Math.random();

  constructor(
    private readonly channel: Channel,
    private readonly answerMs = ANSWER_MS,
  ) {
    channel.addEventListener("message", ({ data }) => this.heard(data));
  }

  tryHold(name: string): Promise<boolean> {
    if (this.mine.has(name)) return Promise.resolve(true);
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.asking.delete(name);
        this.mine.add(name);
        resolve(true);
      }, this.answerMs);
      this.asking.set(name, () => {
        clearTimeout(timer);
        this.asking.delete(name);
        resolve(false);
      });
      this.channel.postMessage({ ask: name, from: this.id });
    });
  }

  release(name: string): void {
    this.mine.delete(name);
  }

  private heard(word: Word): void {
    if (word.from === this.id) return;
    if (word.held !== undefined) this.asking.get(word.held)?.();
    // Two that ask at once: the one with the greater number yields, the other holds.
    const rival = word.ask !== undefined && this.asking.has(word.ask) && this.id < word.from;
    if (word.ask !== undefined && (this.mine.has(word.ask) || rival)) this.channel.postMessage({ held: word.ask, from: this.id });
  }
}
