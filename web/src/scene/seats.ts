/**
 * Seats: where one may sit down, and which way one then looks.
 *
 * Rule: OMI_seat gives three points in its node's space; here they become the place of a seated body's feet and its yaw.
 */

import { Vector3 } from "three";

import type { Solid } from "../walk/solid";
import type { LoadedFile } from "./load";
import type { Seat } from "./places";

export interface PlacedSeat {
  /** Where the hips rest: the middle of the sitting surface, metres. */
  x: number;
  y: number;
  z: number;
  /** The height that the feet reach down to. */
  floor: number;
  yaw: number;
}

export function placeSeats(seats: readonly Seat[], file: LoadedFile, solid: Solid): PlacedSeat[] {
  return seats.flatMap((seat) => {
    const node = file.node(seat.node);
    if (node === null) return [];
    const at = (point: readonly [number, number, number]): Vector3 => new Vector3(...point).applyMatrix4(node.matrixWorld);
    const [back, knee, foot] = [at(seat.back), at(seat.knee), at(seat.foot)];
    const ahead = knee.clone().sub(back);
    if (Math.hypot(ahead.x, ahead.z) < 0.05) return [];
    const hips = back.clone().lerp(knee, 0.35);
    const ground = solid.cast(knee.x, knee.y + 0.05, knee.z, 0, -1, 0, 1.5);
    const floor = Math.min(foot.y, ground === null ? foot.y : knee.y + 0.05 - ground.distance);
    return [{ x: hips.x, y: hips.y, z: hips.z, floor, yaw: Math.atan2(-ahead.x, -ahead.z) }];
  });
}
