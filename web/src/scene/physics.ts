/**
 * Explicit colliders: OMI_physics_body with OMI_physics_shape, and the older OMI_collider.
 *
 * Rule: what is read here is only said, not built: a list of (node, shape) for whatever stands still or may be taken to.
 * Triggers are no obstacles and are listed apart.
 */

import { type Fields, extension, fields, index, isFields, list, number, triple, type Triple } from "./json";

export type Shape =
  | { kind: "box"; size: Triple }
  | { kind: "sphere"; radius: number }
  /** `height`: a cylinder's whole height; a capsule's between the middles of its caps. */
  | { kind: "capsule" | "cylinder"; height: number; top: number; bottom: number }
  | { kind: "mesh"; mesh: number };

export interface PlacedShape {
  node: number;
  shape: Shape;
  trigger: boolean;
}

/** Metres: the largest collider that is a room and not a mistake. */
const LARGEST = 1e5;

/** All colliders and triggers of the document. */
export function readColliders(json: Fields): PlacedShape[] {
  const meshes = list(json["meshes"]).length;
  const shapes = list(fields(fields(json["extensions"])["OMI_physics_shape"])["shapes"]).map((shape) => readShape(shape, meshes));
  const old = list(fields(fields(json["extensions"])["OMI_collider"])["colliders"]);
  return list(json["nodes"]).flatMap((node, at) => [
    ...fromBody(extension(node, "OMI_physics_body"), at, shapes),
    ...fromOldCollider(extension(node, "OMI_collider"), at, old, meshes),
  ]);
}

function fromBody(body: Fields | null, node: number, shapes: (Shape | null)[]): PlacedShape[] {
  return (["collider", "trigger"] as const).flatMap((role) => {
    const at = index(fields(body?.[role])["shape"], shapes.length);
    const shape = at === null ? null : (shapes[at] ?? null);
    return shape === null ? [] : [{ node, shape, trigger: role === "trigger" }];
  });
}

/** `{type, extents (half), radius, height, mesh, isTrigger}` on the node, or `{collider: index}` into the root's list. */
function fromOldCollider(written: Fields | null, node: number, all: readonly unknown[], meshes: number): PlacedShape[] {
  if (written === null) return [];
  const named = index(written["collider"], all.length);
  const collider = named === null ? written : fields(all[named]);
  const half = triple(collider["extents"]);
  const size = half === null ? undefined : half.map((part) => part * 2);
  const type = collider["type"] === "hull" ? "convex" : collider["type"] === "mesh" ? "trimesh" : String(collider["type"]);
  const shape = readShape({ type, [type]: { ...collider, size } }, meshes);
  return shape === null ? [] : [{ node, shape, trigger: collider["isTrigger"] === true }];
}

/** One entry of OMI_physics_shape, with the extension's defaults. */
function readShape(written: unknown, meshes: number): Shape | null {
  const type = fields(written)["type"];
  if (!isFields(written) || typeof type !== "string") return null;
  const values = fields(written[type]);
  const radius = (key: string, fallback = 0.5): number => number(values[key], fallback, 0, LARGEST);
  switch (type) {
    case "box":
      return { kind: "box", size: (triple(values["size"], LARGEST) ?? [1, 1, 1]).map(Math.abs) as Triple };
    case "sphere":
      return { kind: "sphere", radius: radius("radius") };
    case "capsule":
    case "cylinder": {
      const same = radius("radius");
      return { kind: type, height: radius("height", type === "capsule" ? 1 : 2), top: radius("radiusTop", same), bottom: radius("radiusBottom", same) };
    }
    case "convex":
    case "trimesh": {
      const mesh = index(values["mesh"], meshes);
      return mesh === null ? null : { kind: "mesh", mesh };
    }
    default:
      return null;
  }
}
