/**
 * Sharper meshes: the geometry of a part takes the place of the entry's, primitive by primitive.
 *
 * Rule: only geometry changes hands: material, name, node and skeleton stay, and so does what one bumps into. A geometry that
 * the material was not made for (other attributes, another kind of primitive, other morph targets) is declined.
 */

import { type BufferGeometry, InstancedMesh, type Mesh, type Object3D, SkinnedMesh } from "three";

import { fields, list, type Notes } from "../json";
import { type LoadedFile, loadFile } from "../load";
import type { Arrived } from "./sharpen";
import { PartUnusable } from "./unusable";

/** A mesh, line or cloud of points. */
type Drawn = Mesh;

/** What decides which material variant the loader makes. */
const LOOK = ["color", "tangent", "normal", "uv", "uv1", "uv2", "uv3", "skinIndex", "skinWeight"];

/** Replaces; answers the objects that changed. Raises `PartUnusable` if nothing could be replaced. */
export async function replaceMeshes(file: LoadedFile, { part: { targets }, targets: wanted, bytes }: Arrived, notes: Notes, isCurrent: () => boolean): Promise<Set<Object3D>> {
  const part = await open(bytes, notes);
  const drawn = drawnBelow(file.root);
  const changed = new Set<Object3D>();
  const ours = new Set(wanted.map(({ pointer }) => pointer));
  for (const [at, { index, pointer }] of targets.entries()) {
    if (!ours.has(pointer)) continue; // a part of a higher level has it
    const [coarse, sharp] = [await primitives(file, index), await primitives(part, at)];
    if (!isCurrent()) break;
    if (coarse === null || sharp?.length !== coarse.length) {
      notes.add("A sharper mesh does not suit the one that it is for.");
      continue;
    }
    coarse.forEach((old, side) => replaceOne(file, index, old, sharp[side] as Drawn, drawn, changed));
  }
  if (changed.size === 0 && isCurrent() && wanted.some(({ index }) => isShown(file, index, drawn))) throw new PartUnusable("no mesh of it suits the scene");
  return changed;
}

async function open(bytes: ArrayBuffer, notes: Notes): Promise<LoadedFile> {
  try {
    return await loadFile(bytes, { notes });
  } catch (error) {
    throw new PartUnusable(error instanceof Error ? error.message : "it cannot be read");
  }
}

/** What the primitives of mesh `index` became, in their order; null when there is no such mesh. */
async function primitives(file: LoadedFile, index: number): Promise<Drawn[] | null> {
  if (list(fields(list(file.json["meshes"])[index])["primitives"]).length === 0) return null;
  const made = (await file.parser.getDependency("mesh", index).catch(() => null)) as Object3D | null;
  if (made === null) return null;
  return "geometry" in made ? [made as Drawn] : (made.children as Drawn[]);
}

function replaceOne(file: LoadedFile, index: number, old: Drawn, sharp: Drawn, drawn: ReadonlyMap<BufferGeometry, Drawn[]>, changed: Set<Object3D>): void {
  const before = old.geometry;
  const { geometry } = sharp;
  if (old.type.replace("Skinned", "") !== sharp.type.replace("Skinned", "") || !suits(before, geometry)) return;
  // Equal primitives of several meshes are one geometry to the loader: only this mesh's own are meant.
  const own = (drawn.get(before) ?? []).filter((object) => (meshOf(file, object) ?? index) === index);
  for (const object of own) {
    object.geometry = geometry;
    if (object instanceof SkinnedMesh) object.normalizeSkinWeights();
    if (object instanceof SkinnedMesh || object instanceof InstancedMesh) object.boundingSphere = object.boundingBox = null;
    changed.add(object);
  }
  old.geometry = geometry; // what the loader would clone, and what the next part finds
  before.dispose();
}

function suits(before: BufferGeometry, after: BufferGeometry): boolean {
  const has = (geometry: BufferGeometry): string => LOOK.filter((name) => geometry.hasAttribute(name)).join();
  const morphs = ({ morphAttributes }: BufferGeometry): string => Object.entries(morphAttributes).map(([name, all]) => `${name}${all?.length}`).sort().join();
  return has(before) === has(after) && morphs(before) === morphs(after);
}

function meshOf(file: LoadedFile, object: Object3D): number | undefined {
  const at = fields(file.parser.associations.get(object))["meshes"];
  return typeof at === "number" ? at : undefined;
}

function drawnBelow(root: Object3D): Map<BufferGeometry, Drawn[]> {
  const found = new Map<BufferGeometry, Drawn[]>();
  root.traverse((object) => {
    const { geometry } = object as { geometry?: BufferGeometry };
    if (geometry !== undefined) found.set(geometry, [...(found.get(geometry) ?? []), object as Drawn]);
  });
  return found;
}

function isShown(file: LoadedFile, index: number, drawn: ReadonlyMap<BufferGeometry, Drawn[]>): boolean {
  return [...drawn.values()].flat().some((object) => meshOf(file, object) === index);
}
