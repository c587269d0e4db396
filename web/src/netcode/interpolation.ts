/**
 * From poses that arrive unevenly to a motion that can be looked at.
 *
 * Rule: reads no clock. Time is the server's, as `ServerClock.unwrap` gives it. What is shown lies a delay behind it,
 * between two received poses; when none has come it goes on for a moment and then stands; what the next pose
 * corrects fades in instead of jumping, unless it is as far as a teleport.
 */
import { distance, mixPose, wrapAngle, type Pose } from "./pose";

/** Poses kept per peer: at 20 Hz, 1.6 s. */
const KEPT = 32;
/** How long a motion is continued without news, in ms. */
const EXTRAPOLATE_MS = 200;
/** A step between two poses, or a correction, larger than this is a teleport and shown as one, in metres. */
const TELEPORT = 4;
/** Time constant with which a correction fades in, in ms. */
const FADE_MS = 90;

interface Stamped {
  readonly at: number;
  readonly pose: Pose;
}

export class PoseBuffer {
  private readonly poses: Stamped[] = [];
  private shownAt: number | null = null;
  private error: Correction = NO_CORRECTION;

  /** A pose that the server stamped `at`; order does not matter, repeats and very late ones are ignored. */
  push(at: number, pose: Pose): void {
    let index = this.poses.length;
    while (index > 0 && (this.poses[index - 1]?.at ?? 0) > at) index -= 1;
    if (this.poses[index - 1]?.at === at) return;
    if (index === 0 && this.poses.length === KEPT) return;
    const before = this.shownAt === null ? undefined : this.raw(this.shownAt);
    this.poses.splice(index, 0, { at, pose });
    if (this.poses.length > KEPT) this.poses.shift();
    if (before && this.shownAt !== null) this.absorb(before, this.raw(this.shownAt) ?? before);
  }

  /** The pose to show at server time `at` (ms); undefined while none has arrived. */
  sample(at: number): Pose | undefined {
    const raw = this.raw(at);
    if (!raw) return undefined;
    const elapsed = this.shownAt === null ? 0 : Math.max(at - this.shownAt, 0);
    this.shownAt = Math.max(at, this.shownAt ?? at);
    this.error = faded(this.error, Math.exp(-elapsed / FADE_MS));
    return corrected(raw, this.error);
  }

  /** The newest pose, as received. */
  get newest(): Pose | undefined {
    return this.poses.at(-1)?.pose;
  }

  /** The path at the moment shown has just changed from `before` to `after`: keep what the eye saw, and fade. */
  private absorb(before: Pose, after: Pose): void {
    if (distance(before, after) > TELEPORT) {
      this.error = NO_CORRECTION;
      return;
    }
    this.error = {
      x: this.error.x + before.x - after.x,
      y: this.error.y + before.y - after.y,
      z: this.error.z + before.z - after.z,
      yaw: wrapAngle(this.error.yaw + before.yaw - after.yaw),
    };
  }

  private raw(at: number): Pose | undefined {
    let index = this.poses.length - 1;
    while (index >= 0 && (this.poses[index]?.at ?? 0) > at) index -= 1;
    const [a, b] = [this.poses[index], this.poses[index + 1]];
    if (!a) return b?.pose;
    if (b) return distance(a.pose, b.pose) > TELEPORT ? a.pose : mixPose(a.pose, b.pose, (at - a.at) / (b.at - a.at));
    return continued(this.poses[index - 1], a, at);
  }
}

/** The motion from `before` to `last`, carried on to `at` but no longer than EXTRAPOLATE_MS. */
function continued(before: Stamped | undefined, last: Stamped, at: number): Pose {
  if (!before || distance(before.pose, last.pose) > TELEPORT) return last.pose;
  const ahead = Math.min(at - last.at, EXTRAPOLATE_MS);
  const t = 1 + ahead / (last.at - before.at);
  const pose = mixPose(before.pose, last.pose, t);
  return { ...pose, pitch: last.pose.pitch, yaw: last.pose.yaw };
}

type Correction = Readonly<Pick<Pose, "x" | "y" | "z" | "yaw">>;
const NO_CORRECTION: Correction = { x: 0, y: 0, z: 0, yaw: 0 };

function faded(error: Correction, factor: number): Correction {
  if (error === NO_CORRECTION) return error;
  const rest = { x: error.x * factor, y: error.y * factor, z: error.z * factor, yaw: error.yaw * factor };
  const small = Math.abs(rest.x) + Math.abs(rest.y) + Math.abs(rest.z) < 1e-4 && Math.abs(rest.yaw) < 1e-4;
  return small ? NO_CORRECTION : rest;
}

function corrected(pose: Pose, error: Correction): Pose {
  if (error === NO_CORRECTION) return pose;
  return { ...pose, x: pose.x + error.x, y: pose.y + error.y, z: pose.z + error.z, yaw: wrapAngle(pose.yaw + error.yaw) };
}

/** How far behind the server everything is shown: as little as the unevenness of arrival allows. */
export class ShowDelay {
  /** Milliseconds. */
  private current = 120;
  private lateness: number[] = [];
  private movedAt: number | null = null;

  static readonly least = 100;
  static readonly most = 300;

  /** A snapshot stamped `at` arrived when the server's clock showed `serverNow`; `tickMs` apart from the next. */
  arrived(at: number, serverNow: number, tickMs: number): void {
    this.lateness.push(serverNow - at);
    if (this.lateness.length > 60) this.lateness.shift(); // 3 s at 20 Hz
    const sorted = this.lateness.toSorted((a, b) => a - b);
    const late = sorted[Math.floor((sorted.length - 1) * 0.95)] ?? 0;
    const wanted = Math.min(Math.max(late + tickMs + 20, ShowDelay.least), ShowDelay.most);
    const elapsed = this.movedAt === null ? 0 : Math.min(Math.max(serverNow - this.movedAt, 0), 1_000);
    const most = elapsed * 0.04; // 40 ms a second: a walk seems 4% faster or slower, which nobody sees
    this.current += Math.min(Math.max(wanted - this.current, -most), most);
    this.movedAt = serverNow;
  }

  get ms(): number {
    return this.current;
  }
}
