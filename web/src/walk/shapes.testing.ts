/** Simple geometry to walk on: boxes, quads and stairs as triangles, for tests. */

import type { Triangle } from "./solid";

type P = readonly [number, number, number];

export function triangle(a: P, b: P, c: P): Triangle {
  return { ax: a[0], ay: a[1], az: a[2], bx: b[0], by: b[1], bz: b[2], cx: c[0], cy: c[1], cz: c[2] };
}

export function quad(a: P, b: P, c: P, d: P): Triangle[] {
  return [triangle(a, b, c), triangle(a, c, d)];
}

/** A horizontal square of half-width `half` at height `y`. */
export function floor(half = 20, y = 0): Triangle[] {
  return quad([-half, y, half], [half, y, half], [half, y, -half], [-half, y, -half]);
}

export function box(x0: number, y0: number, z0: number, x1: number, y1: number, z1: number): Triangle[] {
  return [
    ...quad([x0, y1, z1], [x1, y1, z1], [x1, y1, z0], [x0, y1, z0]),
    ...quad([x0, y0, z0], [x1, y0, z0], [x1, y0, z1], [x0, y0, z1]),
    ...quad([x0, y0, z1], [x1, y0, z1], [x1, y1, z1], [x0, y1, z1]),
    ...quad([x1, y0, z0], [x0, y0, z0], [x0, y1, z0], [x1, y1, z0]),
    ...quad([x1, y0, z1], [x1, y0, z0], [x1, y1, z0], [x1, y1, z1]),
    ...quad([x0, y0, z0], [x0, y0, z1], [x0, y1, z1], [x0, y1, z0]),
  ];
}

/** Stairs that climb along −z from z = 0. */
export function stairs(steps: number, rise: number, run: number, half = 1): Triangle[] {
  return Array.from({ length: steps }, (_, n) => box(-half, 0, -(n + 1) * run, half, (n + 1) * rise, -n * run)).flat();
}

/** A slope that climbs along −z from z = 0 at `degrees`, `length` metres deep. */
export function slope(degrees: number, length = 10, half = 5): Triangle[] {
  const top = length * Math.tan((degrees * Math.PI) / 180);
  return quad([-half, 0, 0], [half, 0, 0], [half, top, -length], [-half, top, -length]);
}
