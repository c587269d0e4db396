/**
 * Typed reading of JSON that a stranger wrote.
 *
 * Rule: a wrong type is never an exception and never passes through; it reads as absent, and says so once in the notes.
 */

/** An object of unknown content. */
export type Fields = { readonly [key: string]: unknown };

/** What was skipped, mended or guessed in a scene: one line each, for people; repeated and excess lines are dropped. */
export class Notes {
  /** More lines than this help nobody and would let a hostile file fill memory. */
  private static readonly LIMIT = 40;
  private readonly seen = new Set<string>();

  add(line: string): void {
    if (this.seen.size < Notes.LIMIT) this.seen.add(line.slice(0, 240));
  }

  get lines(): string[] {
    return [...this.seen];
  }
}

export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** `value` when it is an object, else an empty one. */
export function fields(value: unknown): Fields {
  return isFields(value) ? value : {};
}

/** `value` when it is an array, else an empty one. */
export function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function text(value: unknown, fallback = "", longest = 200): string {
  return typeof value === "string" ? value.slice(0, longest) : fallback;
}

export function bool(value: unknown, fallback: boolean): boolean {
  return typeof value === "boolean" ? value : fallback;
}

/** A finite number within [low, high] (beyond: clamped), else the fallback. */
export function number(value: unknown, fallback: number, low = -Infinity, high = Infinity): number {
  if (typeof value !== "number" || !Number.isFinite(value)) return fallback;
  return Math.min(Math.max(value, low), high);
}

/** A whole number ≥ 0 that is below `count`: an index into a list; else null. */
export function index(value: unknown, count: number): number | null {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value < count ? value : null;
}

export type Triple = [number, number, number];

/** Three finite numbers, each within ±`limit`; else null. */
export function triple(value: unknown, limit = 1e6): Triple | null {
  if (!Array.isArray(value) || value.length !== 3) return null;
  const [x, y, z] = value as unknown[];
  if (typeof x !== "number" || typeof y !== "number" || typeof z !== "number") return null;
  return [x, y, z].every((part) => Number.isFinite(part) && Math.abs(part) <= limit) ? [x, y, z] : null;
}

/** A linear colour, each part within 0..`brightest`; else the fallback. */
export function colour(value: unknown, fallback: Triple, brightest = 100): Triple {
  const read = triple(value);
  return read === null ? fallback : (read.map((part) => Math.min(Math.max(part, 0), brightest)) as Triple);
}

/** The extension `name` of a glTF object, or null. */
export function extension(owner: unknown, name: string): Fields | null {
  const found = fields(fields(owner)["extensions"])[name];
  return isFields(found) ? found : null;
}
