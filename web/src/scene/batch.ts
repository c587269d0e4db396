/**
 * Batching: many still meshes of one material become one.
 *
 * Rule: nothing may look different and nothing that moves, blends or is bent may be touched; it is done only where the
 * number of draw calls hurts. What was batched can be taken apart again, when its meshes change.
 */

import { BufferAttribute, type BufferGeometry, Group, InstancedMesh, type InterleavedBufferAttribute, type Material, Mesh, type Object3D } from "three";
import { mergeGeometries } from "three/addons/utils/BufferGeometryUtils.js";

import { isStill, meshesUnder } from "./colliders";

/** Draw calls that a weak machine takes without noticing. */
const ENOUGH = 120;
/** Vertices of one batch: larger ones would never be culled. */
const LARGEST = 60_000;
/** What is written in world space: always as floats, since integers cannot hold that. */
const PLACED: readonly string[] = ["position", "normal", "tangent"];

interface Batch {
  mesh: Mesh;
  parts: Mesh[];
}

/** The batches below one root. */
export class Batches {
  private readonly group = new Group();
  private made: Batch[] = [];

  constructor(root: Object3D, moving: ReadonlySet<Object3D>) {
    this.group.name = "batches";
    const meshes = meshesUnder(root);
    if (meshes.length > ENOUGH) this.add(meshes, moving);
    root.add(this.group);
  }

  /** How many meshes went into how many. */
  get counts(): { parts: number; batches: number } {
    return { parts: this.made.reduce((sum, { parts }) => sum + parts.length, 0), batches: this.made.length };
  }

  /** Makes anew whatever holds one of `changed`: their geometry is another, or they move now. */
  renew(changed: ReadonlySet<Object3D>, moving: ReadonlySet<Object3D>): void {
    const stale = this.made.filter(({ parts }) => parts.some((part) => changed.has(part)));
    this.made = this.made.filter((batch) => !stale.includes(batch));
    for (const { mesh, parts } of stale) {
      mesh.removeFromParent();
      mesh.geometry.dispose();
      for (const part of parts) {
        part.visible = true;
        part.layers.set(0);
      }
    }
    this.add(stale.flatMap(({ parts }) => parts), moving);
  }

  private add(meshes: readonly Mesh[], moving: ReadonlySet<Object3D>): void {
    const groups = new Map<string, Mesh[]>();
    for (const mesh of meshes.filter((mesh) => isMergeable(mesh, moving))) {
      const key = signature(mesh);
      groups.set(key, [...(groups.get(key) ?? []), mesh]);
    }
    for (const group of groups.values()) for (const part of chunks(group)) this.merge(part);
  }

  /** Adds one mesh for all of `parts` and empties those. */
  private merge(parts: Mesh[]): void {
    const geometries = parts.map(worldGeometry);
    const merged = mergeGeometries(geometries) as BufferGeometry | null;
    for (const geometry of geometries) geometry.dispose();
    const first = parts[0];
    if (merged === null || first === undefined) return;
    const mesh = new Mesh(merged, first.material);
    mesh.name = `${parts.length} of ${(first.material as Material).name}`;
    this.group.add(mesh);
    // Emptied, not removed: names, children and places of the nodes stay.
    for (const old of parts) {
      old.geometry.dispose();
      old.visible = old.children.length > 0;
      if (old.visible) old.layers.disableAll();
    }
    this.made.push({ mesh, parts });
  }
}

function isMergeable(mesh: Mesh, moving: ReadonlySet<Object3D>): boolean {
  if (mesh instanceof InstancedMesh || Array.isArray(mesh.material) || !isStill(mesh, moving)) return false;
  // What blends is drawn far to near, each mesh by itself.
  return !(mesh.material as Material).transparent && mesh.geometry.groups.length === 0;
}

/** Meshes with the same one can share a buffer: material, attributes with their types, indexed or not, and handedness. */
function signature({ geometry, material, matrixWorld }: Mesh): string {
  const attributes = Object.entries(geometry.attributes).map(([name, { itemSize, normalized, array }]) =>
    PLACED.includes(name) ? name : `${name}${itemSize}${normalized ? "n" : ""}${array.constructor.name}`,
  );
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

function worldGeometry(mesh: Mesh): BufferGeometry {
  const geometry = mesh.geometry.clone();
  for (const name of PLACED) {
    const attribute = geometry.attributes[name];
    if (attribute !== undefined) geometry.setAttribute(name, asFloats(attribute, name === "tangent" ? 4 : 3));
  }
  geometry.morphAttributes = {};
  geometry.applyMatrix4(mesh.matrixWorld);
  if (mesh.matrixWorld.determinant() < 0) flip(geometry);
  return geometry;
}

/** The attribute as plain floats, whatever type and layout it has. */
function asFloats(attribute: BufferAttribute | InterleavedBufferAttribute, parts: number): BufferAttribute {
  const floats = new BufferAttribute(new Float32Array(attribute.count * parts), parts);
  for (let at = 0; at < attribute.count; at++) {
    for (let part = 0; part < parts; part++) floats.setComponent(at, part, attribute.getComponent(at, part));
  }
  return floats;
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
