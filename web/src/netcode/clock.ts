/**
 * What time it is on the server, estimated from PING and PONG.
 *
 * Rule: reads no clock; the caller says what its own shows. The sample with the shortest round trip is believed, and
 * once settled the estimate moves towards it slowly, so that nothing shown on it ever jumps.
 */

/** Samples that are compared: at one a second, half a minute. */
const SAMPLES = 30;
/** Samples after which the estimate no longer steps. */
const SETTLED = 5;
/** How fast the estimate may move once it is settled, in ms per second. */
const SLEW = 20;
/** An error larger than this is a new start (the machine slept), in ms. */
const STEP = 500;

/** The difference of two u32 millisecond counters, right across their wrap. */
export function u32Difference(a: number, b: number): number {
  return (a - b) | 0;
}

export class ServerClock {
  private samples: { rtt: number; offset: number }[] = [];
  private origin: { server: number; local: number } | null = null;
  private offset = 0;
  private adjustedAt = 0;

  /** Begins at WELCOME: the server showed `serverMs` (u32) a moment before `now`. */
  start(serverMs: number, now: number): void {
    this.origin = { server: serverMs, local: now };
    this.samples = [];
    this.offset = 0;
    this.adjustedAt = now;
  }

  /** A PONG: our PING left at `sent`, the answer is here at `now` (both ms of our clock). */
  pong(sent: number, serverMs: number, now: number): void {
    const rtt = now - sent;
    if (this.origin === null || rtt < 0) return;
    const offset = this.unwrap(serverMs) + rtt / 2 - now;
    this.samples.push({ rtt, offset });
    if (this.samples.length > SAMPLES) this.samples.shift();
    const best = this.samples.reduce((a, b) => (b.rtt < a.rtt ? b : a));
    this.approach(best.offset, now, this.samples.length <= SETTLED);
  }

  private approach(wanted: number, now: number, steps: boolean): void {
    const error = wanted - this.offset;
    const most = (SLEW * Math.max(now - this.adjustedAt, 0)) / 1000;
    this.offset += steps || Math.abs(error) > STEP ? error : Math.min(Math.max(error, -most), most);
    this.adjustedAt = now;
  }

  /** A server stamp (u32) as milliseconds on a line that neither wraps nor depends on our clock's start. */
  unwrap(serverMs: number): number {
    return this.origin === null ? serverMs : this.origin.local + u32Difference(serverMs, this.origin.server);
  }

  /** What `unwrap` would give for a stamp taken by the server at this moment. */
  serverNow(now: number): number {
    return now + this.offset;
  }

  /** What the server's clock shows at `now`, a u32 as on the wire. */
  serverMs(now: number): number {
    if (this.origin === null) return 0;
    return (this.origin.server + Math.round(this.serverNow(now) - this.origin.local)) >>> 0;
  }

  /** The shortest round trip among the recent ones, in ms; null before the first. */
  get rtt(): number | null {
    const last = this.samples.slice(-5).map((sample) => sample.rtt);
    return last.length === 0 ? null : Math.min(...last);
  }
}
