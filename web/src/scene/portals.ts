/**
 * Portals: volumes that lead elsewhere when one walks into them.
 *
 * Rule: a portal speaks once when it is entered, and again only after it was left; it never navigates by itself, and its
 * URI is handed on only when it is one that a link may be (https, matrix, or within this world's own site).
 */

import { Matrix4, type Object3D, Vector3 } from "three";

import type { LoadedFile } from "./load";
import type { Shape } from "./physics";
import type { Portal } from "./places";

export interface PortalVolume {
  uri: string;
  title: string;
  contains(x: number, y: number, z: number): boolean;
}

/** Half the size in metres of a portal that has no volume of its own: a doorway. */
const DOORWAY = { x: 0.8, y: 1.3, z: 0.6 };
const SAFE_URI = /^(https:|matrix:|#|\/(?!\/))/i;

export function portalVolumes(portals: readonly Portal[], file: LoadedFile): PortalVolume[] {
  return portals.flatMap((portal) => {
    const node = file.node(portal.node);
    if (node === null || !SAFE_URI.test(portal.uri)) return [];
    const volumes = portal.triggers.flatMap(({ node: at, shape }) => {
      const object = file.node(at);
      return object === null ? [] : [volume(object, shape)];
    });
    const inside = volumes.length > 0 ? volumes : [doorway(node)];
    const contains = (x: number, y: number, z: number): boolean => inside.some((test) => test(new Vector3(x, y + 0.9, z)));
    return [{ uri: portal.uri, title: portal.title, contains }];
  });
}

type Test = (point: Vector3) => boolean;

/** A test for a point, waist high, in a trigger's own space. Meshes are taken by a sphere of doorway size. */
function volume(object: Object3D, shape: Shape): Test {
  const inverse = new Matrix4().copy(object.matrixWorld).invert();
  const half = halfSize(shape);
  return (point) => {
    const { x, y, z } = point.applyMatrix4(inverse);
    return Math.abs(x) <= half.x && Math.abs(y) <= half.y && Math.abs(z) <= half.z;
  };
}

function halfSize(shape: Shape): { x: number; y: number; z: number } {
  switch (shape.kind) {
    case "box":
      return { x: shape.size[0] / 2, y: shape.size[1] / 2, z: shape.size[2] / 2 };
    case "sphere":
      return { x: shape.radius, y: shape.radius, z: shape.radius };
    case "mesh":
      return DOORWAY;
    default: {
      const radius = Math.max(shape.top, shape.bottom);
      return { x: radius, y: shape.height / 2 + (shape.kind === "capsule" ? radius : 0), z: radius };
    }
  }
}

/** Upright about the node, whatever its scale; the node may stand on the floor or hang in the middle of the arch. */
function doorway(node: Object3D): Test {
  const at = node.getWorldPosition(new Vector3());
  return (point) => Math.hypot(point.x - at.x, point.z - at.z) <= DOORWAY.x && Math.abs(point.y - at.y) <= DOORWAY.y + 0.6;
}

/** Tells portals apart from one's walk: each speaks when it is entered, not while one stands in it. */
export class PortalWatch {
  private readonly inside = new Set<PortalVolume>();
  private begun = false;

  constructor(private readonly portals: readonly PortalVolume[]) {}

  /** The portals that feet at (x, y, z) have just walked into. Where one begins, nothing is entered. */
  step(x: number, y: number, z: number): PortalVolume[] {
    const entered: PortalVolume[] = [];
    for (const portal of this.portals) {
      if (!portal.contains(x, y, z)) this.inside.delete(portal);
      else if (!this.inside.has(portal)) {
        this.inside.add(portal);
        if (this.begun) entered.push(portal);
      }
    }
    this.begun = true;
    return entered;
  }
}
