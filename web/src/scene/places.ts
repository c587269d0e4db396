/**
 * Places that a scene names: where one appears, sits, and leaves for elsewhere; and what it hides.
 *
 * Rule: only what is written is read here, node by node and typed; whether a place makes sense on the ground is decided by
 * whoever uses it.
 */

import { extension, type Fields, fields, list, number, text, triple, type Triple } from "./json";
import { type PlacedShape, readColliders, type Shape } from "./physics";

export interface SpawnPoint {
  node: number;
  title: string;
  /** MX_spawn_point looks along its node's +Z, OMI_spawn_point is read like a camera: along −Z. */
  turned: boolean;
}

export interface Seat {
  node: number;
  /** In the node's space, as OMI_seat defines them: limits of back and feet, base of the knees. */
  back: Triple;
  knee: Triple;
  foot: Triple;
}

export interface Portal {
  node: number;
  uri: string;
  title: string;
  /** The volumes that one walks into, each on a node; without any, a default one about the node. */
  triggers: { node: number; shape: Shape }[];
}

export interface Places {
  spawns: SpawnPoint[];
  seats: Seat[];
  portals: Portal[];
  /** Nodes that KHR_node_visibility hides. */
  hidden: number[];
  /** Distances in metres within which fog rises, or its density; null: clear air. */
  fog: { colour: Triple; near: number; far: number } | { colour: Triple; density: number } | null;
}

/** Each kind of place: beyond this a scene is a mistake. */
const MOST = 500;

export function readPlaces(json: Fields): Places {
  const nodes = list(json["nodes"]);
  const triggers = readColliders(json).filter((placed) => placed.trigger);
  const places: Places = { spawns: [], seats: [], portals: [], hidden: [], fog: readFog(json) };
  nodes.forEach((node, at) => {
    const spawn = extension(node, "OMI_spawn_point");
    const turned = extension(node, "MX_spawn_point");
    if (spawn !== null) places.spawns.push({ node: at, title: text(spawn["title"]), turned: false });
    else if (turned !== null) places.spawns.push({ node: at, title: "", turned: true });
    if (extension(node, "KHR_node_visibility")?.["visible"] === false) places.hidden.push(at);
    const seat = readSeat(extension(node, "OMI_seat"), at);
    if (seat !== null) places.seats.push(seat);
    const portal = readPortal(node, at, nodes, triggers);
    if (portal !== null) places.portals.push(portal);
  });
  // A scene made for both kinds of client carries each point twice: ours is the one to trust.
  const own = places.spawns.filter((spawn) => !spawn.turned);
  places.spawns = (own.length > 0 ? own : places.spawns).slice(0, MOST);
  places.seats = places.seats.slice(0, MOST);
  places.portals = places.portals.slice(0, MOST);
  return places;
}

function readSeat(seat: Fields | null, node: number): Seat | null {
  const [back, knee, foot] = [triple(seat?.["back"]), triple(seat?.["knee"]), triple(seat?.["foot"])];
  return back === null || knee === null || foot === null ? null : { node, back, knee, foot };
}

function readPortal(node: unknown, at: number, nodes: readonly unknown[], triggers: readonly PlacedShape[]): Portal | null {
  const link = extension(node, "OMI_link") ?? extension(node, "MX_portal");
  const uri = text(link?.["uri"], "", 2000);
  if (link === null || uri === "") return null;
  // The volume is the node's own trigger, or one of a child of its.
  const children = new Set<unknown>([at, ...list(fields(node)["children"])]);
  const own = triggers.filter((trigger) => children.has(trigger.node));
  return { node: at, uri, title: text(link["title"], text(fields(nodes[at])["name"])), triggers: own };
}

function readFog(json: Fields): Places["fog"] {
  const scene = fields(list(json["scenes"])[Number(json["scene"] ?? 0)]);
  const extras = fields(scene["extras"]);
  const written = extras["roomscale.fog"] ?? fields(extras["roomscale"])["fog"];
  const fog = fields(written);
  const colour = triple(fog["color"]);
  if (colour === null) return null;
  if (typeof fog["density"] === "number") return { colour, density: number(fog["density"], 0, 0, 1) };
  const near = number(fog["near"], 10, 0, 1e5);
  return { colour, near, far: number(fog["far"], 100, near + 1, 1e6) };
}
