/**
 * Which clip plays how strongly, and how fast, for someone moving at a speed.
 *
 * Rule: pure; feet must not slide, so a clip's rate is the speed over the speed it was made for.
 */

export type ClipName = "idle" | "walk" | "run" | "wave";

/** m/s that the clips of the shared rig were made for, when a file does not say (`extras.speed` of its animation). */
export const MADE_FOR = { walk: 1.5, run: 4 };

export interface Blend {
  idle: number;
  walk: number;
  run: number;
  /** Playback rates; negative plays backwards. */
  walkRate: number;
  runRate: number;
}

/** Below this many m/s one stands: interpolated poses never rest exactly. */
const STANDING = 0.12;
const WALKING = 0.8;
/** m/s at which running begins, and at which it is all there is. */
const RUN_FROM = 2.6;
const RUN_WHOLLY = 3.8;
/** A stride can be hurried or stretched this much before it looks wrong. */
const SLOWEST = 0.5;
const FASTEST = 1.9;

/** Weights that add up to 1. `forward` is negative for someone who walks backwards. */
export function blendFor(speed: number, forward: number, made: { walk: number; run: number } = MADE_FOR): Blend {
  const moving = ramp(speed, STANDING, WALKING);
  const running = ramp(speed, RUN_FROM, RUN_WHOLLY);
  const sign = forward < 0 ? -1 : 1;
  const rate = (of: number): number => sign * Math.min(Math.max(speed / of, SLOWEST), FASTEST);
  return { idle: 1 - moving, walk: moving * (1 - running), run: moving * running, walkRate: rate(made.walk), runRate: rate(made.run) };
}

/** The clip that is seen most. */
export function strongest({ idle, walk, run }: Blend): "idle" | "walk" | "run" {
  return idle >= walk && idle >= run ? "idle" : walk >= run ? "walk" : "run";
}

function ramp(value: number, from: number, to: number): number {
  const share = Math.min(Math.max((value - from) / (to - from), 0), 1);
  return share * share * (3 - 2 * share);
}
