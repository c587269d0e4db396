/**
 * The static collision tree: all triangles that one can bump into, in one bounding volume hierarchy.
 *
 * Rule: the tree answers walking's `Solid` and nothing else; it is built once per scene (again if some of it begins to move) from world-space positions and holds
 * nothing that the GPU knows of.
 */

import { BufferAttribute, BufferGeometry, DoubleSide, Ray } from "three";
import { type HitPointInfo, MeshBVH } from "three-mesh-bvh";

import type { Box, Hit, Solid, Triangle } from "../walk/solid";

export class CollisionTree implements Solid {
  triangles = 0;
  bounds: Box = { minX: 0, minY: 0, minZ: 0, maxX: 0, maxY: 0, maxZ: 0 };
  private bvh: MeshBVH | null = null;
  private positions = new Float32Array(0);
  private readonly ray = new Ray();
  private readonly shared: Triangle = { ax: 0, ay: 0, az: 0, bx: 0, by: 0, bz: 0, cx: 0, cy: 0, cz: 0 };

  /** `positions`: nine numbers per triangle, metres in world space, all finite. */
  constructor(positions: Float32Array) {
    this.build(positions);
  }

  /** Takes triangles away, given by ranges of their places in `positions`: they have begun to move. */
  remove(ranges: readonly { from: number; to: number }[]): void {
    if (ranges.length === 0) return;
    const gone = new Uint8Array(this.triangles);
    for (const { from, to } of ranges) gone.fill(1, from, to);
    const kept = new Float32Array(gone.reduce((sum, one) => sum + (one === 0 ? 9 : 0), 0));
    let at = 0;
    gone.forEach((one, index) => {
      if (one === 0) kept.set(this.positions.subarray(index * 9, index * 9 + 9), 9 * at++);
    });
    this.build(kept);
  }

  private build(positions: Float32Array): void {
    this.positions = positions as Float32Array<ArrayBuffer>;
    this.triangles = Math.floor(positions.length / 9);
    const geometry = new BufferGeometry().setAttribute("position", new BufferAttribute(positions, 3));
    this.bvh = this.triangles > 0 ? new MeshBVH(geometry, { targetLeafSize: 8 }) : null;
    const { min, max } = this.bvh === null ? { min: { x: 0, y: 0, z: 0 }, max: { x: 0, y: 0, z: 0 } } : boundsOf(geometry);
    this.bounds = { minX: min.x, minY: min.y, minZ: min.z, maxX: max.x, maxY: max.y, maxZ: max.z };
  }

  near(box: Box, visit: (triangle: Triangle) => void): void {
    const { shared } = this;
    this.bvh?.shapecast({
      intersectsBounds: ({ min, max }) =>
        min.x <= box.maxX && max.x >= box.minX && min.y <= box.maxY && max.y >= box.minY && min.z <= box.maxZ && max.z >= box.minZ,
      intersectsTriangle: ({ a, b, c }) => {
        // A leaf holds several triangles: most of them miss the box.
        if (Math.max(a.x, b.x, c.x) < box.minX || Math.min(a.x, b.x, c.x) > box.maxX) return false;
        if (Math.max(a.y, b.y, c.y) < box.minY || Math.min(a.y, b.y, c.y) > box.maxY) return false;
        if (Math.max(a.z, b.z, c.z) < box.minZ || Math.min(a.z, b.z, c.z) > box.maxZ) return false;
        [shared.ax, shared.ay, shared.az] = [a.x, a.y, a.z];
        [shared.bx, shared.by, shared.bz] = [b.x, b.y, b.z];
        [shared.cx, shared.cy, shared.cz] = [c.x, c.y, c.z];
        visit(shared);
        return false;
      },
    });
  }

  cast(x: number, y: number, z: number, dx: number, dy: number, dz: number, reach: number): Hit | null {
    this.ray.origin.set(x, y, z);
    this.ray.direction.set(dx, dy, dz);
    const hit = this.bvh?.raycastFirst(this.ray, DoubleSide, 0, reach) ?? null;
    const face = hit?.face?.normal;
    if (hit === null || face === undefined) return null;
    const front = face.x * dx + face.y * dy + face.z * dz <= 0;
    const side = front ? 1 : -1;
    return { distance: hit.distance, normal: [face.x * side, face.y * side, face.z * side], front };
  }

  /** Metres to the nearest surface. */
  distance(x: number, y: number, z: number): number {
    const target: HitPointInfo = { point: this.ray.origin.clone(), distance: 0, faceIndex: 0 };
    return this.bvh?.closestPointToPoint(this.ray.origin.set(x, y, z).clone(), target)?.distance ?? Infinity;
  }
}

function boundsOf(geometry: BufferGeometry): { min: { x: number; y: number; z: number }; max: { x: number; y: number; z: number } } {
  geometry.computeBoundingBox();
  return geometry.boundingBox as NonNullable<typeof geometry.boundingBox>;
}
