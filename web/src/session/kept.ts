/**
 * Parts that this browser has had: kept by their SHA-256, so that nobody downloads one twice, whichever world it is in.
 *
 * Rule: a help and never a need. Where the browser keeps nothing (a page without https, a private window, a full disk) all goes
 * on without; what is taken out is looked at as if it had just come; no address and no token is ever in it.
 */
import type { Part } from "../scene/package/manifest";
import { verdict } from "../scene/package/verify";

const NAME = "roomscale.parts";
/** Bytes of all parts together: about four large worlds. The oldest go first. */
const MOST_BYTES = 256 * 1024 * 1024;

type File = Pick<Part, "sha256" | "bytes">;
export type PartCache = Pick<Cache, "match" | "put" | "delete" | "keys">;

/** The size is in the name, so that counting opens nothing. */
function nameOf({ sha256, bytes }: File): string {
  return `/parts/${sha256}?bytes=${bytes}`;
}

function sizeOf({ url }: Request): number {
  return Number(new URL(url).searchParams.get("bytes"));
}

export class KeptParts {
  private cache: Promise<PartCache> | null = null;
  private turn: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly open: () => Promise<PartCache> = () => caches.open(NAME),
    private readonly most = MOST_BYTES,
  ) {}

  /** The whole file, or null. */
  async get(file: File): Promise<ArrayBuffer | null> {
    try {
      const cache = await this.opened();
      const found = await cache.match(nameOf(file));
      if (found === undefined) return null;
      const bytes = await found.arrayBuffer();
      if ((await verdict(bytes, file)) === "whole") return bytes;
      await cache.delete(nameOf(file));
      return null;
    } catch {
      return null;
    }
  }

  /** Keeps a file that was looked at; the oldest make room. */
  keep(file: File, bytes: ArrayBuffer): Promise<void> {
    const mine = this.turn.then(() => this.put(file, bytes)).catch(() => undefined);
    this.turn = mine;
    return mine;
  }

  private async put(file: File, bytes: ArrayBuffer): Promise<void> {
    if (file.bytes > this.most) return;
    const cache = await this.opened();
    const there = [...(await cache.keys())]; // the oldest first
    let total = there.reduce((sum, request) => sum + sizeOf(request), file.bytes);
    for (const request of there) {
      if (total <= this.most) break;
      await cache.delete(request);
      total -= sizeOf(request);
    }
    await cache.put(nameOf(file), new Response(bytes));
  }

  private opened(): Promise<PartCache> {
    // Raises within a promise where there is no `caches` at all, and then each time.
    return (this.cache ??= Promise.resolve().then(() => this.open()));
  }
}
