/**
 * What a body bumps into, as walking sees it.
 *
 * Rule: walking knows nothing of meshes or three.js; whoever holds the geometry answers two questions: which triangles are
 * near, and what does a ray hit first. Metres, Y up.
 */

/** A triangle by its corners a, b, c. */
export interface Triangle {
  ax: number;
  ay: number;
  az: number;
  bx: number;
  by: number;
  bz: number;
  cx: number;
  cy: number;
  cz: number;
}

export interface Box {
  minX: number;
  minY: number;
  minZ: number;
  maxX: number;
  maxY: number;
  maxZ: number;
}

export interface Hit {
  /** Metres along the ray. */
  distance: number;
  /** The surface's unit normal, turned towards where the ray came from. */
  normal: readonly [number, number, number];
  /** Whether the triangle's front was hit: counter-clockwise corners face the viewer. */
  front: boolean;
}

export interface Solid {
  /** Calls `visit` for each triangle that may touch the box; the object is only valid during the call. */
  near(box: Box, visit: (triangle: Triangle) => void): void;
  /** The first triangle, from either side, within `reach` metres; direction is a unit vector. */
  cast(x: number, y: number, z: number, dx: number, dy: number, dz: number, reach: number): Hit | null;
}

/** A plain list of triangles: for tests and tiny scenes. */
export class TriangleList implements Solid {
  constructor(private readonly triangles: readonly Triangle[]) {}

  near(box: Box, visit: (triangle: Triangle) => void): void {
    for (const t of this.triangles) {
      if (Math.max(t.ax, t.bx, t.cx) < box.minX || Math.min(t.ax, t.bx, t.cx) > box.maxX) continue;
      if (Math.max(t.ay, t.by, t.cy) < box.minY || Math.min(t.ay, t.by, t.cy) > box.maxY) continue;
      if (Math.max(t.az, t.bz, t.cz) < box.minZ || Math.min(t.az, t.bz, t.cz) > box.maxZ) continue;
      visit(t);
    }
  }

  cast(x: number, y: number, z: number, dx: number, dy: number, dz: number, reach: number): Hit | null {
    let best: Hit | null = null;
    for (const triangle of this.triangles) {
      const hit = castTriangle(triangle, x, y, z, dx, dy, dz, best?.distance ?? reach);
      if (hit !== null) best = hit;
    }
    return best;
  }
}

/** Ray against one triangle, both sides (Möller and Trumbore 1997). */
function castTriangle(t: Triangle, x: number, y: number, z: number, dx: number, dy: number, dz: number, reach: number): Hit | null {
  const { ax, ay, az, bx, by, bz, cx, cy, cz } = t;
  const [ux, uy, uz, vx, vy, vz] = [bx - ax, by - ay, bz - az, cx - ax, cy - ay, cz - az];
  const [px, py, pz] = [dy * vz - dz * vy, dz * vx - dx * vz, dx * vy - dy * vx];
  const determinant = ux * px + uy * py + uz * pz;
  if (Math.abs(determinant) < 1e-12) return null;
  const [sx, sy, sz] = [x - ax, y - ay, z - az];
  const u = (sx * px + sy * py + sz * pz) / determinant;
  const [qx, qy, qz] = [sy * uz - sz * uy, sz * ux - sx * uz, sx * uy - sy * ux];
  const v = (dx * qx + dy * qy + dz * qz) / determinant;
  const distance = (vx * qx + vy * qy + vz * qz) / determinant;
  if (u < 0 || v < 0 || u + v > 1 || distance < 0 || distance > reach) return null;
  const [nx, ny, nz] = [uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx];
  const front = nx * dx + ny * dy + nz * dz <= 0;
  const length = Math.hypot(nx, ny, nz) * (front ? 1 : -1);
  return { distance, normal: [nx / length, ny / length, nz / length], front };
}
