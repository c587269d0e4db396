/**
 * The homeserver's TURN servers, for networks that let UDP go to known places only.
 *
 * Rule: they are a help and no more. Asking holds up no call, and whatever fails, or is no TURN server, is none.
 */
import { integer, list, text, type Json } from "../matrix/json";

/** Asked again when they are good for less than this, in ms. */
const RENEW_MS = 600_000;
/** After an answer that could not be had, or named none, in ms. */
const NONE_MS = 3_600_000;
/** More would slow down every call. */
const MOST_URIS = 4;

export interface RelayList {
  readonly servers: readonly RTCIceServer[];
  /** How long the credentials are good, in ms. */
  readonly lifeMs: number;
}

/** Reads the answer of `GET /voip/turnServer` (client-server API, "Voice over IP"). */
export function readRelays(answer: Json): RelayList {
  const username = text(answer["username"], 1_000);
  const credential = text(answer["password"], 1_000);
  const uris = list(answer["uris"]).filter((uri): uri is string => typeof uri === "string" && /^turns?:[^\s/@]{1,300}$/.test(uri));
  if (username === undefined || credential === undefined || uris.length === 0) return { servers: [], lifeMs: NONE_MS };
  const lifeS = integer(answer["ttl"], 1, 30 * 86_400) ?? NONE_MS / 1_000;
  return { servers: [{ urls: uris.slice(0, MOST_URIS), username, credential }], lifeMs: lifeS * 1_000 };
}

export class Relays {
  private list: RelayList = { servers: [], lifeMs: 0 };
  private renewAt = -Infinity;

  constructor(private readonly ask: () => Promise<Json>) {}

  /** Those known now; asks for newer ones in the background when it is time. */
  servers(now: number): readonly RTCIceServer[] {
    if (now >= this.renewAt) {
      this.renewAt = now + NONE_MS;
      void this.renew(now);
    }
    return this.list.servers;
  }

  private async renew(now: number): Promise<void> {
    this.list = readRelays(await this.ask().catch(() => ({})));
    this.renewAt = now + Math.max(this.list.lifeMs - RENEW_MS, RENEW_MS);
  }
}
