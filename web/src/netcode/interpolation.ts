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
/** Poses taken closer together than this are the same one, told twice, in ms: ages are rounded to 16. */
const SAME_MS = 20;
/** How long a motion is continued without news, in ms. */
const EXTRAPOLATE_MS = 200;
/** A step between two poses, or a correction, larger than this is a teleport and shown as one, in metres. */
const TELEPORT = 4;
/** Time constant with which a small correction fades in, in ms, and what each metre of it adds. */
const FADE_MS = 40;
const FADE_MS_PER_M = 50;

interface Stamped {
  readonly at: number;
  readonly pose: Pose;
}

export class PoseBuffer {
  private readonly poses: Stamped[] = [];
  private shownAt: number | null = null;
  private error: Correction = NO_CORRECTION;

  /** A pose taken at `at`; order does not matter. False for repeats and for very late ones, which are ignored. */
  push(at: number, pose: Pose): boolean {
    let index = this.poses.length;
    while (index > 0 && (this.poses[index - 1]?.at ?? 0) > at) index -= 1;
    const [older, newer] = [this.poses[index - 1], this.poses[index]];
    if ((older && at - older.at < SAME_MS) || (newer && newer.at - at < SAME_MS)) return false;
    if (index === 0 && this.poses.length === KEPT) return false;
    const before = this.shownAt === null ? undefined : this.raw(this.shownAt);
    this.poses.splice(index, 0, { at, pose });
    if (this.poses.length > KEPT) this.poses.shift();
    if (before && this.shownAt !== null) this.absorb(before, this.raw(this.shownAt) ?? before);
    return true;
  }

  /** The pose to show at server time `at` (ms); undefined while none has arrived. */
  sample(at: number): Pose | undefined {
    const raw = this.raw(at);
    if (!raw) return undefined;
    const elapsed = this.shownAt === null ? 0 : Math.max(at - this.shownAt, 0);
    this.shownAt = Math.max(at, this.shownAt ?? at);
    const size = Math.hypot(this.error.x, this.error.y, this.error.z);
    this.error = faded(this.error, Math.exp(-elapsed / (FADE_MS + FADE_MS_PER_M * size)));
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

/** Lateness of the last so many poses of a peer. */
const LATENESSES = 40;
/** Gaps between the last so many poses of a peer. */
const GAPS = 8;
/** A longer gap is a rest, and says nothing about how often a peer is told of, in ms. */
const REST_MS = 450;
/** How far behind somebody told of at 20 Hz is shown at most, if the network lets poses come that soon, in ms. */
const WANTED_MS = 150;
const TICK_MS = 50;

/**
 * How far behind the server one peer is shown.
 *
 * Late enough that the next pose is there when it is needed, but no later than WANTED_MS for that: a moment is guessed
 * instead. Only when the network itself is later than that is more allowed: as much as most poses need to come at all.
 */
export class ShowDelay {
  /** Milliseconds. */
  private current = WANTED_MS;
  private lateness: number[] = [];
  private gaps: number[] = [];
  private last: number | null = null;
  private movedAt: number | null = null;

  static readonly least = 60;
  static readonly most = 500;

  /** A pose taken at `at` arrived when the server's clock showed `serverNow`, both in ms. */
  arrived(at: number, serverNow: number): void {
    if (this.last !== null) keep(this.gaps, at - this.last, GAPS);
    this.last = Math.max(at, this.last ?? at);
    keep(this.lateness, serverNow - at, LATENESSES);
    const gap = Math.min(share(this.gaps.filter((each) => each > 0 && each < REST_MS), 0.5) ?? TICK_MS, REST_MS);
    const comfortable = (share(this.lateness, 0.95) ?? 0) + gap;
    const bearable = Math.max(share(this.lateness, 0.6) ?? 0, WANTED_MS + Math.max(gap - TICK_MS, 0));
    const wanted = Math.min(Math.max(Math.min(comfortable, bearable), ShowDelay.least), ShowDelay.most);
    const elapsed = this.movedAt === null ? 0 : Math.min(Math.max(serverNow - this.movedAt, 0), 1_000);
    const most = elapsed * 0.06; // 60 ms a second: a walk seems 6% faster or slower, which nobody sees
    this.current += Math.min(Math.max(wanted - this.current, -most), most);
    this.movedAt = serverNow;
  }

  get ms(): number {
    return this.current;
  }
}

function keep(values: number[], value: number, most: number): void {
  values.push(value);
  if (values.length > most) values.shift();
}

/** The value that this share of the others does not exceed. */
function share(values: readonly number[], of: number): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) * of)];
}
