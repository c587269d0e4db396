import { describe, expect, it } from "vitest";

import { Body } from "../walk/body";
import { findGround, type GroundPlan } from "./ground";
import { Notes } from "./json";
import { readPlaces } from "./places";
import { hasRealScenes, loadBare, realScene, sample } from "./real.testing";

async function groundOf(entry: ArrayBuffer): Promise<GroundPlan & { notes: string[] }> {
  const notes = new Notes();
  const file = await loadBare(entry, notes);
  return { ...(await findGround(file, readPlaces(file.json), notes)), notes: notes.lines };
}

/** The metres that a body comes from the spot in each of eight directions within two seconds, never leaving the world. */
function reach({ tree, spots }: GroundPlan): number[] {
  return Array.from({ length: 8 }, (_, turn) => {
    const spot = spots[0];
    if (spot === undefined) throw new Error("no spot");
    const body = new Body(tree);
    body.place(spot.x, spot.y, spot.z);
    const [x, z] = [Math.sin((turn * Math.PI) / 4) * 2, Math.cos((turn * Math.PI) / 4) * 2];
    for (let step = 0; step < 120; step++) body.step(1 / 60, { x, z, jump: false });
    expect(body.y).toBeGreaterThan(tree.bounds.minY - 0.5);
    return Math.hypot(body.x - spot.x, body.z - spot.z);
  });
}

describe.skipIf(!hasRealScenes)("real scenes (beside the repository: ../shared/gltf)", () => {
  it("the garage: one stands on its floor, inside, with room to walk", async () => {
    const ground = await groundOf(await realScene("WebXR_Garage/garage.gltf"));
    const { x, y, z } = ground.spots[0] as { x: number; y: number; z: number };
    expect(Math.abs(y)).toBeLessThan(0.1);
    expect(Math.abs(x)).toBeLessThan(2.9);
    expect(Math.abs(z)).toBeLessThan(3);
    expect(ground.tree.cast(x, y + 1, z, 0, 1, 0, 5)).not.toBeNull();
    expect(Math.max(...reach(ground))).toBeGreaterThan(1.5);
  });

  it("the living room: one stands in the room, not on its roof, in its yard or within its floor", async () => {
    const ground = await groundOf(await realScene("LivingRoom/living_room.glb"));
    const { x, y, z } = ground.spots[0] as { x: number; y: number; z: number };
    expect(y).toBeCloseTo(1, 1);
    expect(Math.abs(x)).toBeLessThan(3.9);
    expect(z).toBeGreaterThan(-1.9);
    expect(z).toBeLessThan(2.2);
    expect(Math.max(...reach(ground))).toBeGreaterThan(1.5);
  });

  it("a hall of spheres, a jungle and five hundred cubes can be walked", async () => {
    for (const path of ["OcclusionRooms/room.glb", "JungleScene/scene.gltf", "ManyCubes/many-cubes.gltf"]) {
      expect(Math.max(...reach(await groundOf(await realScene(path)))), path).toBeGreaterThan(1);
    }
  });

  it("a staircase by itself gets a floor, and one stands before it", async () => {
    const ground = await groundOf(await realScene("KayKit_Dungeon/stairs_wide.gltf.glb"));
    expect(ground.floor).not.toBeNull();
    expect(ground.spots[0]?.y).toBeCloseTo(0, 1);
    expect(Math.min(...reach(ground))).toBeGreaterThan(1.5);
    expect(ground.notes.join()).toContain("floor was laid");
  });
});

describe("the sample worlds", () => {
  it.each(["plaza.glb", "gallery.glb"])("%s: one begins at a stated spawn point, on the ground, free to go", async (name) => {
    const ground = await groundOf(await sample(name));
    expect(ground.floor).toBeNull();
    expect(ground.notes).toEqual([]);
    expect(Math.max(...reach(ground))).toBeGreaterThan(3);
  });
});
