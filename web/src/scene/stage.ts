/**
 * The stage: a loaded scene with everything that makes it a place — ground, sky, light, spawn, seats, portals, motion.
 *
 * Rule: built in one go from one file and thrown away in one go; whoever holds a stage asks it, and nothing in it refers back.
 */

import { type AnimationClip, AnimationMixer, Color, Fog, FogExp2, Group, type Scene, type Texture, type WebGLRenderer } from "three";

import { Batches } from "./batch";
import type { CollisionTree } from "./bvh";
import { meshesUnder, movingNodes } from "./colliders";
import { disposeTree } from "./dispose";
import { findGround } from "./ground";
import { fields, list, text } from "./json";
import { needsReflections, setLights } from "./lights";
import { type LoadedFile, type LoadOptions, loadFile } from "./load";
import type { Target } from "./package/manifest";
import { below, Sharpener } from "./package/sharpen";
import { decodeByBrowser, LARGEST_SIDE } from "./pictures";
import { type PortalVolume, portalVolumes } from "./portals";
import { type Places, readPlaces } from "./places";
import { type PlacedSeat, placeSeats } from "./seats";
import { makeSky, readSky, type Sky } from "./sky";
import type { Spot } from "./spawn";
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
  /** Animations that play. */
  animations(): number;
  file: LoadedFile;
  /** Takes the parts of the package that the file is the entry of. */
  sharpener: Sharpener;
  /** Moves what moves by itself; seconds since the last call. */
  update(seconds: number): void;
  /** Makes anew what a lost WebGL context took along. */
  refresh(view: { renderer: WebGLRenderer; scene: Scene }): void;
  dispose(): void;
}

export interface StageOptions extends LoadOptions {
  renderer: WebGLRenderer;
  onStage?: (stage: "textures" | "colliders") => void;
  /** A sound of the scene is another; raises `PartUnusable`. */
  onSound?: (target: Target, bytes: ArrayBuffer) => Promise<void>;
  /** The sky's reflections were made anew. */
  onSky?: (environment: Texture | null) => void;
}

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
  const ground = await findGround(file, places, notes);
  if (ground.floor !== null) group.add(ground.floor);
  const moving = movingNodes(file);
  const meshes = meshesUnder(file.root);
  const triangles = meshes.reduce((sum, mesh) => sum + triangleCount(mesh.geometry), 0);
  const look = readSky(file.json, notes);
  const sky = await makeSky(look, file, renderer, needsReflections(file.root));
  group.add(...setLights(file.root, sky, look.stated, notes));
  if (sky.dome !== null) group.add(sky.dome);
  const water = shimmer(meshes);
  const batches = new Batches(file.root, moving);
  let mixer = startAnimations(file, file.animations);
  const sharpener = new Sharpener({
    file, batches, notes,
    background: () => sky.background,
    skyChanged: () => options.onSky?.(sky.bake()),
    animate: (clips, moves) => {
      mixer?.stopAllAction();
      mixer = startAnimations(file, clips);
      const gone = below(moves);
      ground.tree.remove(ground.ranges.filter(({ mesh }) => gone.has(mesh)));
      ground.ranges = [];
    },
    sound: (target, bytes) => options.onSound?.(target, bytes) ?? Promise.resolve(),
    drawn: nextFrame,
    largestTexture: Math.min(renderer.capabilities.maxTextureSize, LARGEST_SIDE),
    readers: { decode: options.decodePicture ?? decodeByBrowser, transcode: options.transcode ?? null },
  });
  return {
    group, sky, file, sharpener,
    fog: makeFog(places),
    tree: ground.tree,
    spots: ground.spots,
    seats: placeSeats(places.seats, file, ground.tree),
    portals: portalVolumes(places.portals, file),
    title: titleOf(file),
    meshes: meshes.length,
    triangles,
    bottom: ground.tree.bounds.minY - 8,
    animations: () => mixer?.stats.actions.inUse ?? 0,
    update: (seconds) => {
      mixer?.update(seconds);
      water.update(seconds);
    },
    refresh: ({ scene }) => {
      scene.environment = sky.bake();
    },
    dispose: () => {
      sharpener.end();
      mixer?.stopAllAction();
      mixer?.uncacheRoot(file.root);
      water.dispose();
      sky.dispose();
      disposeTree(group);
      for (const bitmap of file.bitmaps) bitmap.close();
    },
  };
}

/** Milliseconds after which a page that draws nothing, being hidden, is waited for no longer. */
const HIDDEN_FRAME = 250;

function nextFrame(): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, HIDDEN_FRAME);
    requestAnimationFrame(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}

function makeFog({ fog }: Places): Fog | FogExp2 | null {
  if (fog === null) return null;
  const colour = new Color(...fog.colour);
  return "density" in fog ? new FogExp2(colour, fog.density) : new Fog(colour, fog.near, fog.far);
}

/** All animations of a scene play and repeat, as there is nothing that would start them. */
function startAnimations(file: LoadedFile, clips: readonly AnimationClip[]): AnimationMixer | null {
  if (clips.length === 0) return null;
  const mixer = new AnimationMixer(file.root);
  for (const clip of clips.slice(0, 200)) mixer.clipAction(clip).play();
  return mixer;
}

function titleOf(file: LoadedFile): string | null {
  const scene = fields(list(file.json["scenes"])[0]);
  const title = text(fields(file.json.asset["extras"])["title"]) || text(scene["name"]);
  return title === "" || /^(root ?)?scene$|^Sketchfab/i.test(title) ? null : title;
}
