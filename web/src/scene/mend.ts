/**
 * Mending: a document from a stranger is cut down to what a loader can walk without hanging or failing.
 *
 * Rule: whatever refers to something that is not there, or would make the loader loop, is removed with a note and the
 * rest stays; after `mend` the node graph is a forest, every index is in range, every accessor is readable. Changes the
 * container's JSON in place.
 */

import { type Accessor, usableAccessors } from "./accessors";
import type { Container } from "./container";
import { type Fields, fields, index, isFields, list, type Notes, triple } from "./json";
import { SceneUnreadable } from "./unreadable";

type Mutable = { [key: string]: unknown };

/** Nodes that are walked: 20,000 are seen in real scenes. */
const MOST_NODES = 200_000;
/** Levels of the node tree; the loader recurses through them. */
const DEEPEST = 400;
/** Lights that are made at all; how many shine is decided later. */
const MOST_LIGHTS = 64;
/** Copies of one mesh by EXT_mesh_gpu_instancing. */
const MOST_INSTANCES = 50_000;
const MOST_JOINTS = 512;
const MOST_MORPHS = 64;

/** `blocks`: whether KTX2 can be shown. Raises `SceneUnreadable` only when nothing would be left. */
export function mend(container: Container, notes: Notes, blocks = false): void {
  const json: Mutable = container.json;
  for (const key of ["nodes", "meshes", "scenes", "materials", "textures", "images", "skins", "animations"]) {
    json[key] = list(json[key]).map((item) => (isFields(item) ? item : {}));
  }
  const accessors = usableAccessors(json);
  mendTextures(json, notes, blocks ? ["EXT_texture_avif", "EXT_texture_webp", "KHR_texture_basisu"] : ["EXT_texture_avif", "EXT_texture_webp"]);
  mendMaterials(json);
  const solid = mendMeshes(json, accessors, notes);
  mendNodes(json, solid, accessors, notes);
  mendGraph(json, notes);
  mendScenes(json, notes);
  mendSkins(json, accessors);
  mendAnimations(json, accessors, notes);
  delete json["cameras"];
}

function objects(json: Fields, key: string): Mutable[] {
  return list(json[key]) as Mutable[];
}

/**
 * WebP and AVIF are read by every browser with WebGL 2, and KTX2 by us: their extension is only another place for the index.
 * The last of `extensions` that a texture has counts.
 */
function mendTextures(json: Mutable, notes: Notes, extensions: readonly string[]): void {
  const images = objects(json, "images").length;
  for (const texture of objects(json, "textures")) {
    const told = fields(texture["extensions"]);
    for (const name of extensions) {
      const source = index(fields(told[name])["source"], images);
      if (source !== null) texture["source"] = source;
    }
    delete texture["extensions"];
    if (texture["source"] !== undefined && index(texture["source"], images) === null) {
      delete texture["source"];
      notes.add("A texture names a picture that is not there.");
    }
  }
}

/** Drops texture references that point nowhere, wherever in a material they stand. */
function mendMaterials(json: Mutable): void {
  const textures = objects(json, "textures").length;
  const walk = (value: Mutable, depth: number): void => {
    for (const [key, part] of Object.entries(value)) {
      if (!isFields(part) || depth > 4 || key === "extras") continue;
      if (key.endsWith("Texture") && index(part["index"], textures) === null) delete value[key];
      else walk(part as Mutable, depth + 1);
    }
  };
  for (const material of objects(json, "materials")) walk(material, 0);
}

/** Keeps the primitives that can be drawn; answers which meshes have any. */
function mendMeshes(json: Mutable, accessors: Map<number, Accessor>, notes: Notes): Set<number> {
  const solid = new Set<number>();
  const materials = objects(json, "materials").length;
  objects(json, "meshes").forEach((mesh, at) => {
    const all = list(mesh["primitives"]).filter(isFields) as Mutable[];
    const kept = all.filter((primitive) => mendPrimitive(primitive, accessors, materials, json));
    if (kept.length < list(mesh["primitives"]).length) notes.add("Broken parts of meshes were left out.");
    mesh["primitives"] = kept;
    if (kept.length > 0) solid.add(at);
    if (mesh["weights"] !== undefined && !isNumbers(mesh["weights"])) delete mesh["weights"];
    if (isFields(mesh["extras"])) delete (mesh["extras"] as Mutable)["targetNames"];
  });
  return solid;
}

function mendPrimitive(primitive: Mutable, accessors: Map<number, Accessor>, materials: number, json: Fields): boolean {
  const draco = fields(fields(primitive["extensions"])["KHR_draco_mesh_compression"]);
  const attributes: Mutable = { ...fields(primitive["attributes"]) };
  const all = list(json["accessors"]).length;
  // Draco's accessors have counts and no bytes: they are only described here.
  const read = (at: unknown): Accessor | undefined =>
    index(at, all) === null ? undefined : (accessors.get(at as number) ?? (draco["bufferView"] === undefined ? undefined : described(json, at as number)));
  const positions = read(attributes["POSITION"]);
  if (positions === undefined || positions.type !== "VEC3") return false;
  for (const [name, at] of Object.entries(attributes)) {
    if (read(at)?.count !== positions.count) delete attributes[name];
  }
  primitive["attributes"] = attributes;
  const mode = primitive["mode"] ?? 4;
  if (index(mode, 7) === null) return false;
  if (primitive["indices"] !== undefined && read(primitive["indices"])?.type !== "SCALAR") return false;
  if (primitive["material"] !== undefined && index(primitive["material"], materials) === null) delete primitive["material"];
  const targets = list(primitive["targets"]).slice(0, MOST_MORPHS).map(fields);
  const whole = targets.every((target) => Object.values(target).every((at) => read(at)?.count === positions.count));
  if (targets.length > 0 && whole) primitive["targets"] = targets;
  else delete primitive["targets"];
  return draco["bufferView"] === undefined || index(draco["bufferView"], list(json["bufferViews"]).length) !== null;
}

function described(json: Fields, at: number): Accessor | undefined {
  const { count, type, componentType } = fields(list(json["accessors"])[at]);
  if (typeof count !== "number" || typeof type !== "string" || typeof componentType !== "number") return undefined;
  return count > 0 && count < 20_000_000 ? { count, type, componentType } : undefined;
}

function mendNodes(json: Mutable, solid: Set<number>, accessors: Map<number, Accessor>, notes: Notes): void {
  const nodes = objects(json, "nodes");
  if (nodes.length > MOST_NODES) throw new SceneUnreadable(`The scene has ${nodes.length} nodes; ${MOST_NODES} is the most.`);
  const skins = objects(json, "skins").length;
  const lights = list(fields(fields(json["extensions"])["KHR_lights_punctual"])["lights"]).filter(isFields).length;
  let shining = 0;
  for (const node of nodes) {
    if (node["mesh"] !== undefined && !solid.has(node["mesh"] as number)) delete node["mesh"];
    if (index(node["skin"], skins) === null || node["mesh"] === undefined) delete node["skin"];
    if (node["weights"] !== undefined && !isNumbers(node["weights"])) delete node["weights"];
    delete node["camera"];
    if (isFields(node["extras"])) delete (node["extras"] as Mutable)["pivot"];
    mendTransform(node, notes);
    const extensions = node["extensions"] as Mutable | undefined;
    if (!isFields(extensions)) {
      delete node["extensions"];
      continue;
    }
    const light = index(fields(extensions["KHR_lights_punctual"])["light"], lights);
    if (light === null || ++shining > MOST_LIGHTS) delete extensions["KHR_lights_punctual"];
    const copies = Object.values(fields(fields(extensions["EXT_mesh_gpu_instancing"])["attributes"]));
    if (!copies.every((at) => (accessors.get(at as number)?.count ?? Infinity) <= MOST_INSTANCES)) {
      delete extensions["EXT_mesh_gpu_instancing"];
      notes.add("A mesh repeated too often is shown once.");
    }
  }
  mendLights(json);
}

/** The loader takes light definitions as they are: only complete ones may stay. */
function mendLights(json: Mutable): void {
  const extensions = fields(json["extensions"]) as Mutable;
  const root = extensions["KHR_lights_punctual"];
  if (!isFields(root)) return;
  const lights = list(root["lights"]).map((light) => {
    const type = fields(light)["type"];
    const known = type === "directional" || type === "point" || type === "spot";
    return known ? { ...fields(light), spot: type === "spot" ? fields(fields(light)["spot"]) : undefined } : { type: "point", intensity: 0 };
  });
  for (const light of lights as Mutable[]) {
    if (triple(light["color"]) === null) delete light["color"];
    for (const key of ["intensity", "range"]) if (!isAmount(light[key])) delete light[key];
  }
  (root as Mutable)["lights"] = lights;
}

function mendTransform(node: Mutable, notes: Notes): void {
  const bad = (key: string): void => {
    delete node[key];
    notes.add("A transform that is no transform was left out.");
  };
  const matrix = node["matrix"];
  if (matrix !== undefined && (!isNumbers(matrix) || matrix.length !== 16)) bad("matrix");
  if (node["translation"] !== undefined && triple(node["translation"], 1e7) === null) bad("translation");
  if (node["scale"] !== undefined && triple(node["scale"], 1e7) === null) bad("scale");
  const rotation = node["rotation"];
  if (rotation === undefined) return;
  const length = isNumbers(rotation) && rotation.length === 4 ? Math.hypot(...rotation) : 0;
  if (!(length > 1e-6) || !Number.isFinite(length)) bad("rotation");
  else node["rotation"] = (rotation as number[]).map((part) => part / length);
}

/** Makes the graph a forest of bounded depth: a child keeps the first parent that names it, rings are cut out. */
function mendGraph(json: Mutable, notes: Notes): void {
  const nodes = objects(json, "nodes");
  const named = nodes.map((node) => list(node["children"]));
  const parent = new Map<number, number>();
  named.forEach((children, at) => {
    for (const child of children) {
      if (index(child, nodes.length) !== null && child !== at && !parent.has(child as number)) parent.set(child as number, at);
    }
  });
  const reached = new Set<number>();
  let level = nodes.map((_, at) => at).filter((at) => !parent.has(at));
  for (let depth = 0; level.length > 0 && depth < DEEPEST; depth++) {
    for (const at of level) reached.add(at);
    level = level.flatMap((at) => [...new Set(named[at] as number[])].filter((child) => parent.get(child) === at));
  }
  nodes.forEach((node, at) => {
    const kept = [...new Set(named[at] as number[])].filter((to) => reached.has(at) && reached.has(to) && parent.get(to) === at);
    if (kept.length < (named[at]?.length ?? 0)) notes.add("The scene's node tree was knotted and has been cut straight.");
    if (kept.length > 0) node["children"] = kept;
    else delete node["children"];
  });
}

/** One scene is shown: the default one, or the first, or all roots when there is none. */
function mendScenes(json: Mutable, notes: Notes): void {
  const nodes = objects(json, "nodes");
  const scenes = objects(json, "scenes");
  const isChild = new Set(nodes.flatMap((node) => list(node["children"])));
  const shown = scenes[index(json["scene"], scenes.length) ?? 0];
  if (shown === undefined) notes.add("The file names no scene: everything in it is shown.");
  const wanted = shown === undefined ? nodes.map((_, at) => at) : list(shown["nodes"]);
  const roots = new Set(wanted.filter((at) => index(at, nodes.length) !== null && !isChild.has(at)));
  json["scenes"] = [{ ...shown, nodes: [...roots] }];
  json["scene"] = 0;
}

function mendSkins(json: Mutable, accessors: Map<number, Accessor>): void {
  const nodes = objects(json, "nodes").length;
  const broken = new Set<number>();
  objects(json, "skins").forEach((skin, at) => {
    const joints = list(skin["joints"]);
    const matrices = skin["inverseBindMatrices"];
    const read = accessors.get(matrices as number);
    const isBound = matrices === undefined || (read?.type === "MAT4" && read.componentType === 5126 && read.count >= joints.length);
    const isWhole = joints.length > 0 && joints.length <= MOST_JOINTS && joints.every((joint) => index(joint, nodes) !== null);
    if (!isBound || !isWhole) broken.add(at);
  });
  for (const node of objects(json, "nodes")) if (broken.has(node["skin"] as number)) delete node["skin"];
}

function mendAnimations(json: Mutable, accessors: Map<number, Accessor>, notes: Notes): void {
  const nodes = objects(json, "nodes").length;
  for (const animation of objects(json, "animations")) {
    const samplers = list(animation["samplers"]).map(fields);
    const isUsable = (channel: unknown): boolean => {
      const sampler = samplers[index(fields(channel)["sampler"], samplers.length) ?? -1];
      const target = fields(fields(channel)["target"]);
      const input = accessors.get(sampler?.["input"] as number);
      const output = accessors.get(sampler?.["output"] as number);
      if (input?.type !== "SCALAR" || input.componentType !== 5126 || output === undefined) return false;
      const isPath = ["translation", "rotation", "scale", "weights"].includes(String(target["path"]));
      return isPath && index(target["node"], nodes) !== null && output.count >= input.count;
    };
    const channels = list(animation["channels"]).filter(isUsable);
    if (channels.length < list(animation["channels"]).length) notes.add("Broken parts of animations were left out.");
    animation["channels"] = channels;
    animation["samplers"] = samplers;
  }
  // One that moves nothing stays: parts of packages name animations by their place.
}

function isNumbers(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((part) => typeof part === "number" && Number.isFinite(part) && Math.abs(part) < 1e9);
}

function isAmount(value: unknown): boolean {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}
