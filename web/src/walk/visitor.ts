/**
 * The visitor: one's own body, camera and seat, driven by input.
 *
 * Rule: everything that one's own keys do to one's own pose happens here, and nowhere else.
 */

import type { PerspectiveCamera } from "three";

import type { Pose } from "../netcode/pose";
import { mixAngle, PoseFlag } from "../netcode/pose";
import type { PlacedSeat } from "../scene/seats";
import { RUN_SPEED, WALK_SPEED } from "./body";
import { FollowCamera } from "./camera";
import type { Intent } from "./input";
import type { Solid } from "./solid";
import { Walker } from "./walker";

/** Seconds in which a body in third person turns two thirds of the way to where it goes. */
const TURN_TIME = 0.09;
/** Metres from which a seat can be taken. */
const SEAT_REACH = 1.4;
/** Metres that a seated head is lower than a standing one. */
const SEATED_DROP = 0.42;
/** Seconds that a gesture is carried in the pose: long enough for a lossy link. */
const GESTURE_TIME = 1.6;

export class Visitor {
  readonly camera: FollowCamera;
  private readonly walker: Walker;
  private yaw = 0;
  private seat: PlacedSeat | null = null;
  private gestureCode = 0;
  private gestureLeft = 0;
  private running = false;

  constructor(camera: PerspectiveCamera, private readonly solid: Solid, private readonly seats: readonly PlacedSeat[]) {
    this.camera = new FollowCamera(camera);
    this.walker = new Walker(solid);
  }

  place(x: number, y: number, z: number, yaw: number): void {
    this.seat = null;
    this.walker.place(x, y, z);
    this.yaw = yaw;
    this.camera.jump(yaw);
  }

  get pose(): Pose {
    const { x, y, z } = this.position;
    const { body } = this.walker;
    const inAir = !body.grounded && this.seat === null ? PoseFlag.inAir : 0;
    const running = this.running && body.speed > WALK_SPEED + 0.4 ? PoseFlag.running : 0;
    const seated = this.seat === null ? 0 : PoseFlag.seated;
    return { x, y, z, yaw: this.yaw, pitch: this.camera.pitch, gesture: this.gestureCode, flags: inAir | running | seated };
  }

  get grounded(): boolean {
    return this.seat !== null || this.walker.body.grounded;
  }

  /** Horizontal m/s as measured by the body. */
  get speed(): number {
    return this.seat === null ? this.walker.body.speed : 0;
  }

  get height(): number {
    return this.walker.body.y;
  }

  /** A line about what E would do here, or null. */
  get hint(): string | null {
    if (this.seat !== null) return "E: stand up";
    return this.nearestSeat() === null ? null : "E: sit down";
  }

  gesture(code: number): void {
    [this.gestureCode, this.gestureLeft] = [code, GESTURE_TIME];
  }

  /** One frame: looks, sits, walks. */
  advance(seconds: number, intent: Intent): void {
    if (intent.toggleView) this.camera.toggle();
    this.camera.look(intent.turn, intent.pitch, intent.zoom);
    if (intent.gesture !== null) this.gesture(intent.gesture);
    this.gestureLeft -= seconds;
    if (this.gestureLeft <= 0) this.gestureCode = 0;
    const moves = intent.forward !== 0 || intent.right !== 0 || intent.jump;
    if (this.seat !== null && (moves || intent.use)) this.standUp();
    else if (intent.use) this.seat = this.nearestSeat();
    if (this.seat === null) this.walk(seconds, intent);
    else this.yaw = this.seat.yaw;
    const { x, y, z } = this.position;
    this.camera.follow(x, y, z, this.seat === null ? 0 : SEATED_DROP, this.solid, seconds);
  }

  private get position(): { x: number; y: number; z: number } {
    return this.seat === null ? this.walker.shown : { x: this.seat.x, y: this.seat.floor, z: this.seat.z };
  }

  private walk(seconds: number, { forward, right, run, jump }: Intent): void {
    const push = Math.min(Math.hypot(forward, right), 1);
    const speed = push * (run ? RUN_SPEED : WALK_SPEED);
    const heading = this.camera.yaw + Math.atan2(-right, forward);
    this.running = run && push > 0;
    this.walker.advance(seconds, { x: -Math.sin(heading) * speed, z: -Math.cos(heading) * speed, jump });
    if (this.camera.firstPerson) this.yaw = this.camera.yaw;
    else if (push > 0) this.yaw = mixAngle(this.yaw, heading, 1 - Math.exp(-seconds / TURN_TIME));
  }

  private nearestSeat(): PlacedSeat | null {
    const { x, y, z } = this.walker.shown;
    const away = (seat: PlacedSeat): number => Math.hypot(seat.x - x, seat.z - z) + Math.abs(seat.floor - y) * 0.5;
    const nearest = [...this.seats].sort((a, b) => away(a) - away(b))[0];
    return nearest !== undefined && away(nearest) < SEAT_REACH ? nearest : null;
  }

  /** In front of the seat, where the knees were. */
  private standUp(): void {
    const seat = this.seat as PlacedSeat;
    this.seat = null;
    const [x, z] = [seat.x - Math.sin(seat.yaw) * 0.65, seat.z - Math.cos(seat.yaw) * 0.65];
    this.walker.place(x, seat.floor + 0.1, z);
  }
}
