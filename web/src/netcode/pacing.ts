/**
 * When we say where we are: at the server's pace, and shortly before the server's ticks.
 *
 * Rule: reads no clock; times are in ms. The server tells how long before its tick our newest HERE came (`lead`); we
 * find the latest of our recent arrivals and shift our timer until that is TARGET before the tick. A pose then waits
 * for no tick in vain, and misses none. (`core/pacing.py` is the same.)
 */

/** Before the tick at which the latest of our HEREs is to arrive, in ms: between 4 and 12. */
const TARGET = 8;
/** Leads that are looked at together. */
const SAMPLES = 16;
/** Share of a tick that must be free of arrivals to tell which is the latest: with more jitter nothing is shifted. */
const CLEAR = 0.2;
/** After a shift, until its effect is seen in what the server tells, in ms. */
const SETTLE = 500;
/** A lead that says nothing. */
const UNKNOWN = 255;

export class Pacer {
  private leads: number[] = [];
  private seq = 0;
  private deafUntil = 0;
  private at: number;
  /** Ticks from one HERE to the next, as the server wants it. */
  interval = 1;

  constructor(
    private readonly tickMs: number,
    now: number,
  ) {
    this.at = now;
  }

  /** Milliseconds until the next HERE is due. */
  wait(now: number): number {
    return Math.max(this.at - now, 0);
  }

  /** Whether it is time to say where we are. A timer that comes late does not make up for what it missed. */
  due(now: number): boolean {
    if (now < this.at) return false;
    const period = this.tickMs * this.interval;
    this.at += period;
    if (this.at <= now) this.at = now + period;
    return true;
  }

  /** A SIGHT told these. */
  heard(lead: number, lastSeq: number, interval: number, now: number): void {
    this.interval = Math.min(interval, 4);
    if (lead >= UNKNOWN || lastSeq === this.seq || now < this.deafUntil) return;
    this.seq = lastSeq;
    this.leads.push(lead % this.tickMs);
    if (this.leads.length < SAMPLES) return;
    this.at += shift(this.leads, this.tickMs);
    this.leads = [];
    this.deafUntil = now + SETTLE;
  }
}

/**
 * Milliseconds by which HERE is to be sent later, at most half a tick; 0 when the leads do not tell.
 * `leads`: how long before some tick each one came, modulo `tickMs`.
 */
export function shift(leads: readonly number[], tickMs: number): number {
  const sorted = leads.toSorted((a, b) => a - b);
  let [widest, latest] = [-1, 0];
  sorted.forEach((lead, index) => {
    const gap = modulo(lead - (sorted[index - 1] ?? sorted.at(-1) ?? lead), tickMs);
    if (gap > widest) [widest, latest] = [gap, lead];
  });
  const together = sorted[0] === sorted.at(-1);
  if (!together && widest < CLEAR * tickMs) return 0;
  return modulo(latest - TARGET + tickMs / 2, tickMs) - tickMs / 2;
}

function modulo(value: number, by: number): number {
  return ((value % by) + by) % by;
}
