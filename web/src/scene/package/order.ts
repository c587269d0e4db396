/**
 * In which order a visitor takes the parts of a package.
 *
 * Rule: what looks largest from the start comes first, at its sharpest; pictures that would be waited for come coarser first.
 * Follows scenes/PACKAGE.md, "In which order".
 */

import { type Manifest, type Part, replacements, type Target } from "./manifest";

/** Bytes after which somebody waits: 1.7 s on a line of 20 Mbit/s. */
const SOON = 4 * 1024 * 1024;
/** What comes first may cost this much of what it stands in for; pictures of half the edge are about a third. */
const WORTH = 0.5;

export interface Taken {
  readonly part: Part;
  /** Those of the part's targets that it is taken for. */
  readonly targets: readonly Target[];
}

/** What to take for `level`, in order. `placed`: by pointer, the SHA-256 of the part that is in its place already. */
export function inOrder(manifest: Manifest, level: number, placed: ReadonlyMap<string, string>): Taken[] {
  const first = new Map<Part, Target[]>();
  const later: Taken[] = [];
  const below = new Map<number, Map<string, Part>>();
  let bytes = 0;
  for (const taken of sharpest(manifest, level, placed)) {
    const { part } = taken;
    bytes += part.bytes;
    const lower = below.get(part.level) ?? replacements(manifest.parts, part.level - 1);
    below.set(part.level, lower);
    const before = bytes > SOON && part.kind === "images" ? forerunners(taken, lower, placed) : [];
    for (const { part, targets } of before.length > 0 ? before : [taken]) first.set(part, [...(first.get(part) ?? []), ...targets]);
    if (before.length > 0) later.push(taken);
  }
  return [...[...first].map(([part, targets]) => ({ part, targets })), ...later];
}

/** The parts that count at `level` and are not in place, the most urgent first. */
function sharpest({ parts }: Manifest, level: number, placed: ReadonlyMap<string, string>): Taken[] {
  const best = replacements(parts, level);
  // A thing is as urgent at every level: levels are numbered one after the other.
  const urgency = new Map<string, number>();
  for (const { level: at, priority, targets } of parts) {
    if (at <= level) for (const { pointer } of targets) urgency.set(pointer, Math.min(priority, urgency.get(pointer) ?? priority));
  }
  const all = [...new Set(best.values())].flatMap((part) => {
    const targets = part.targets.filter(({ pointer }) => best.get(pointer) === part && placed.get(pointer) !== part.sha256);
    const rank = targets.reduce((least, { pointer }) => Math.min(least, urgency.get(pointer) ?? part.priority), part.priority);
    return targets.length > 0 && part.mxc !== null ? [{ part, targets, rank }] : [];
  });
  return all.sort((a, b) => a.rank - b.rank || a.part.priority - b.part.priority);
}

/** The coarser parts for the same things, where nothing is yet, if they are worth their bytes. */
function forerunners({ part, targets }: Taken, lower: ReadonlyMap<string, Part>, placed: ReadonlyMap<string, string>): Taken[] {
  const found = new Map<Part, Target[]>();
  for (const target of targets) {
    const coarser = placed.has(target.pointer) ? undefined : lower.get(target.pointer);
    if (coarser !== undefined && coarser.mxc !== null) found.set(coarser, [...(found.get(coarser) ?? []), target]);
  }
  const bytes = [...found.keys()].reduce((sum, coarser) => sum + coarser.bytes, 0);
  return bytes <= part.bytes * WORTH ? [...found].map(([part, targets]) => ({ part, targets })) : [];
}
