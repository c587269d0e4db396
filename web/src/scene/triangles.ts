/**
 * Triangles of meshes, as plain numbers in world space.
 *
 * Rule: whatever a geometry holds (any component type, strips already resolved by the loader, indices out of range, NaN),
 * what comes out is finite, or left out.
 */

import { type BufferGeometry, InstancedMesh, type Matrix4, type Mesh, Vector3 } from "three";

/** A growing list of triangles, nine numbers each. */
export class TriangleBuffer {
  private data = new Float32Array(9 * 1024);
  private used = 0;

  get count(): number {
    return this.used / 9;
  }

  push(a: Vector3, b: Vector3, c: Vector3): void {
    if (this.used + 9 > this.data.length) {
      const larger = new Float32Array(this.data.length * 2);
      larger.set(this.data);
      this.data = larger;
    }
    a.toArray(this.data, this.used);
    b.toArray(this.data, this.used + 3);
    c.toArray(this.data, this.used + 6);
    this.used += 9;
  }

  /** The numbers so far, without a copy. */
  get positions(): Float32Array {
    return this.data.subarray(0, this.used);
  }
}

/** Beyond this many metres from the origin nothing is ground: floats are too coarse there. */
const FARTHEST = 1e5;

/** Calls `visit` for each triangle of the geometry under `matrix`; the vectors are only valid during the call. */
export function eachTriangle(geometry: BufferGeometry, matrix: Matrix4, visit: (a: Vector3, b: Vector3, c: Vector3) => void): void {
  const position = geometry.getAttribute("position");
  const index = geometry.getIndex();
  const count = index === null ? position.count : index.count;
  const corners = [new Vector3(), new Vector3(), new Vector3()] as const;
  for (let at = 0; at + 2 < count; at += 3) {
    let isFinite = true;
    corners.forEach((corner, side) => {
      const vertex = index === null ? at + side : index.getX(at + side);
      if (vertex < position.count) corner.fromBufferAttribute(position, vertex).applyMatrix4(matrix);
      else corner.x = NaN;
      // A comparison that NaN fails.
      isFinite &&= Math.abs(corner.x) + Math.abs(corner.y) + Math.abs(corner.z) < FARTHEST;
    });
    if (isFinite) visit(corners[0], corners[1], corners[2]);
  }
}

/** The same for a mesh where it stands, each of its instances included. */
export function eachTriangleOf(mesh: Mesh, visit: (a: Vector3, b: Vector3, c: Vector3) => void): void {
  if (!(mesh instanceof InstancedMesh)) return eachTriangle(mesh.geometry, mesh.matrixWorld, visit);
  const matrix = mesh.matrixWorld.clone();
  for (let at = 0; at < mesh.count; at++) {
    mesh.getMatrixAt(at, matrix);
    eachTriangle(mesh.geometry, matrix.premultiply(mesh.matrixWorld), visit);
  }
}

/** How many triangles a geometry has. */
export function triangleCount(geometry: BufferGeometry): number {
  return Math.floor((geometry.getIndex()?.count ?? geometry.getAttribute("position")?.count ?? 0) / 3);
}
