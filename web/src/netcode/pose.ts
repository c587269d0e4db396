/**
 * The pose: where somebody stands and which way they look.
 *
 * Rule: one shape for the wire, the interpolation and the scene. Units are metres and radians in
 * glTF's axes (Y up, right-handed); yaw 0 looks along −Z and grows counter-clockwise seen from above.
 */

/** A participant's pose; `x, y, z` is the position of the feet in metres. */
export interface Pose {
  readonly x: number;
  readonly y: number;
  readonly z: number;
  /** Radians, counter-clockwise seen from above; 0 looks along −Z. */
  readonly yaw: number;
  /** Radians, positive looks up, within ±π/2. */
  readonly pitch: number;
  /** Gesture number, 0–255; 0 is none. */
  readonly gesture: number;
  /** Bits of {@link PoseFlag}. */
  readonly flags: number;
}

/** Bits of `Pose.flags`, as the protocol numbers them. */
export const PoseFlag = { speaking: 1, inAir: 2, running: 4, seated: 8 } as const;

/** Standing at the origin, looking along −Z. */
export const ORIGIN: Pose = { x: 0, y: 0, z: 0, yaw: 0, pitch: 0, gesture: 0, flags: 0 };

const TURN = 2 * Math.PI;

/** Brings an angle in radians into (−π, π]. */
export function wrapAngle(angle: number): number {
  const wrapped = ((angle % TURN) + TURN) % TURN;
  return wrapped > Math.PI ? wrapped - TURN : wrapped;
}

/** The angle `t` (0–1, or beyond) of the way from `a` to `b`, along the shorter arc, in radians. */
export function mixAngle(a: number, b: number, t: number): number {
  return wrapAngle(a + wrapAngle(b - a) * t);
}

/** The pose `t` (0–1, or beyond) of the way from `a` to `b`; gesture and flags are those of the nearer one. */
export function mixPose(a: Pose, b: Pose, t: number): Pose {
  const near = t < 0.5 ? a : b;
  return {
    x: a.x + (b.x - a.x) * t,
    y: a.y + (b.y - a.y) * t,
    z: a.z + (b.z - a.z) * t,
    yaw: mixAngle(a.yaw, b.yaw, t),
    pitch: a.pitch + (b.pitch - a.pitch) * Math.min(Math.max(t, 0), 1),
    gesture: near.gesture,
    flags: near.flags,
  };
}

/** Metres between the feet of two poses. */
export function distance(a: Pose, b: Pose): number {
  return Math.hypot(a.x - b.x, a.y - b.y, a.z - b.z);
}
