/**
 * The parts of the world's package: once somebody can walk on the entry, they come one after the other and sharpen it.
 *
 * Rule: nothing of it is ever in a visitor's way. What cannot be had is tried again later and at last left out; a part that
 * does not fit makes room for the next lower level; a scene that is gone ends the work on it.
 */
import { HomeserverAway, MatrixError, RateLimited } from "../matrix/errors";
import type { MatrixHttp } from "../matrix/http";
import { download, parseMxc, sameMedia, type Mxc } from "../matrix/media";
import { pause } from "../matrix/sync";
import { LARGEST_MANIFEST, readManifest, replacements, type Manifest, type Part, type Target } from "../scene/package/manifest";
import { inOrder, type Taken } from "../scene/package/order";
import { PartUnusable } from "../scene/package/unusable";
import { verdict } from "../scene/package/verify";
import type { World } from "../world";
import type { KeptParts } from "./kept";

/** Downloads at once: enough to fill a line, few enough that the world's movement is not held up. */
const PARALLEL = 3;
/** Milliseconds before a part is asked for again, after each failure; then it is left out. */
const PAUSES: readonly number[] = [2_000, 10_000, 60_000, 300_000];
/** Bytes of one part, and of all that one visit to a scene takes: a stranger's world may not fill a disk or empty a purse. */
const LARGEST_PART = 128 * 1024 * 1024;
const MOST_BYTES: readonly number[] = [0, 256 * 1024 * 1024, 1024 * 1024 * 1024];

/** How far it is. */
export interface PartsState {
  readonly level: number;
  /** Parts that this device takes; of them in place, and left out for good. */
  readonly wanted: number;
  readonly loaded: number;
  readonly failed: number;
  /** Bytes in place, whether they came now or were kept. */
  readonly bytes: number;
}

interface Job extends Taken {
  failures: number;
  /** Not before this moment, of performance.now(). */
  at: number;
}

export class Parts {
  private work: AbortController | null = null;
  private stage = -1;
  private manifest: Mxc | null = null;
  /** By pointer: what is in its place in this stage. */
  private placed = new Map<string, string>();
  /** By pointer: the level of what was given to the world last, so that a coarser part that comes late is not. */
  private given = new Map<string, number>();
  private counts = { wanted: 0, loaded: 0, failed: 0, bytes: 0 };

  constructor(
    private readonly http: MatrixHttp,
    private readonly world: Pick<World, "sharpen">,
    private readonly level: number,
    private readonly kept: KeptParts,
    private readonly note: (line: string) => void,
    private readonly life: AbortSignal,
    private readonly pauses: readonly number[] = PAUSES,
  ) {}

  get state(): PartsState {
    return { level: this.level, ...this.counts };
  }

  /** The scene that stands is `scene`, loaded as `stage`; `manifest` belongs to it. Asked again for the same: nothing. */
  begin(stage: number, scene: Mxc, manifest: Mxc | null): void {
    const isSame = this.manifest === null || manifest === null ? this.manifest === manifest : sameMedia(this.manifest, manifest);
    if (stage === this.stage && isSame) return;
    this.end();
    if (stage !== this.stage) this.placed = new Map();
    [this.stage, this.manifest, this.given] = [stage, manifest, new Map()];
    this.counts = { wanted: 0, loaded: 0, failed: 0, bytes: 0 };
    if (manifest === null || this.level < 1) return;
    const work = (this.work = new AbortController());
    const signal = AbortSignal.any([this.life, work.signal]);
    void this.run(stage, scene, manifest, signal).catch((error: unknown) => {
      if (!signal.aborted) this.note(`parts: ${error instanceof Error ? error.message : String(error)}`);
    });
  }

  /** Another scene is on its way: what is being done for this one ends. */
  end(): void {
    this.work?.abort();
    this.work = null;
    this.manifest = null;
  }

  private async run(stage: number, scene: Mxc, address: Mxc, signal: AbortSignal): Promise<void> {
    const manifest = readManifest(await this.persist(() => download(this.http, address, () => undefined, { signal, most: LARGEST_MANIFEST }), signal));
    const entry = parseMxc(manifest.entry.mxc);
    if (entry === undefined || !sameMedia(entry, scene)) throw new Error("the manifest belongs to another scene");
    const jobs = this.jobs(manifest);
    this.counts.wanted = jobs.length;
    await new Work(jobs, this.pauses, signal, (job) => this.bring(job, stage, manifest, signal), {
      done: () => this.counts.loaded++,
      lost: (job, why) => this.lost(job, why, manifest),
    }).all();
  }

  /** What to download, the most urgent first, within what one takes of a stranger. */
  private jobs(manifest: Manifest): Job[] {
    let left = MOST_BYTES[Math.min(this.level, MOST_BYTES.length - 1)] ?? 0;
    const jobs: Job[] = [];
    for (const { part, targets } of inOrder(manifest, this.level, this.placed)) {
      if (part.bytes > LARGEST_PART || part.bytes > left) {
        this.note(`parts: ${part.sha256.slice(0, 16)} is larger than this client takes`);
        continue;
      }
      left -= part.bytes;
      jobs.push({ part, targets, failures: 0, at: 0 });
    }
    return jobs;
  }

  /** One part: fetched, put in its place. Raises what `Work` makes something of. */
  private async bring({ part, targets }: Job, stage: number, manifest: Manifest, signal: AbortSignal): Promise<void> {
    const bytes = (await this.kept.get(part)) ?? (await this.fetch(part, signal));
    signal.throwIfAborted();
    const coarser = targets.filter(({ pointer }) => (this.given.get(pointer) ?? 0) <= part.level);
    if (coarser.length === 0) return;
    for (const { pointer } of coarser) this.given.set(pointer, part.level);
    const animations = new Set(manifest.parts.flatMap(({ kind, targets }) => (kind === "animations" ? targets.map(({ index }) => index) : []))).size;
    await this.world.sharpen(stage, { part, targets: coarser, level: this.level, bytes, animations });
    signal.throwIfAborted();
    this.counts.bytes += bytes.byteLength;
    for (const { pointer } of coarser) this.placed.set(pointer, part.sha256);
  }

  /** A part's bytes, looked at, and kept for another time. */
  private async fetch(part: Part, signal: AbortSignal): Promise<ArrayBuffer> {
    const mxc = parseMxc(part.mxc);
    if (mxc === undefined) throw new PartUnusable("it is nowhere");
    const bytes = await download(this.http, mxc, () => undefined, { signal, most: part.bytes });
    const found = await verdict(bytes, part);
    if (found === "wrong") throw new Error("it is not what the manifest says");
    if (found === "unhashed") this.noteOnce("parts: this page is not on https, so only their sizes are checked");
    else void this.kept.keep(part, bytes);
    return bytes;
  }

  /** A part is left out: of those of lower levels for the same things, the highest is tried. */
  private lost({ part, targets }: Job, why: string, manifest: Manifest): Job[] {
    this.counts.failed++;
    this.note(`parts: ${part.sha256.slice(0, 16)} was left out: ${why}`);
    const best = replacements(manifest.parts, part.level - 1);
    const instead = new Map<Part, Target[]>();
    for (const target of targets) {
      const lower = best.get(target.pointer);
      if (this.given.get(target.pointer) === part.level) this.given.delete(target.pointer);
      if (lower !== undefined && this.placed.get(target.pointer) !== lower.sha256 && lower.mxc !== null && lower.bytes <= LARGEST_PART) instead.set(lower, [...(instead.get(lower) ?? []), target]);
    }
    this.counts.wanted += instead.size;
    return [...instead].map(([lower, those]) => ({ part: lower, targets: those, failures: 0, at: 0 }));
  }

  private readonly noted = new Set<string>();
  private noteOnce(line: string): void {
    if (!this.noted.has(line)) this.note(line);
    this.noted.add(line);
  }

  private async persist<T>(action: () => Promise<T>, signal: AbortSignal): Promise<T> {
    for (const ms of this.pauses) {
      try {
        return await action();
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof HomeserverAway || error instanceof RateLimited)) throw error;
        await pause(error instanceof RateLimited ? Math.max(error.retryAfterMs, ms) : ms, signal);
        signal.throwIfAborted();
      }
    }
    return action();
  }
}

interface WorkHandlers {
  done(): void;
  /** Answers what to do instead. */
  lost(job: Job, why: string): Job[];
}

/** A list of jobs, done a few at a time; those that fail come again later. */
class Work {
  private readonly queue: Job[];

  constructor(
    jobs: readonly Job[],
    private readonly pauses: readonly number[],
    private readonly signal: AbortSignal,
    private readonly act: (job: Job) => Promise<void>,
    private readonly handlers: WorkHandlers,
  ) {
    this.queue = [...jobs];
  }

  async all(): Promise<void> {
    await Promise.all(Array.from({ length: PARALLEL }, () => this.worker()));
  }

  private async worker(): Promise<void> {
    while (this.queue.length > 0 && !this.signal.aborted) {
      const now = performance.now();
      const ready = this.queue.findIndex(({ at }) => at <= now);
      if (ready < 0) {
        await pause(Math.min(...this.queue.map(({ at }) => at)) - now + 10, this.signal);
        continue;
      }
      for (const job of this.queue.splice(ready, 1)) await this.attempt(job);
    }
  }

  private async attempt(job: Job): Promise<void> {
    try {
      await this.act(job);
      this.handlers.done();
    } catch (error) {
      if (this.signal.aborted) return;
      const wait = this.pauses[job.failures++];
      const gone = error instanceof PartUnusable || (error instanceof MatrixError && error.status === 404);
      const why = error instanceof Error ? error.message : String(error);
      if (gone || wait === undefined) this.queue.push(...this.handlers.lost(job, why));
      else this.queue.push({ ...job, at: performance.now() + (error instanceof RateLimited ? Math.max(wait, error.retryAfterMs) : wait) });
    }
  }
}
