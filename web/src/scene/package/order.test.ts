/** Who comes to a world sees its largest things sharp first, and nothing coarse for long. */
import { describe, expect, it } from "vitest";

import type { Kind, Part } from "./manifest";
import { inOrder } from "./order";

const MB = 1024 * 1024;

function part(name: string, level: number, priority: number, bytes: number, indices: number[], kind: Kind = "images"): Part {
  const targets = indices.map((index) => ({ pointer: `/${kind}/${index}`, index, extension: "" }));
  return { sha256: name, bytes, type: "", level, kind, targets, size: [], priority, mxc: "mxc://example.org/a" };
}

function order(parts: Part[], level = 2, placed: Record<string, string> = {}): string[] {
  const manifest = { entry: { sha256: "", bytes: 1, mxc: null }, parts };
  return inOrder(manifest, level, new Map(Object.entries(placed))).map(({ part: { sha256 }, targets }) => `${sha256}:${targets.map(({ index }) => index).join()}`);
}

/** `count` pictures at two levels, picture 0 the most urgent; level 2 has the higher priorities, as the packer gives them. */
function pictures(count: number, low: number, high: number): Part[] {
  const at = Array.from({ length: count }, (_, n) => n);
  return [...at.map((n) => part(`low${n}`, 1, n, low, [n])), ...at.map((n) => part(`high${n}`, 2, count + n, high, [n]))];
}

describe("parts are taken", () => {
  it("at their sharpest alone, when all of them come soon", () => {
    expect(order(pictures(3, MB / 4, MB))).toEqual(["high0:0", "high1:1", "high2:2"]);
  });

  it("by how large a thing looks, at whichever level it is sharpest", () => {
    const mesh = part("mesh", 1, 0.5, MB, [0], "meshes");
    expect(order([mesh, ...pictures(2, MB / 4, MB)])).toEqual(["high0:0", "mesh:0", "high1:1"]);
    expect(order([mesh, ...pictures(2, MB / 4, MB)], 1)).toEqual(["low0:0", "mesh:0", "low1:1"]);
  });

  it("coarser first where they would be waited for: the nearest are sharp at once, all others soon", () => {
    expect(order(pictures(4, MB / 2, 2 * MB))).toEqual(["high0:0", "high1:1", "low2:2", "low3:3", "high2:2", "high3:3"]);
  });

  it("without what comes first, where that saves little time, or is no picture, or is nowhere", () => {
    expect(order(pictures(3, 3 * MB, 5 * MB))).toEqual(["high0:0", "high1:1", "high2:2"]);
    expect(order([part("low", 1, 0, MB, [0], "meshes"), part("high", 2, 1, 9 * MB, [0], "meshes")])).toEqual(["high:0"]);
    expect(order([{ ...part("low", 1, 0, MB, [0]), mxc: null }, part("high", 2, 1, 9 * MB, [0])])).toEqual(["high:0"]);
  });

  it("once, though two finer ones wait for it", () => {
    expect(order([part("both", 1, 0, MB, [0, 1]), part("a", 2, 1, 5 * MB, [0]), part("b", 2, 2, 5 * MB, [1])])).toEqual(["both:0,1", "a:0", "b:1"]);
  });

  it("only where they are not in place, and never to make coarser what is", () => {
    const all = pictures(2, MB, 5 * MB);
    expect(order(all, 2, { "/images/0": "high0", "/images/1": "low1" })).toEqual(["high1:1"]);
    expect(order(all, 2, { "/images/0": "another" })).toEqual(["high0:0", "low1:1", "high1:1"]);
  });
});
