/**
 * Media of the room: from an `mxc:` address to bytes, with progress and a bound.
 *
 * Rule: an address is taken apart and put together again, never pasted into a URL; the token goes in the header
 * (section "Content repository", authenticated media, v1.11).
 */
import { HomeserverAway, MatrixError } from "./errors";
import type { MatrixHttp } from "./http";

/** A piece of content on a homeserver. */
export interface Mxc {
  readonly server: string;
  readonly id: string;
}

const SERVER = /^(?=.{1,255}$)(?:[A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?$/;
const ID = /^[A-Za-z0-9_-]{1,255}$/;

/** Takes `mxc://server/id` apart; undefined for anything else (other schemes, traversal, queries). */
export function parseMxc(value: unknown): Mxc | undefined {
  if (typeof value !== "string" || value.length > 600) return undefined;
  const match = /^mxc:\/\/([^/]+)\/([^/]+)$/.exec(value);
  const [server, id] = [match?.[1], match?.[2]];
  if (server === undefined || id === undefined || !SERVER.test(server) || server.includes("..") || !ID.test(id)) return undefined;
  return { server, id };
}

/** Whether both name the same content. */
export function sameMedia(a: Mxc, b: Mxc): boolean {
  return a.server === b.server && a.id === b.id;
}

export interface Progress {
  /** Bytes here so far. */
  readonly got: number;
  /** Bytes in all; 0 when the server does not say. */
  readonly total: number;
}

/** No entry scene is larger than this: the gate's own budget is far below it, in bytes. */
export const LARGEST_SCENE = 256 * 1024 * 1024;
/** A download that moves no byte for this long has died, in milliseconds. */
const STALL_MS = 20_000;

/** Downloads a piece of content; throws MatrixError (404: gone), RateLimited or HomeserverAway. */
export async function download(
  http: MatrixHttp,
  mxc: Mxc,
  onProgress: (progress: Progress) => void,
  options: { signal?: AbortSignal; most?: number } = {},
): Promise<ArrayBuffer> {
  const most = options.most ?? LARGEST_SCENE;
  const stall = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, stall.signal]) : stall.signal;
  const path = `/_matrix/client/v1/media/download/${encodeURIComponent(mxc.server)}/${encodeURIComponent(mxc.id)}`;
  const response = await http.raw("GET", path, { signal, timeoutMs: 30 * 60_000 });
  const announced = Number(response.headers.get("content-length") ?? "0");
  const total = Number.isSafeInteger(announced) && announced > 0 ? announced : 0;
  if (total > most) throw new MatrixError(413, "M_TOO_LARGE", `the scene has ${total} bytes; at most ${most} are taken`);
  if (!response.body) throw new HomeserverAway("it sent no bytes");
  const reader = response.body.getReader();
  let timer = setTimeout(() => stall.abort(), STALL_MS);
  const parts: Uint8Array[] = [];
  let got = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      clearTimeout(timer);
      timer = setTimeout(() => stall.abort(), STALL_MS);
      got += value.byteLength;
      if (got > most) throw new MatrixError(413, "M_TOO_LARGE", `the scene has more than ${most} bytes`);
      parts.push(value);
      onProgress({ got, total });
    }
  } catch (error) {
    options.signal?.throwIfAborted();
    throw error instanceof MatrixError ? error : new HomeserverAway("the download broke off");
  } finally {
    clearTimeout(timer);
    void reader.cancel().catch(() => undefined);
  }
  return joined(parts, got);
}

function joined(parts: readonly Uint8Array[], length: number): ArrayBuffer {
  const whole = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.byteLength;
  }
  return whole.buffer;
}
