/**
 * The records of a SIGHT: a Keyframe of 16 bytes, or a Delta of 8 that is read against a known pose.
 *
 * Rule: a Delta needs no particular keyframe: any pose of the same peer that is at most REFERENCE_TICKS older will do,
 * for the server sends a Delta only where all of them agree.
 */
import { ProtocolError } from "./errors";
import type { Reader, Writer } from "./frame";
import type { Delta, Keyframe, WirePose } from "./messages";
import { PoseFlag } from "./pose";

/** The bit of a record's first two bytes that tells a Keyframe from a Delta. */
const KEYFRAME = 1 << 13;
const MAX_PEER = KEYFRAME - 1;
/** Centimetres after which x and z of a Delta repeat, and y. */
const WINDOW = 2_048;
const WINDOW_Y = 256;

export function isKeyframe(record: Keyframe | Delta): record is Keyframe {
  return "gesture" in record;
}

export function readRecord(r: Reader): Keyframe | Delta {
  const head = r.u16();
  const peer = head & MAX_PEER;
  if (peer === 0) throw new ProtocolError("value", "peer 0 is nobody");
  if ((head & KEYFRAME) === 0) return readDelta(r, head, peer);
  if (head >> 14 !== 0) throw new ProtocolError("value", "the bits above a keyframe's mark are 0");
  const pose = r.pose();
  return { ...pose, peer, flags: pose.flags & 15, age: pose.flags >> 4 };
}

function readDelta(r: Reader, head: number, peer: number): Delta {
  const low = head | (r.u16() << 16);
  const high = r.u32();
  return {
    peer,
    x: (low >>> 14) & 2047,
    pitch: low >> 25,
    z: high & 2047,
    y: (high >>> 11) & 255,
    speaking: (high >>> 19) & 1,
    yaw: (high >>> 20) & 255,
    age: high >>> 28,
  };
}

export function writeRecord(w: Writer, record: Keyframe | Delta): Writer {
  const { peer, age } = record;
  if (isKeyframe(record)) {
    const flags = bits([record.flags, 4], [age, 4]);
    return w.u16(bits([peer, 13], [1, 1])).pose({ ...record, flags });
  }
  const { x, y, z, pitch, yaw, speaking } = record;
  if (pitch < -64 || pitch > 63) throw new RangeError(`${pitch} does not fit i7`);
  const low = bits([peer, 13], [0, 1], [x, 11], [pitch & 127, 7]);
  return w.u32(low).u32(bits([z, 11], [y, 8], [speaking, 1], [yaw, 8], [age, 4]));
}

/** Unsigned fields [value, width], 32 bits together at most, packed from the lowest bit up. */
function bits(...fields: readonly (readonly [number, number])[]): number {
  let [word, at] = [0, 1];
  for (const [value, width] of fields) {
    if (!Number.isInteger(value) || value < 0 || value >= 2 ** width) throw new RangeError(`${value} does not fit u${width}`);
    word += value * at;
    at *= 2 ** width;
  }
  return word;
}

/** The pose that a record tells; of a Delta the one nearest to what is known of its peer, or undefined without that. */
export function poseOf(record: Keyframe | Delta, known: WirePose | undefined): WirePose | undefined {
  if (isKeyframe(record)) return record;
  if (known === undefined) return undefined;
  return {
    x: near(record.x, known.x, WINDOW),
    y: near(record.y, known.y, WINDOW_Y),
    z: near(record.z, known.z, WINDOW),
    yaw: record.yaw << 8,
    pitch: Math.max(record.pitch * 2, -127),
    gesture: known.gesture,
    flags: (known.flags & ~PoseFlag.speaking) | (record.speaking * PoseFlag.speaking),
  };
}

/** Millimetres: the place whose centimetres end in `low`, within half a window of a known place. */
function near(low: number, known: number, window: number): number {
  const centimetres = Math.floor((known + 5) / 10);
  const ahead = (low - centimetres + window / 2) & (window - 1); // windows are powers of two
  return (centimetres + ahead - window / 2) * 10;
}
