/**
 * An upright capsule among triangles: pushing it out, and finding the ground under it.
 *
 * Rule: pure geometry; no speed, no time, no state. Metres, Y up; a capsule is its lower sphere's centre, the height of the
 * upper one above it, and a radius.
 */

import type { Solid, Triangle } from "./solid";

/** Where a capsule touched: unit vector from the surface towards the body. */
export interface Contact {
  x: number;
  y: number;
  z: number;
}

/** A position that the functions here move. */
export interface Point {
  x: number;
  y: number;
  z: number;
}

/** Rounds of pushing: a corner of three faces settles in three. */
const ROUNDS = 4;

/**
 * Moves `low` (the lower sphere's centre) until the capsule overlaps nothing, and answers the touched directions.
 * `rise` is the distance between the spheres' centres. With `flat` it is moved sideways only; a contact straight above or
 * below then has no way out and is answered with x = z = 0.
 */
export function pushOut(solid: Solid, low: Point, rise: number, radius: number, flat = false): Contact[] {
  const contacts: Contact[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    let moved = false;
    const box = {
      minX: low.x - radius, minY: low.y - radius, minZ: low.z - radius,
      maxX: low.x + radius, maxY: low.y + rise + radius, maxZ: low.z + radius,
    };
    solid.near(box, (triangle) => {
      const contact = pushOffTriangle(triangle, low, rise, radius, flat);
      if (contact === null) return;
      contacts.push(contact);
      moved ||= !flat || contact.x !== 0 || contact.z !== 0;
    });
    if (!moved) break;
  }
  return contacts;
}

const onTriangle: Point = { x: 0, y: 0, z: 0 };

function pushOffTriangle(t: Triangle, low: Point, rise: number, radius: number, flat: boolean): Contact | null {
  // The point of the axis nearest to the triangle: alternate between the two, which settles fast for a short axis.
  let height = rise / 2;
  for (let step = 0; step < 3; step++) {
    closestOnTriangle(t, low.x, low.y + height, low.z, onTriangle);
    height = Math.min(Math.max(onTriangle.y - low.y, 0), rise);
  }
  closestOnTriangle(t, low.x, low.y + height, low.z, onTriangle);
  const [dx, dy, dz] = [low.x - onTriangle.x, low.y + height - onTriangle.y, low.z - onTriangle.z];
  const distance = Math.hypot(dx, dy, dz);
  // At distance 0 there is no telling which side: another triangle, or the next step, decides. A triangle without area
  // has no nearest point (NaN); its neighbours have.
  if (!(distance < radius) || distance < 1e-6) return null;
  if (flat) return pushSideways(low, dx, dy, dz, radius);
  const push = (radius - distance) / distance;
  low.x += dx * push;
  low.y += dy * push;
  low.z += dz * push;
  return { x: dx / distance, y: dy / distance, z: dz / distance };
}

/** Clears the point at (−dx, −dy, −dz) from the axis by a horizontal move. */
function pushSideways(low: Point, dx: number, dy: number, dz: number, radius: number): Contact {
  const across = Math.hypot(dx, dz);
  if (across < 1e-4) return { x: 0, y: Math.sign(dy), z: 0 };
  const push = Math.sqrt(radius * radius - dy * dy) / across - 1;
  low.x += dx * push;
  low.z += dz * push;
  return { x: dx / across, y: 0, z: dz / across };
}

/** Whether the capsule overlaps anything by more than `slack` metres. */
export function overlaps(solid: Solid, low: Point, rise: number, radius: number, slack = 0.01): boolean {
  let touched = false;
  const probe = { ...low };
  const box = {
    minX: low.x - radius, minY: low.y - radius, minZ: low.z - radius,
    maxX: low.x + radius, maxY: low.y + rise + radius, maxZ: low.z + radius,
  };
  solid.near(box, (triangle) => {
    if (touched) return;
    probe.x = low.x;
    probe.y = low.y;
    probe.z = low.z;
    touched = pushOffTriangle(triangle, probe, rise, radius - slack, false) !== null;
  });
  return touched;
}

/** What a ball comes to rest on. */
export interface Ground {
  /** Height of the ball's lowest point at rest. */
  y: number;
  /** The steepness of the flattest face touched there: the upward part of its unit normal, 0..1. */
  up: number;
}

/** Faces that touch within this height of the highest one count as touched too: a stair's tread beside its riser. */
const SAME_HEIGHT = 0.02;

/**
 * Where a ball of `radius` above (x, z) comes to rest when it is dropped so that its lowest point falls from `top` to
 * `bottom`. Only faces at least as flat as `minUp` carry it; the others are ignored. Null: nothing there.
 */
export function ballDrop(solid: Solid, x: number, z: number, radius: number, top: number, bottom: number, minUp: number): Ground | null {
  let y = -Infinity;
  let up = 0;
  const box = { minX: x - radius, minY: bottom, minZ: z - radius, maxX: x + radius, maxY: top + radius, maxZ: z + radius };
  solid.near(box, (triangle) => {
    const steep = upwardness(triangle);
    if (steep < minUp) return;
    const rest = restOnTriangle(triangle, x, z, radius) - radius;
    if (rest > top || rest < bottom) return;
    if (rest > y + SAME_HEIGHT) up = steep;
    else if (rest > y - SAME_HEIGHT) up = Math.max(up, steep);
    y = Math.max(y, rest);
  });
  return y === -Infinity ? null : { y, up };
}

/** |upward part| of a triangle's unit normal: floors count from both sides, as many scenes have flipped ones. */
function upwardness(t: Triangle): number {
  const { ax, ay, az, bx, by, bz, cx, cy, cz } = t;
  const [ux, uy, uz, vx, vy, vz] = [bx - ax, by - ay, bz - az, cx - ax, cy - ay, cz - az];
  const [nx, ny, nz] = [uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx];
  const length = Math.hypot(nx, ny, nz);
  return length > 0 ? Math.abs(ny) / length : 0;
}

/** The centre's height at which a ball falling along (x, z) first touches the triangle; −Infinity: it misses. */
function restOnTriangle(t: Triangle, x: number, z: number, radius: number): number {
  const { ax, ay, az, bx, by, bz, cx, cy, cz } = t;
  const onFace = restOnFace(ax - x, ay, az - z, bx - x, by, bz - z, cx - x, cy, cz - z, radius);
  if (onFace !== -Infinity) return onFace;
  return Math.max(
    restOnEdge(ax - x, ay, az - z, bx - x, by, bz - z, radius),
    restOnEdge(bx - x, by, bz - z, cx - x, cy, cz - z, radius),
    restOnEdge(cx - x, cy, cz - z, ax - x, ay, az - z, radius),
  );
}

/** Ball over the origin onto the face's inside. */
function restOnFace(ax: number, ay: number, az: number, bx: number, by: number, bz: number, cx: number, cy: number, cz: number, radius: number): number {
  const [ux, uy, uz, vx, vy, vz] = [bx - ax, by - ay, bz - az, cx - ax, cy - ay, cz - az];
  let [nx, ny, nz] = [uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx];
  const length = Math.hypot(nx, ny, nz) * (ny < 0 ? -1 : 1);
  if (Math.abs(length) < 1e-12 || Math.abs(ny) < 1e-9) return -Infinity;
  [nx, ny, nz] = [nx / length, ny / length, nz / length];
  // The centre lies one radius off the plane; it touches at the centre less the normal.
  const centre = (nx * ax + ny * ay + nz * az + radius) / ny;
  const [px, pz] = [-nx * radius, -nz * radius];
  const side = (x1: number, z1: number, x2: number, z2: number): number => (x2 - x1) * (pz - z1) - (z2 - z1) * (px - x1);
  const [s1, s2, s3] = [side(ax, az, bx, bz), side(bx, bz, cx, cz), side(cx, cz, ax, az)];
  const inside = (s1 >= 0 && s2 >= 0 && s3 >= 0) || (s1 <= 0 && s2 <= 0 && s3 <= 0);
  return inside ? centre : -Infinity;
}

/**
 * Ball over the origin onto a segment, its ends included. Along the segment p(t) the ball's centre would rest at
 * p.y + √(r² − d(t)²), where d is the horizontal distance: a concave function, so its greatest value is found by halving.
 */
function restOnEdge(ax: number, ay: number, az: number, bx: number, by: number, bz: number, radius: number): number {
  const [ex, ey, ez] = [bx - ax, by - ay, bz - az];
  const [a, b, c] = [ex * ex + ez * ez, ax * ex + az * ez, ax * ax + az * az - radius * radius];
  if (a < 1e-12) return c > 0 ? -Infinity : Math.max(ay, by) + Math.sqrt(-c);
  const root = b * b - a * c;
  if (root < 0) return -Infinity;
  let low = Math.max(0, (-b - Math.sqrt(root)) / a);
  let high = Math.min(1, (-b + Math.sqrt(root)) / a);
  if (low > high) return -Infinity;
  const rest = (t: number): number => ay + t * ey + Math.sqrt(Math.max(0, -(a * t * t + 2 * b * t + c)));
  for (let step = 0; step < 24; step++) {
    const [left, right] = [low + (high - low) / 3, high - (high - low) / 3];
    if (rest(left) < rest(right)) low = left;
    else high = right;
  }
  return rest((low + high) / 2);
}

/** The point of a triangle nearest to (x, y, z), into `out` (Ericson, Real-Time Collision Detection, 5.1.5). */
export function closestOnTriangle(t: Triangle, x: number, y: number, z: number, out: Point): void {
  const { ax, ay, az, bx, by, bz, cx, cy, cz } = t;
  const [ux, uy, uz, vx, vy, vz] = [bx - ax, by - ay, bz - az, cx - ax, cy - ay, cz - az];
  const at = (v: number, w: number): void => {
    out.x = ax + ux * v + vx * w;
    out.y = ay + uy * v + vy * w;
    out.z = az + uz * v + vz * w;
  };
  const [px, py, pz] = [x - ax, y - ay, z - az];
  const [d1, d2] = [ux * px + uy * py + uz * pz, vx * px + vy * py + vz * pz];
  if (d1 <= 0 && d2 <= 0) return at(0, 0);
  const [qx, qy, qz] = [x - bx, y - by, z - bz];
  const [d3, d4] = [ux * qx + uy * qy + uz * qz, vx * qx + vy * qy + vz * qz];
  if (d3 >= 0 && d4 <= d3) return at(1, 0);
  const nearC = d1 * d4 - d3 * d2;
  if (nearC <= 0 && d1 >= 0 && d3 <= 0) return at(d1 / (d1 - d3), 0);
  const [rx, ry, rz] = [x - cx, y - cy, z - cz];
  const [d5, d6] = [ux * rx + uy * ry + uz * rz, vx * rx + vy * ry + vz * rz];
  if (d6 >= 0 && d5 <= d6) return at(0, 1);
  const nearB = d5 * d2 - d1 * d6;
  if (nearB <= 0 && d2 >= 0 && d6 <= 0) return at(0, d2 / (d2 - d6));
  const nearA = d3 * d6 - d5 * d4;
  if (nearA <= 0 && d4 - d3 >= 0 && d5 - d6 >= 0) {
    const w = (d4 - d3) / (d4 - d3 + (d5 - d6));
    return at(1 - w, w);
  }
  const whole = nearA + nearB + nearC;
  return at(nearB / whole, nearC / whole);
}
