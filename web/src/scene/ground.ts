/**
 * Ground: what a scene gives to stand on, and where one begins.
 *
 * Rule: there is always ground and always a place to begin; whatever had to be guessed or added is a note.
 */

import { Box3, CircleGeometry, Mesh, MeshStandardMaterial, Quaternion, Vector3 } from "three";

import { CollisionTree } from "./bvh";
import { collect, type Collected } from "./colliders";
import type { Notes } from "./json";
import type { LoadedFile } from "./load";
import type { Places } from "./places";
import { type Chosen, chooseSpot, freestView, settle, type Spot } from "./spawn";

/** Metres of the floor that is laid under a scene that has none, beyond the scene's own size. */
const MARGIN = 12;
/** m² of open ground below which a scene is a thing to look at, not a place to be in. */
const LEAST_OPEN = 30;
/** Metres across up to which a floor is laid under a thing. */
const LARGEST_THING = 40;

export interface GroundPlan {
  tree: CollisionTree;
  /** Where one may begin; never empty. */
  spots: Spot[];
  /** Which triangles of the tree are a mesh's, as `Collected` has them. */
  ranges: Collected["ranges"];
  /** A floor of ours, to be shown. */
  floor: Mesh | null;
}

/** What to walk on and where to begin; where the scene gives too little, more is tried, and at last a floor is laid. */
export async function findGround(file: LoadedFile, places: Places, notes: Notes): Promise<GroundPlan> {
  let collected = await collect(file, notes);
  let plan = plot(collected, file, places, notes);
  if (plan === null && collected.explicit) {
    notes.add("The scene's own colliders are no ground to stand on: all its meshes count.");
    collected = await collect(file, notes, false);
    plan = plot(collected, file, places, notes);
  }
  return plan ?? layFloor(collected, file, notes);
}

function plot(collected: Collected, file: LoadedFile, places: Places, notes: Notes): GroundPlan | null {
  const tree = new CollisionTree(collected.solid.positions.slice());
  const stated = statedSpots(places, file, tree);
  if (stated.length > 0) return { tree, spots: stated, ranges: collected.ranges, floor: null };
  if (places.spawns.length > 0) notes.add("No spawn point of the scene has ground and room: another place was chosen.");
  const water = collected.water.count > 0 ? new CollisionTree(collected.water.positions.slice()) : null;
  const chosen = chooseSpot(tree, tree.bounds, water);
  if (chosen === null || isThing(chosen, tree)) return null;
  const { x, y, z, yaw } = chosen;
  return { tree, spots: [{ x, y, z, yaw }], ranges: collected.ranges, floor: null };
}

/** A statue, a staircase, a tile: small, open, and best seen from beside it. */
function isThing({ area, covered }: Chosen, { bounds }: CollisionTree): boolean {
  const across = Math.max(bounds.maxX - bounds.minX, bounds.maxZ - bounds.minZ);
  return covered < 0.2 && area < LEAST_OPEN && across < LARGEST_THING;
}

function statedSpots(places: Places, file: LoadedFile, tree: CollisionTree): Spot[] {
  const [position, rotation, ahead] = [new Vector3(), new Quaternion(), new Vector3()];
  return places.spawns.flatMap(({ node, turned }) => {
    const object = file.node(node);
    if (object === null) return [];
    object.getWorldPosition(position);
    object.getWorldQuaternion(rotation);
    ahead.set(0, 0, turned ? 1 : -1).applyQuaternion(rotation);
    const settled = settle(tree, { x: position.x, y: position.y, z: position.z, yaw: 0 });
    if (settled === null) return [];
    const isLevel = Math.hypot(ahead.x, ahead.z) > 0.1;
    return [{ ...settled, yaw: isLevel ? Math.atan2(-ahead.x, -ahead.z) : freestView(tree, settled, settled) }];
  });
}

/** A plain disc under everything; one stands on it before what there is to see. */
function layFloor(collected: Collected, file: LoadedFile, notes: Notes): GroundPlan {
  notes.add("The scene has hardly any ground to walk on: a floor was laid under it.");
  const bounds = new Box3().setFromObject(file.root);
  if (bounds.isEmpty() || !Number.isFinite(bounds.min.x + bounds.max.x)) bounds.set(new Vector3(-1, 0, -1), new Vector3(1, 1, 1));
  const middle = bounds.getCenter(new Vector3());
  const size = bounds.getSize(new Vector3());
  const [y, radius] = [bounds.min.y, MARGIN + Math.max(size.x, size.z)];
  const floor = new Mesh(new CircleGeometry(radius, 64), new MeshStandardMaterial({ color: 0x9a9c9f, roughness: 0.95, metalness: 0 }));
  floor.name = "laid floor";
  floor.rotation.x = -Math.PI / 2;
  // Just below, so that a scene's own floor at this height is the one that is seen.
  floor.position.set(middle.x, y - 0.004, middle.z);
  const corner = (x: number, z: number): Vector3 => new Vector3(middle.x + x * radius, y, middle.z + z * radius);
  collected.solid.push(corner(-1, -1), corner(-1, 1), corner(1, 1));
  collected.solid.push(corner(-1, -1), corner(1, 1), corner(1, -1));
  const tree = new CollisionTree(collected.solid.positions.slice());
  const before = { x: middle.x, y, z: bounds.max.z + Math.max(2.5, size.y), yaw: 0 };
  return { tree, spots: [settle(tree, before) ?? before], ranges: collected.ranges, floor };
}
