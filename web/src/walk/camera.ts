/**
 * The camera: behind the shoulder, or in the head.
 *
 * Rule: it looks where the visitor turned it, stands nowhere inside a wall, and never moves the body.
 */

import { type PerspectiveCamera, Vector3 } from "three";

import type { Solid } from "./solid";

/** Metres. Eyes of a body 1.7 m tall; the point that the camera turns about; the shoulder it looks over. */
export const EYE_HEIGHT = 1.58;
const PIVOT_HEIGHT = 1.5;
const SHOULDER = 0.32;
const NEAREST = 0.9;
const FARTHEST = 7;
const USUAL = 3;
/** Metres that are kept to walls, so that the near plane cuts none. */
const MARGIN = 0.18;
/** Radians up and down. */
const HIGHEST = 1.35;
const LOWEST = -1.45;
/** Seconds in which two thirds of the way back out of a corner are made; inwards it is instant. */
const RETREAT = 0.25;
const FOLLOW = 0.05;

export class FollowCamera {
  yaw = 0;
  pitch = -0.12;
  firstPerson = false;
  private wanted = USUAL;
  private distance = USUAL;
  private readonly pivot = new Vector3();
  private readonly ahead = new Vector3();
  private readonly right = new Vector3();
  private settled = false;

  constructor(readonly camera: PerspectiveCamera) {
    camera.rotation.order = "YXZ";
  }

  /** Metres between the camera and the head: the own body is hidden when it is too near to be seen whole. */
  get closeness(): number {
    return this.firstPerson ? 0 : this.distance;
  }

  look(turn: number, pitch: number, zoom: number): void {
    this.yaw += turn;
    this.pitch = Math.min(Math.max(this.pitch + pitch, LOWEST), HIGHEST);
    if (zoom === 0) return;
    if (this.firstPerson) {
      if (zoom < 0) [this.firstPerson, this.wanted] = [false, NEAREST];
      return;
    }
    this.wanted *= Math.pow(0.88, zoom);
    if (this.wanted < NEAREST * 0.85) this.toggle();
    this.wanted = Math.min(Math.max(this.wanted, NEAREST), FARTHEST);
  }

  toggle(): void {
    this.firstPerson = !this.firstPerson;
    if (!this.firstPerson) this.wanted = Math.max(this.wanted, USUAL);
    this.settled = false;
  }

  /** Stands anew behind someone who was put elsewhere. */
  jump(yaw: number): void {
    [this.yaw, this.pitch, this.settled] = [yaw, -0.12, false];
    this.distance = this.wanted;
  }

  /** Looks as another one did: what is around has changed, the eye has not. */
  lookAs({ yaw, pitch, firstPerson, wanted, distance }: FollowCamera): void {
    [this.yaw, this.pitch, this.firstPerson] = [yaw, pitch, firstPerson];
    [this.wanted, this.distance] = [wanted, distance];
  }

  /** Follows feet at (x, y, z) through a frame of `seconds`. `drop`: metres that a seated head is lower. */
  follow(x: number, y: number, z: number, drop: number, solid: Solid | null, seconds: number): void {
    const { camera, pivot } = this;
    camera.rotation.set(this.pitch, this.yaw, 0);
    const height = (this.firstPerson ? EYE_HEIGHT : PIVOT_HEIGHT) - drop;
    const share = this.settled && !this.firstPerson ? 1 - Math.exp(-seconds / FOLLOW) : 1;
    pivot.set(pivot.x + (x - pivot.x) * share, pivot.y + (y + height - pivot.y) * share, pivot.z + (z - pivot.z) * share);
    this.settled = true;
    if (this.firstPerson) camera.position.copy(pivot);
    else this.stepBack(solid, seconds);
  }

  private stepBack(solid: Solid | null, seconds: number): void {
    const { camera, pivot, ahead, right } = this;
    ahead.set(0, 0, -1).applyEuler(camera.rotation);
    right.set(1, 0, 0).applyEuler(camera.rotation);
    const aside = free(solid, pivot, right, SHOULDER);
    camera.position.copy(pivot).addScaledVector(right, aside);
    ahead.negate();
    const room = free(solid, camera.position, ahead, this.wanted);
    this.distance = room < this.distance ? room : this.distance + (room - this.distance) * (1 - Math.exp(-seconds / RETREAT));
    camera.position.addScaledVector(ahead, this.distance);
  }
}

/** Metres of `reach` that are free of walls, less a margin. */
function free(solid: Solid | null, from: Vector3, direction: Vector3, reach: number): number {
  const hit = solid?.cast(from.x, from.y, from.z, direction.x, direction.y, direction.z, reach + MARGIN);
  if (hit === null || hit === undefined) return reach;
  // Grazing a wall, the margin along the ray must be longer to keep the same distance to it.
  const facing = Math.abs(direction.x * hit.normal[0] + direction.y * hit.normal[1] + direction.z * hit.normal[2]);
  return Math.max(0, Math.min(reach, hit.distance - MARGIN / Math.max(facing, 0.3)));
}
