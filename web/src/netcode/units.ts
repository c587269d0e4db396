/**
 * Wire units to metres and radians, and back.
 *
 * Rule: what goes to the wire is rounded and kept within its field, so that a body far outside the world is shown
 * at its border instead of on the other side of it.
 */
import type { WirePose } from "./messages";
import { wrapAngle, type Pose } from "./pose";

const YAW_STEP = (2 * Math.PI) / 65_536;
const PITCH_STEP = Math.PI / 2 / 127;
/** The i24 range in millimetres: ±8.39 km. */
const FARTHEST = 0x7f_ffff;

/** A wire pose in metres and radians. */
export function fromWire(wire: WirePose): Pose {
  return {
    x: wire.x / 1000,
    y: wire.y / 1000,
    z: wire.z / 1000,
    yaw: wrapAngle(wire.yaw * YAW_STEP),
    pitch: Math.max(wire.pitch, -127) * PITCH_STEP,
    gesture: wire.gesture,
    flags: wire.flags,
  };
}

/** A pose in wire units; numbers that are none become 0. */
export function toWire(pose: Pose): WirePose {
  return {
    x: whole(pose.x * 1000, FARTHEST),
    y: whole(pose.y * 1000, FARTHEST),
    z: whole(pose.z * 1000, FARTHEST),
    yaw: ((whole(wrapAngle(pose.yaw) / YAW_STEP, 65_536) % 65_536) + 65_536) % 65_536,
    pitch: whole(pose.pitch / PITCH_STEP, 127),
    gesture: pose.gesture & 0xff,
    flags: pose.flags & 0xff,
  };
}

function whole(value: number, most: number): number {
  if (Number.isNaN(value)) return 0;
  return Math.min(Math.max(Math.round(value), -most), most) + 0; // + 0: never −0
}
