/**
 * The stage: a loaded scene with everything that makes it a place — ground, sky, light, spawn, seats, portals, motion.
 *
 * Rule: built in one go from one file and thrown away in one go; whoever holds a stage asks it, and nothing in it refers back.
 */

import { AnimationMixer, Box3, CircleGeometry, Color, Fog, FogExp2, Group, Mesh, MeshStandardMaterial, Quaternion, type Scene, Vector3, type WebGLRenderer } from "three";

import { batch } from "./batch";
import { CollisionTree } from "./bvh";
import { collect, type Collected, meshesUnder, movingNodes } from "./colliders";
import { disposeTree } from "./dispose";
import { fields, list, type Notes, text } from "./json";
import { needsReflections, setLights } from "./lights";
import { type LoadedFile, type LoadOptions, loadFile } from "./load";
import { type PortalVolume, portalVolumes } from "./portals";
import { type Places, readPlaces } from "./places";
import { type PlacedSeat, placeSeats } from "./seats";
import { makeSky, readSky, type Sky } from "./sky";
import { chooseSpot, freestView, settle, type Spot } from "./spawn";
import { triangleCount } from "./triangles";
import { shimmer } from "./water";

export interface Stage {
  /** Everything to draw. */
  group: Group;
  sky: Sky;
  fog: Fog | FogExp2 | null;
  tree: CollisionTree;
  spots: Spot[];
  seats: PlacedSeat[];
  portals: PortalVolume[];
  title: string | null;
  meshes: number;
  triangles: number;
  /** Metres: whoever is lower has fallen out of the world. */
  bottom: number;
  file: LoadedFile;
  /** Moves what moves by itself; seconds since the last call. */
  update(seconds: number): void;
  /** Makes anew what a lost WebGL context took along. */
  refresh(view: { renderer: WebGLRenderer; scene: Scene }): void;
  dispose(): void;
}

export interface StageOptions extends LoadOptions {
  renderer: WebGLRenderer;
  onStage?: (stage: "textures" | "colliders") => void;
}

/** Metres of the ground that is laid under a scene that has none. */
const STAGE_RADIUS = 12;

/** Raises `SceneUnreadable`. */
export async function buildStage(entry: ArrayBuffer, options: StageOptions): Promise<Stage> {
  const { notes, renderer } = options;
  options.onStage?.("textures");
  const file = await loadFile(entry, options);
  options.onStage?.("colliders");
  const places = readPlaces(file.json);
  for (const at of places.hidden) {
    const node = file.node(at);
    if (node !== null) node.visible = false;
  }
  const group = new Group();
  group.add(file.root);
  group.updateMatrixWorld(true);
  const ground = await findGround(file, places, group, notes);
  const moving = movingNodes(file);
  const meshes = meshesUnder(file.root);
  const triangles = meshes.reduce((sum, mesh) => sum + triangleCount(mesh.geometry), 0);
  const look = readSky(file.json, notes);
  const sky = await makeSky(look, file, renderer, needsReflections(file.root));
  group.add(...setLights(file.root, sky, look.stated, notes));
  if (sky.dome !== null) group.add(sky.dome);
  const water = shimmer(meshes);
  batch(file.root, moving);
  const mixer = startAnimations(file);
  return {
    group, sky, file,
    fog: makeFog(places),
    tree: ground.tree,
    spots: ground.spots,
    seats: placeSeats(places.seats, file, ground.tree),
    portals: portalVolumes(places.portals, file),
    title: titleOf(file),
    meshes: meshes.length,
    triangles,
    bottom: ground.tree.bounds.minY - 8,
    update: (seconds) => {
      mixer?.update(seconds);
      water.update(seconds);
    },
    refresh: ({ scene }) => {
      scene.environment = sky.bake();
    },
    dispose: () => {
      mixer?.stopAllAction();
      mixer?.uncacheRoot(file.root);
      water.dispose();
      sky.dispose();
      disposeTree(group);
      for (const bitmap of file.bitmaps) bitmap.close();
    },
  };
}

interface GroundPlan {
  tree: CollisionTree;
  spots: Spot[];
}

/** What to walk on and where to begin; where the scene gives too little, more is tried, and at last a floor is laid. */
async function findGround(file: LoadedFile, places: Places, group: Group, notes: Notes): Promise<GroundPlan> {
  let collected = await collect(file, notes);
  let plan = plot(collected, file, places, notes);
  if (plan.spots.length === 0 && collected.explicit) {
    notes.add("The scene's own colliders are no ground to stand on: all its meshes count.");
    collected = await collect(file, notes, false);
    plan = plot(collected, file, places, notes);
  }
  if (plan.spots.length > 0) return plan;
  notes.add("The scene has no ground to walk on: a floor was laid under it.");
  layFloor(collected, group);
  return plot(collected, file, { ...places, spawns: [] }, notes, STAGE_RADIUS * 0.6);
}

function plot(collected: Collected, file: LoadedFile, places: Places, notes: Notes, before?: number): GroundPlan {
  const tree = new CollisionTree(collected.solid.positions.slice());
  const stated = statedSpots(places, file, tree);
  if (stated.length > 0) return { tree, spots: stated };
  if (places.spawns.length > 0) notes.add("No spawn point of the scene has ground and room: another place was chosen.");
  if (before !== undefined) return { tree, spots: [inFrontOf(tree, before)] };
  const water = collected.water.count > 0 ? new CollisionTree(collected.water.positions.slice()) : null;
  const chosen = chooseSpot(tree, tree.bounds, water);
  return { tree, spots: chosen === null ? [] : [chosen] };
}

/** A place on the laid floor, before what stands on it. */
function inFrontOf(tree: CollisionTree, distance: number): Spot {
  const { bounds } = tree;
  const [x, z] = [(bounds.minX + bounds.maxX) / 2, (bounds.minZ + bounds.maxZ) / 2 + distance];
  return settle(tree, { x, y: bounds.minY, z, yaw: 0 }) ?? { x, y: bounds.minY, z, yaw: 0 };
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

function layFloor(collected: Collected, group: Group): void {
  const bounds = new Box3().setFromObject(group);
  if (bounds.isEmpty()) bounds.set(new Vector3(-1, 0, -1), new Vector3(1, 1, 1));
  const middle = bounds.getCenter(new Vector3());
  const size = bounds.getSize(new Vector3());
  const radius = STAGE_RADIUS + Math.max(size.x, size.z);
  const disc = new Mesh(new CircleGeometry(radius, 48), new MeshStandardMaterial({ color: 0x8d9096, roughness: 0.95, metalness: 0 }));
  disc.name = "laid floor";
  disc.rotation.x = -Math.PI / 2;
  disc.position.set(middle.x, bounds.min.y - 0.005, middle.z);
  group.add(disc);
  const corner = (x: number, z: number): Vector3 => new Vector3(middle.x + x * radius, bounds.min.y, middle.z + z * radius);
  collected.solid.push(corner(-1, -1), corner(-1, 1), corner(1, 1));
  collected.solid.push(corner(-1, -1), corner(1, 1), corner(1, -1));
}

function makeFog({ fog }: Places): Fog | FogExp2 | null {
  if (fog === null) return null;
  const colour = new Color(...fog.colour);
  return "density" in fog ? new FogExp2(colour, fog.density) : new Fog(colour, fog.near, fog.far);
}

/** All animations of a scene play and repeat, as there is nothing that would start them. */
function startAnimations(file: LoadedFile): AnimationMixer | null {
  if (file.animations.length === 0) return null;
  const mixer = new AnimationMixer(file.root);
  for (const clip of file.animations.slice(0, 200)) mixer.clipAction(clip).play();
  return mixer;
}

function titleOf(file: LoadedFile): string | null {
  const scene = fields(list(file.json["scenes"])[0]);
  const title = text(fields(file.json.asset["extras"])["title"]) || text(scene["name"]);
  return title === "" || /^(root ?)?scene$|^Sketchfab/i.test(title) ? null : title;
}
