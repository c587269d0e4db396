import { describe, expect, it } from "vitest";

import { box, floor, quad } from "../walk/shapes.testing";
import type { Triangle } from "../walk/solid";
import { CollisionTree } from "./bvh";
import { chooseSpot, settle, type Spot } from "./spawn";

function tree(triangles: Triangle[]): CollisionTree {
  return new CollisionTree(Float32Array.from(triangles.flatMap((t) => [t.ax, t.ay, t.az, t.bx, t.by, t.bz, t.cx, t.cy, t.cz])));
}

function spotIn(triangles: Triangle[]): Spot | null {
  const solid = tree(triangles);
  return chooseSpot(solid, solid.bounds);
}

/** A house 8 m by 6 m with walls, a door towards +z, a flat roof that overhangs. */
const house = [
  ...box(-4, 0, -3, -3.8, 3, 3),
  ...box(3.8, 0, -3, 4, 3, 3),
  ...box(-4, 0, -3, 4, 3, -2.8),
  ...box(-4, 0, 2.8, -0.6, 3, 3),
  ...box(0.6, 0, 2.8, 4, 3, 3),
  ...box(-4.5, 3, -3.5, 4.5, 3.3, 3.5),
];

describe("a sane spot", () => {
  it("is inside a house that is all there is, not on its roof", () => {
    const spot = spotIn([...quad([-4, 0, 3], [4, 0, 3], [4, 0, -3], [-4, 0, -3]), ...house]);
    expect(spot?.y).toBeCloseTo(0, 2);
    expect(Math.abs(spot?.x ?? 9)).toBeLessThan(3.5);
    expect(Math.abs(spot?.z ?? 9)).toBeLessThan(2.5);
  });

  it("is on the ground beside or in a house on a meadow, never on the roof", () => {
    const spot = spotIn([...floor(40), ...house]);
    expect(spot?.y).toBeCloseTo(0, 2);
  });

  it("is on a rolling terrain, near its middle", () => {
    const height = (x: number, z: number): number => Math.sin(x / 9) * 2 + Math.cos(z / 7) * 2;
    const at = (x: number, z: number): [number, number, number] => [x, height(x, z), z];
    const terrain: Triangle[] = [];
    for (let x = -60; x < 60; x += 2) for (let z = -60; z < 60; z += 2) terrain.push(...quad(at(x, z + 2), at(x + 2, z + 2), at(x + 2, z), at(x, z)));
    const spot = spotIn(terrain);
    expect(Math.hypot(spot?.x ?? 99, spot?.z ?? 99)).toBeLessThan(25);
    expect(spot?.y).toBeCloseTo(height(spot?.x ?? 0, spot?.z ?? 0), 0);
  });

  it("is not within a closed block, nor on a table, nor in a cupboard", () => {
    const spot = spotIn([...floor(5), ...box(-1, 0, -1, 1, 3, 1), ...box(2, 0, 2, 4, 0.8, 4)]);
    expect(spot?.y).toBeCloseTo(0, 2);
    expect(Math.max(Math.abs(spot?.x ?? 0), Math.abs(spot?.z ?? 0))).toBeGreaterThan(1.25);
  });

  it("looks along the open way of a corridor", () => {
    const spot = spotIn([...box(-1.6, -1, -12, 1.6, 0, 12), ...box(-1.6, 0, -12, -1.2, 3, 12), ...box(1.2, 0, -12, 1.6, 3, 12), ...box(-1.6, 3, -12, 1.6, 3.2, 12)]);
    expect(spot).not.toBeNull();
    expect(Math.abs(Math.cos(spot?.yaw ?? 0))).toBeGreaterThan(0.9);
  });

  it("does not exist where there is nothing to stand on", () => {
    expect(spotIn(box(0, 0, 0, 0.5, 0.5, 0.5))).toBeNull();
    expect(spotIn([])).toBeNull();
  });

  it("is the same each time", () => {
    expect(spotIn([...floor(40), ...house])).toEqual(spotIn([...floor(40), ...house]));
  });
});

describe("a stated spawn point", () => {
  it("settles on the ground below it", () => {
    expect(settle(tree(floor()), { x: 1, y: 1.6, z: 2, yaw: 0.5 })).toEqual({ x: 1, y: expect.closeTo(0, 3), z: 2, yaw: 0.5 });
  });

  it("a little under the floor is lifted onto it", () => {
    expect(settle(tree(floor()), { x: 1, y: -0.2, z: 2, yaw: 0 })?.y).toBeCloseTo(0, 3);
  });

  it("over nothing, or in a wall, is no use", () => {
    expect(settle(tree(floor(5)), { x: 50, y: 1, z: 0, yaw: 0 })).toBeNull();
    expect(settle(tree([...floor(5), ...box(-1, 0, -1, 1, 3, 1)]), { x: 0.95, y: 0, z: 0, yaw: 0 })).toBeNull();
  });
});
