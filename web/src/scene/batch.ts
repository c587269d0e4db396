/**
 * Batching: many still meshes of one material become one.
 *
 * Rule: nothing may look different and nothing that moves, blends or is bent may be touched; it is done only where the
 * number of draw calls hurts.
 */

import { type BufferGeometry, Group, InstancedMesh, type Material, Mesh, type Object3D } from "three";
import { mergeGeometries } from "three/addons/utils/BufferGeometryUtils.js";

import { isStill, meshesUnder } from "./colliders";

/** Draw calls that a weak machine takes without noticing. */
const ENOUGH = 120;
/** Vertices of one batch: larger ones would never be culled. */
const LARGEST = 60_000;

/** Merges below `root`; answers how many meshes went into how many. */
export function batch(root: Object3D, moving: ReadonlySet<Object3D>): { before: number; after: number } {
  const meshes = meshesUnder(root);
  if (meshes.length <= ENOUGH) return { before: meshes.length, after: meshes.length };
  const groups = new Map<string, Mesh[]>();
  for (const mesh of meshes.filter((mesh) => isMergeable(mesh, moving))) {
    const key = signature(mesh);
    groups.set(key, [...(groups.get(key) ?? []), mesh]);
  }
  const merged = new Group();
  merged.name = "batches";
  let gone = 0;
  for (const group of groups.values()) for (const part of chunks(group)) gone += mergeInto(merged, part);
  root.add(merged);
  return { before: meshes.length, after: meshes.length - gone };
}

function isMergeable(mesh: Mesh, moving: ReadonlySet<Object3D>): boolean {
  if (mesh instanceof InstancedMesh || Array.isArray(mesh.material) || !isStill(mesh, moving)) return false;
  // What blends is drawn far to near, each mesh by itself.
  return !(mesh.material as Material).transparent && mesh.geometry.groups.length === 0;
}

/** Meshes with the same one can share a buffer: material, attributes with their types, indexed or not, and handedness. */
function signature({ geometry, material, matrixWorld }: Mesh): string {
  const attributes = Object.entries(geometry.attributes).map(([name, { itemSize, normalized, array }]) => `${name}${itemSize}${normalized ? "n" : ""}${array.constructor.name}`);
  const turned = matrixWorld.determinant() < 0 ? "mirrored" : "";
  return [(material as Material).uuid, geometry.index === null ? "list" : "indexed", turned, ...attributes.sort()].join(" ");
}

/** Neighbours go together, so that a batch can still be out of sight. */
function chunks(meshes: Mesh[]): Mesh[][] {
  const cell = ({ matrixWorld: { elements } }: Mesh): number => Math.floor((elements[12] as number) / 32) * 4096 + Math.floor((elements[14] as number) / 32);
  const sorted = [...meshes].sort((a, b) => cell(a) - cell(b));
  const parts: Mesh[][] = [];
  let room = 0;
  for (const mesh of sorted) {
    const size = mesh.geometry.getAttribute("position").count;
    if (parts.length === 0 || size > room) {
      parts.push([]);
      room = LARGEST;
    }
    parts.at(-1)?.push(mesh);
    room -= size;
  }
  return parts.filter((part) => part.length > 1);
}

/** Adds one mesh for all of `part` and takes those out; answers how many draw calls that saves. */
function mergeInto(target: Group, part: Mesh[]): number {
  const geometries = part.map(worldGeometry);
  const merged = geometries.every((geometry) => geometry !== null) ? (mergeGeometries(geometries as BufferGeometry[]) as BufferGeometry | null) : null;
  for (const geometry of geometries) geometry?.dispose();
  const first = part[0];
  if (merged === null || first === undefined) return 0;
  const mesh = new Mesh(merged, first.material);
  mesh.name = `${part.length} of ${(first.material as Material).name}`;
  target.add(mesh);
  // Emptied, not removed: names, children and places of the nodes stay.
  for (const old of part) {
    old.geometry.dispose();
    old.visible = old.children.length > 0;
    if (old.visible) old.layers.disableAll();
  }
  return part.length - 1;
}

function worldGeometry(mesh: Mesh): BufferGeometry | null {
  const geometry = mesh.geometry.clone();
  // Integer positions cannot hold world space.
  for (const [name, attribute] of Object.entries(geometry.attributes)) {
    if (name !== "position" && name !== "normal" && name !== "tangent") continue;
    const floats = attribute.clone();
    if (floats.array instanceof Float32Array && !("isInterleavedBufferAttribute" in attribute)) continue;
    return null;
  }
  geometry.applyMatrix4(mesh.matrixWorld);
  if (mesh.matrixWorld.determinant() < 0) flip(geometry);
  return geometry;
}

/** Turns every triangle around: a mirrored mesh shows its other side. */
function flip(geometry: BufferGeometry): void {
  const index = geometry.getIndex();
  if (index === null) return;
  for (let at = 0; at + 2 < index.count; at += 3) {
    const second = index.getX(at + 1);
    index.setX(at + 1, index.getX(at + 2));
    index.setX(at + 2, second);
  }
}
