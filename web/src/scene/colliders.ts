/**
 * What is solid: the triangles that a scene means, or can be taken to mean, as ground and walls.
 *
 * Rule: explicit colliders win when a scene has any; else every still mesh counts that is not foliage, sky, effect or
 * water. Through water one wades: its surface becomes a floor at the depth of a person's waist, unless the bed is higher.
 */

import {
  Box3, BoxGeometry, type BufferGeometry, CapsuleGeometry, CylinderGeometry, InstancedMesh, type Material, Mesh, type Object3D, SkinnedMesh, SphereGeometry, Vector3,
} from "three";

import { type Fields, fields, list, type Notes } from "./json";
import type { LoadedFile } from "./load";
import { type Matter, matterOf } from "./names";
import { type PlacedShape, readColliders, type Shape } from "./physics";
import { eachTriangle, eachTriangleOf, TriangleBuffer, triangleCount } from "./triangles";

export interface Collected {
  solid: TriangleBuffer;
  /** Surfaces of water, where they are seen. */
  water: TriangleBuffer;
  /** Which triangles of `solid` are a mesh's, from the first to before the last; of what is solid only by being there. */
  ranges: { mesh: Mesh; from: number; to: number }[];
  /** Whether the scene says itself what is solid. */
  explicit: boolean;
}

/** Triangles that a tree is built of: a second or two on a slow machine. */
const MOST_TRIANGLES = 2_500_000;
/** Metres below a water surface at which one stands when the bed is deeper. */
export const WADING_DEPTH = 0.9;
/** A lawn faces up with at least this share of its area; blades of grass do not. */
const LAWN_UP_SHARE = 0.5;
/** Metres across from which a shell around everything is a sky and not a room. */
const SKY_SIZE = 60;

/** Collects what the scene itself says, or what its meshes are taken to mean. */
export async function collect(file: LoadedFile, notes: Notes, allowExplicit = true): Promise<Collected> {
  file.root.updateMatrixWorld(true);
  const collected: Collected = { solid: new TriangleBuffer(), water: new TriangleBuffer(), ranges: [], explicit: false };
  const stated = allowExplicit ? readColliders(file.json).filter((placed) => !placed.trigger) : [];
  for (const placed of stated) await addShape(placed, file, collected.solid);
  collected.explicit = collected.solid.count > 0;
  if (!collected.explicit) addMeshes(file, collected, notes);
  return collected;
}

async function addShape(placed: PlacedShape, file: LoadedFile, solid: TriangleBuffer): Promise<void> {
  const node = file.node(placed.node);
  if (node === null) return;
  for (const geometry of await shapeGeometries(placed.shape, file)) {
    eachTriangle(geometry, node.matrixWorld, (a, b, c) => {
      if (solid.count < MOST_TRIANGLES) solid.push(a, b, c);
    });
  }
}

async function shapeGeometries(shape: Shape, file: LoadedFile): Promise<BufferGeometry[]> {
  switch (shape.kind) {
    case "box":
      return [new BoxGeometry(...shape.size)];
    case "sphere":
      return [new SphereGeometry(shape.radius, 16, 10)];
    case "cylinder":
      return [new CylinderGeometry(shape.top, shape.bottom, shape.height, 24)];
    case "capsule": {
      return [new CapsuleGeometry(Math.max(shape.top, shape.bottom), shape.height, 4, 16)];
    }
    case "mesh": {
      const mesh = (await file.parser.getDependency("mesh", shape.mesh)) as Object3D;
      const found: BufferGeometry[] = [];
      mesh.traverse((part) => part instanceof Mesh && found.push(part.geometry as BufferGeometry));
      return found;
    }
  }
}

function addMeshes(file: LoadedFile, collected: Collected, notes: Notes): void {
  const moving = movingNodes(file);
  const meshes = meshesUnder(file.root).filter((mesh) => isStill(mesh, moving));
  const skies = new Set(meshes.filter((mesh) => isSkyShell(mesh, meshes)));
  if (skies.size > 0) notes.add("What encloses the whole scene was taken for its sky.");
  for (const mesh of meshes) {
    const matter = skies.has(mesh) ? "sky" : matterOfMesh(mesh);
    if (matter === "water") addWater(mesh, collected);
    if (matter !== "solid") continue;
    const copies = mesh instanceof InstancedMesh ? mesh.count : 1;
    if (collected.solid.count + triangleCount(mesh.geometry) * copies > MOST_TRIANGLES) {
      notes.add("Some meshes are too fine to bump into.");
      continue;
    }
    const from = collected.solid.count;
    eachTriangleOf(mesh, (a, b, c) => collected.solid.push(a, b, c));
    collected.ranges.push({ mesh, from, to: collected.solid.count });
  }
}

const normal = new Vector3();
const side = new Vector3();

function addWater(mesh: Mesh, { solid, water }: Collected): void {
  eachTriangleOf(mesh, (a, b, c) => {
    normal.subVectors(b, a).cross(side.subVectors(c, a)).normalize();
    if (Math.abs(normal.y) < 0.7) return;
    water.push(a, b, c);
    for (const corner of [a, b, c]) corner.y -= WADING_DEPTH;
    solid.push(a, b, c);
  });
}

/** Every mesh that is shown. */
export function meshesUnder(root: Object3D): Mesh[] {
  const found: Mesh[] = [];
  root.traverseVisible((object) => object instanceof Mesh && found.push(object as Mesh));
  return found;
}

/** The objects that some animation moves. */
export function movingNodes(file: LoadedFile): Set<Object3D> {
  const moving = new Set<Object3D>();
  for (const animation of list(file.json["animations"])) {
    for (const channel of list(fields(animation)["channels"])) {
      const node = file.node(Number(fields(fields(channel)["target"] as Fields)["node"]));
      if (node !== null) moving.add(node);
    }
  }
  return moving;
}

export function isStill(mesh: Mesh, moving: ReadonlySet<Object3D>): boolean {
  if (mesh instanceof SkinnedMesh || mesh.morphTargetInfluences !== undefined) return false;
  for (let up: Object3D | null = mesh; up !== null; up = up.parent) if (moving.has(up)) return false;
  return true;
}

/** What a mesh is made of, by its names, its material and, where those leave it open, its shape. */
export function matterOfMesh(mesh: Mesh): Matter {
  const materials = (Array.isArray(mesh.material) ? mesh.material : [mesh.material]) as Material[];
  const names = [...materials.map((material) => material.name), mesh.name, mesh.parent?.name ?? ""];
  const matter = matterOf(names);
  if (matter !== "lawn") return matter;
  const cut = materials.some((material) => material.alphaTest > 0 || material.transparent);
  return cut || upShare(mesh) < LAWN_UP_SHARE ? "foliage" : "solid";
}

/** The share of a mesh's area that faces up within 45°. */
function upShare(mesh: Mesh): number {
  let [all, up] = [0, 0];
  eachTriangleOf(mesh, (a, b, c) => {
    normal.subVectors(b, a).cross(side.subVectors(c, a));
    const area = normal.length();
    all += area;
    if (Math.abs(normal.y) > area * 0.7) up += area;
  });
  return all > 0 ? up / all : 0;
}

/** A dome, sphere or box around everything else, large, with nothing near its middle: painted sky. */
function isSkyShell(mesh: Mesh, others: readonly Mesh[]): boolean {
  // Copies, and what `roomscale pack --join` made one of, are many things: they may stand all around without being a sky.
  if (mesh instanceof InstancedMesh || fields(mesh.userData["roomscale"])["joined"] !== undefined) return false;
  const own = new Box3().setFromObject(mesh);
  const size = own.getSize(new Vector3());
  if (Math.min(size.x, size.z) < SKY_SIZE) return false;
  const rest = new Box3();
  for (const other of others) if (other !== mesh) rest.union(new Box3().setFromObject(other));
  const inner = rest.getSize(new Vector3());
  const isAround = rest.isEmpty() || (own.containsBox(rest.clone().expandByScalar(-1)) && size.x > inner.x * 1.2 && size.z > inner.z * 1.2);
  return isAround && isHollow(mesh, own);
}

/** Every corner lies far out, on an ellipsoid about the middle or the base of the box, or in the box's corners. */
function isHollow(mesh: Mesh, box: Box3): boolean {
  const middle = box.getCenter(new Vector3());
  const half = box.getSize(new Vector3()).multiplyScalar(0.5);
  let [far, low, count] = [0, 0, 0];
  eachTriangleOf(mesh, (a, b, c) => {
    for (const corner of [a, b, c]) {
      count++;
      const across = Math.hypot((corner.x - middle.x) / half.x, (corner.z - middle.z) / half.z);
      if (Math.hypot(across, (corner.y - middle.y) / half.y) > 0.8 || Math.hypot(across, (corner.y - box.min.y) / (2 * half.y)) > 0.8) far++;
      if (corner.y < box.min.y + half.y * 0.02 && across < 0.7) low++;
    }
  });
  // A floor within the shell makes it a hall.
  return count > 0 && far / count > 0.97 && low / count < 0.02;
}
