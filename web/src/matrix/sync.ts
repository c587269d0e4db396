/**
 * The sync loop of one tab, for one room.
 *
 * Rule: the filter names the room and the types that we read, so that what strangers write into the room's state
 * (anything, if its owner is careless) is never even sent to us. Losing the homeserver is a status, not an end.
 */
import { rawEvent, type RawEvent } from "./client";
import { HomeserverAway, MatrixError, RateLimited } from "./errors";
import type { MatrixHttp } from "./http";
import { list, recordOr, text, type Json } from "./json";
import { STATE_TYPES } from "./world_state";

/** Messages shown on entering. */
export const HISTORY = 30;
const MESSAGE_TYPES = ["m.room.message", "m.room.encrypted", "m.room.redaction", "m.sticker"];
/** How long the homeserver may hold an empty sync, in milliseconds, and how much later we give up on it. */
const POLL_MS = 30_000;
const POLL_GRACE_MS = 15_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 5_000;

export interface SyncBatch {
  /** The first batch after joining: the room's state as it is, and its last messages. */
  readonly first: boolean;
  /** The answer speaks of the room: we are joined. */
  readonly holdsRoom: boolean;
  /** State that holds before the timeline begins, then the timeline itself, in order. */
  readonly state: readonly RawEvent[];
  readonly timeline: readonly RawEvent[];
  readonly toDevice: readonly { readonly type: string; readonly sender: string; readonly content: Json }[];
  /** We are no longer in the room. */
  readonly left: boolean;
}

export interface SyncHandlers {
  batch(batch: SyncBatch): void;
  /** The homeserver went, or came back. */
  away(away: boolean): void;
}

/** The filter (section "Filtering") for one room. */
export function syncFilter(roomId: string): string {
  const none = { not_types: ["*"] };
  return JSON.stringify({
    presence: none,
    account_data: none,
    room: {
      rooms: [roomId],
      ephemeral: none,
      account_data: none,
      state: { types: [...STATE_TYPES, "m.room.member"], lazy_load_members: true },
      timeline: { types: [...STATE_TYPES, ...MESSAGE_TYPES], limit: HISTORY, lazy_load_members: true },
    },
  });
}

/** Reads one `/sync` answer for `roomId`. */
export function readSync(answer: Json, roomId: string, first: boolean): SyncBatch {
  const rooms = recordOr(answer["rooms"]);
  const joined = recordOr(recordOr(rooms["join"])[roomId]);
  const events = (holder: unknown): RawEvent[] =>
    list(recordOr(holder)["events"]).map(rawEvent).filter((event) => event !== undefined);
  return {
    first,
    holdsRoom: Object.hasOwn(recordOr(rooms["join"]), roomId),
    state: events(joined["state"]),
    timeline: events(joined["timeline"]),
    toDevice: events(answer["to_device"]).map(({ type, sender, content }) => ({ type, sender, content })),
    left: Object.hasOwn(recordOr(rooms["leave"]), roomId),
  };
}

/**
 * Syncs until `signal` aborts. Returns then; throws MatrixError only for a token that is no longer one.
 */
export async function syncLoop(http: MatrixHttp, roomId: string, handlers: SyncHandlers, signal: AbortSignal): Promise<void> {
  const filter = syncFilter(roomId);
  let since: string | undefined;
  let failures = 0;
  while (!signal.aborted) {
    try {
      const timeout = since === undefined || failures > 0 ? 0 : POLL_MS; // after an outage: is it back? at once
      const answer = await http.call("GET", "/v3/sync", {
        query: { filter, since, timeout },
        signal,
        timeoutMs: timeout + POLL_GRACE_MS,
      });
      if (failures > 0) handlers.away(false);
      failures = 0;
      const batch = readSync(answer, roomId, since === undefined);
      since = text(answer["next_batch"], 10_000) ?? since; // first: a batch that cannot be handled must not come again
      handlers.batch(batch);
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof MatrixError && error.unknownToken) throw error;
      if (error instanceof HomeserverAway) {
        if (failures === 0) handlers.away(true);
        failures += 1;
      }
      await pause(error instanceof RateLimited ? error.retryAfterMs : syncPause(failures), signal);
    }
  }
}

/** Doubling, bounded, and spread so that a hundred tabs do not come back in one instant. */
function syncPause(failures: number): number {
  return Math.min(FIRST_PAUSE_MS * 2 ** Math.max(failures - 1, 0), LONGEST_PAUSE_MS) * (0.75 + Math.random() / 2);
}

/** Waits; ends early when the signal aborts or the browser says that it is online again. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      globalThis.removeEventListener?.("online", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
    globalThis.addEventListener?.("online", done);
    if (signal.aborted) done();
  });
}
