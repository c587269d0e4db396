/**
 * The body: a capsule that walks, steps, slides, jumps and falls.
 *
 * Rule: one call of `step` is one fixed slice of time, so that the same input gives the same way everywhere; it asks the
 * world only through `Solid`. On the ground the capsule hovers one step's height above its feet and a small ball finds the
 * ground, so stairs and rubble are no obstacles; in the air the whole capsule collides.
 */

import { ballDrop, type Contact, type Ground, overlaps, type Point, pushOut } from "./capsule";
import type { Solid } from "./solid";

/** Metres and seconds. A person with shoes; the step is a high stair. */
export const HEIGHT = 1.7;
export const RADIUS = 0.3;
export const STEP_HEIGHT = 0.35;
/** Upward part of the steepest walkable face's normal: 50°. */
export const MIN_UP = Math.cos((50 * Math.PI) / 180);
export const WALK_SPEED = 2.2;
export const RUN_SPEED = 4.5;
/** m/s²: more than Earth's, as a jump at 9.81 feels like the moon on a screen. */
const GRAVITY = 15;
/** m/s: a jump of 0.85 m. */
const JUMP_SPEED = 5.05;
/** m/s: slow enough that eight slices of a step never pass through a thin floor. */
const FASTEST_FALL = 35;
/** Metres that a slice of a step moves at most: less than half the radius, so no wall is crossed unseen. */
const LONGEST_SLICE = 0.12;
/** m/s²: full speed after a fifth of a second, and a third of that control in the air. */
const GROUND_GRIP = 24;
const AIR_GRIP = 8;
/** Seconds after leaving an edge in which a jump still counts, and before landing in which it is remembered. */
const JUMP_GRACE = 0.12;
/** The ball that feels for the ground; much narrower than the body, so that nothing is climbed by its edge. */
const FOOT = 0.14;
/** The wider ball for gaps and ledges that the foot misses and the body would not pass. */
const SOLE = RADIUS - 0.01;
/** Metres between the spheres of the capsule that hovers above the feet. */
const HOVER = HEIGHT - STEP_HEIGHT - 2 * RADIUS;
/** Metres of a fall that ends: with nothing within them there is only the void. */
const DEEPEST = 500;
/** Steps without any movement in the air after which a body counts as wedged, and may jump. */
const WEDGED_STEPS = 15;
/** Seconds in which two thirds of a step's sudden height are shown. */
const LIFT_TIME = 0.05;

/** What the walker wants: horizontal velocity in m/s, and whether the jump key was pressed since the last step. */
export interface Wish {
  x: number;
  z: number;
  jump: boolean;
}

export class Body {
  x = 0;
  y = 0;
  z = 0;
  vx = 0;
  vy = 0;
  vz = 0;
  grounded = false;
  /** Metres by which the shown body lags behind a step just taken: the height to draw it at is `y − lift`. */
  lift = 0;
  private sinceGround = Infinity;
  private sinceJumpKey = Infinity;
  private stillInAir = 0;

  constructor(private readonly solid: Solid) {}

  /** Puts the feet somewhere, at rest. */
  place(x: number, y: number, z: number): void {
    [this.x, this.y, this.z] = [x, y, z];
    this.vx = this.vy = this.vz = this.lift = 0;
    this.sinceGround = this.sinceJumpKey = Infinity;
    this.stillInAir = 0;
    const ground = this.groundAt(x, z, y + 0.05, y - 0.05);
    this.grounded = ground !== null;
    if (ground !== null) this.y = ground.y;
  }

  /** Horizontal speed in m/s. */
  get speed(): number {
    return Math.hypot(this.vx, this.vz);
  }

  /** One slice of time, `dt` seconds (1/60). */
  step(dt: number, wish: Wish): void {
    this.lift *= Math.exp(-dt / LIFT_TIME);
    this.sinceJumpKey = wish.jump ? 0 : this.sinceJumpKey + dt;
    this.sinceGround = this.grounded ? 0 : this.sinceGround + dt;
    this.steer(wish, (this.grounded ? GROUND_GRIP : AIR_GRIP) * dt);
    this.tryJump();
    if (this.grounded) this.walk(dt);
    else this.fly(dt);
  }

  /** Brings the velocity towards the wished one by at most `change` m/s. */
  private steer(wish: Wish, change: number): void {
    const [dx, dz] = [wish.x - this.vx, wish.z - this.vz];
    const share = Math.min(1, change / Math.max(Math.hypot(dx, dz), 1e-9));
    this.vx += dx * share;
    this.vz += dz * share;
  }

  private tryJump(): void {
    const mayJump = this.grounded || this.sinceGround < JUMP_GRACE || this.stillInAir >= WEDGED_STEPS;
    if (this.sinceJumpKey >= JUMP_GRACE || !mayJump) return;
    this.vy = JUMP_SPEED;
    this.grounded = false;
    this.sinceGround = this.sinceJumpKey = Infinity;
    this.stillInAir = 0;
  }

  private walk(dt: number): void {
    const slices = Math.max(1, Math.ceil((this.speed * dt) / LONGEST_SLICE));
    for (let slice = 0; slice < slices && this.grounded; slice++) this.walkSlice(dt / slices);
  }

  private walkSlice(dt: number): void {
    const [dx, dz] = [this.vx * dt, this.vz * dt];
    if (this.tryWalk(dx, dz)) return;
    // The edge of the world is a wall to whoever walks: along it, or not at all.
    if (this.tryWalk(dx, 0)) this.vz = 0;
    else if (this.tryWalk(0, dz)) this.vx = 0;
    else this.stop();
  }

  /** Walks by (dx, dz) as far as walls and ceilings let one; false, and no step, when it leads over the void. */
  private tryWalk(dx: number, dz: number): boolean {
    const low: Point = { x: this.x + dx, y: this.y + STEP_HEIGHT + RADIUS, z: this.z + dz };
    const contacts = pushOut(this.solid, low, HOVER, RADIUS, true);
    const ground = this.groundAt(low.x, low.z, this.y + STEP_HEIGHT, this.y - STEP_HEIGHT);
    if (ground === null && this.isVoid(low.x, low.z)) return false;
    this.slideAlong(contacts);
    if (contacts.some((contact) => contact.x === 0 && contact.z === 0)) this.stop();
    else if (ground === null) this.leaveGround(low);
    else this.standOn(ground, low);
    return true;
  }

  private leaveGround(at: Point): void {
    [this.x, this.z, this.vy] = [at.x, at.z, 0];
    this.grounded = false;
  }

  private standOn(ground: Ground, at: Point): void {
    const climb = ground.y - this.y;
    // Head room: stepping up must not press the head into a ceiling.
    const head = { x: at.x, y: ground.y + STEP_HEIGHT + RADIUS, z: at.z };
    if (climb > 0.02 && overlaps(this.solid, head, HOVER, RADIUS, 0.03)) return this.stop();
    this.lift += climb - slopePart(climb, Math.hypot(at.x - this.x, at.z - this.z), ground.up);
    [this.x, this.y, this.z] = [at.x, ground.y, at.z];
  }

  /** Whether nothing at all would ever catch a fall here. */
  private isVoid(x: number, z: number): boolean {
    return this.solid.cast(x, this.y + 0.1, z, 0, -1, 0, DEEPEST) === null;
  }

  private stop(): void {
    this.vx = this.vz = 0;
  }

  private fly(dt: number): void {
    const before = { x: this.x, y: this.y, z: this.z };
    this.vy = Math.max(this.vy - GRAVITY * dt, -FASTEST_FALL);
    const path = Math.hypot(this.vx, this.vy, this.vz) * dt;
    const slices = Math.max(1, Math.ceil(path / LONGEST_SLICE));
    for (let slice = 0; slice < slices && !this.grounded; slice++) this.flySlice(dt / slices);
    const moved = Math.hypot(this.x - before.x, this.y - before.y, this.z - before.z);
    this.stillInAir = this.grounded || moved > 0.002 ? 0 : this.stillInAir + 1;
  }

  private flySlice(dt: number): void {
    const low: Point = { x: this.x + this.vx * dt, y: this.y + this.vy * dt + RADIUS, z: this.z + this.vz * dt };
    const contacts = pushOut(this.solid, low, HEIGHT - 2 * RADIUS, RADIUS);
    const falling = this.vy <= 0;
    this.slideAlong(contacts);
    [this.x, this.y, this.z] = [low.x, low.y - RADIUS, low.z];
    if (!falling) return;
    const touched = contacts.some((contact) => contact.y > MIN_UP);
    const ground = this.groundAt(this.x, this.z, this.y + 0.1, this.y - (touched ? 0.2 : 0.01));
    if (ground === null) return;
    this.lift += ground.y - this.y;
    this.y = ground.y;
    this.grounded = true;
    this.vy = 0;
  }

  /** Takes out of the velocity what runs into the touched surfaces. */
  private slideAlong(contacts: readonly Contact[]): void {
    for (const { x, y, z } of contacts) {
      // A steep face is a wall to whoever runs against it: without this one would be thrown up it.
      const across = Math.hypot(x, z);
      const against = across > 0 ? (this.vx * x + this.vz * z) / across : 0;
      if (y < MIN_UP && against < 0) {
        this.vx -= (x / across) * against;
        this.vz -= (z / across) * against;
      }
      const into = this.vx * x + this.vy * y + this.vz * z;
      if (into >= 0) continue;
      this.vx -= x * into;
      this.vy -= y * into;
      this.vz -= z * into;
    }
  }

  /** What to stand on, or null. */
  private groundAt(x: number, z: number, top: number, bottom: number): Ground | null {
    const foot = ballDrop(this.solid, x, z, FOOT, top, bottom, MIN_UP);
    if (foot !== null) return foot;
    // Only down, or level: what the sole alone reaches is no step.
    return ballDrop(this.solid, x, z, SOLE, Math.min(top, this.y + 0.03), Math.max(bottom, this.y - 0.15), MIN_UP);
  }
}

/** The share of a climb that a face as steep as `up` explains over `across` metres; the rest is a step. */
function slopePart(climb: number, across: number, up: number): number {
  const most = across * Math.sqrt(Math.max(0, 1 / (up * up) - 1));
  return Math.min(Math.max(climb, -most), most);
}
