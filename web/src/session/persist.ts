/**
 * Doing a thing until it is done.
 *
 * Rule: only what passes by itself is waited for (429, homeserver or gate away), always bounded, spread, and visible;
 * every other error goes to the caller at once.
 */
import { GateAway } from "../config";
import { HomeserverAway, RateLimited } from "../matrix/errors";
import { pause } from "../matrix/sync";
import type { Waiting } from "./state";

const FIRST_PAUSE_MS = 400;
const LONGEST_PAUSE_MS = 5_000;

/** The `attempt`-th pause (from 0) in ms: doubling, bounded, spread by a quarter either way. */
export function backoff(attempt: number, random: () => number = Math.random): number {
  return Math.min(FIRST_PAUSE_MS * 2 ** Math.min(attempt, 10), LONGEST_PAUSE_MS) * (0.75 + random() / 2);
}

/** Calls `action` until it succeeds; tells through `onWaiting` why and until when it waits (null: no longer). */
export async function persist<T>(
  action: () => Promise<T>,
  onWaiting: (waiting: Waiting | null) => void,
  signal: AbortSignal,
): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      const result = await action();
      onWaiting(null);
      return result;
    } catch (error) {
      signal.throwIfAborted();
      const waiting = reason(error);
      if (!waiting) throw error;
      const ms = error instanceof RateLimited ? error.retryAfterMs + Math.random() * 500 : backoff(attempt);
      onWaiting({ why: waiting, until: Date.now() + ms });
      await pause(ms, signal);
      signal.throwIfAborted();
    }
  }
}

function reason(error: unknown): Waiting["why"] | null {
  if (error instanceof RateLimited) return "busy";
  if (error instanceof HomeserverAway) return "homeserver";
  return error instanceof GateAway ? "gate" : null;
}
