import { describe, expect, it } from "vitest";

import { Body, RADIUS, RUN_SPEED, WALK_SPEED } from "./body";
import { box, floor, quad, slope, stairs } from "./shapes.testing";
import { type Triangle, TriangleList } from "./solid";
import { STEP_SECONDS, Walker } from "./walker";

const STILL = { x: 0, z: 0, jump: false };

function bodyOn(triangles: Triangle[], x = 0, y = 0, z = 0): Body {
  const body = new Body(new TriangleList(triangles));
  body.place(x, y, z);
  return body;
}

/** Steps for some seconds; answers every position on the way. */
function go(body: Body, seconds: number, wish = STILL): { x: number; y: number; z: number; grounded: boolean }[] {
  return Array.from({ length: Math.round(seconds / STEP_SECONDS) }, (_, at) => {
    body.step(STEP_SECONDS, { ...wish, jump: wish.jump && at === 0 });
    return { x: body.x, y: body.y, z: body.z, grounded: body.grounded };
  });
}

describe("on a floor", () => {
  it("stands still for a minute", () => {
    const body = bodyOn(floor());
    go(body, 60);
    expect([body.x, body.y, body.z]).toEqual([0, 0, 0]);
    expect(body.grounded).toBe(true);
  });

  it("walks and runs at their speeds", () => {
    for (const speed of [WALK_SPEED, RUN_SPEED]) {
      const body = bodyOn(floor());
      go(body, 1, { x: 0, z: -speed, jump: false });
      const start = body.z;
      go(body, 1, { x: 0, z: -speed, jump: false });
      expect(start - body.z).toBeCloseTo(speed, 2);
      expect(body.y).toBeCloseTo(0, 5);
    }
  });

  it("jumps between 0.7 and 1 m high and lands where it was", () => {
    const body = bodyOn(floor());
    const path = go(body, 1.5, { ...STILL, jump: true });
    const top = Math.max(...path.map((at) => at.y));
    expect(top).toBeGreaterThan(0.7);
    expect(top).toBeLessThan(1);
    expect(body.grounded).toBe(true);
    expect(body.y).toBeCloseTo(0, 3);
  });

  it("never falls through, dropped from any height", () => {
    for (const height of [0.5, 3, 20, 150]) {
      const body = bodyOn(floor(), 0.3, height, 0.1);
      const path = go(body, 8);
      expect(Math.min(...path.map((at) => at.y))).toBeGreaterThan(-0.01);
      expect(body.grounded).toBe(true);
    }
  });

  it("walks over the seams of a fine grid without a hitch", () => {
    const grid = Array.from({ length: 400 }, (_, n) => {
      const [x, z] = [(n % 20) * 0.25 - 2.5, Math.floor(n / 20) * 0.25 - 5];
      return quad([x, 0, z + 0.25], [x + 0.25, 0, z + 0.25], [x + 0.25, 0, z], [x, 0, z]);
    }).flat();
    const body = bodyOn(grid, 0.01, 0, -0.5);
    const path = go(body, 1.5, { x: 0.1, z: -2, jump: false });
    expect(path.every((at) => at.grounded && Math.abs(at.y) < 1e-6)).toBe(true);
  });
});

describe("walls", () => {
  it("hold at a radius' distance, however fast", () => {
    for (const speed of [WALK_SPEED, RUN_SPEED, 40]) {
      const body = bodyOn([...floor(50), ...quad([-9, 0, -3], [9, 0, -3], [9, 3, -3], [-9, 3, -3])]);
      const path = go(body, 4, { x: 0, z: -speed, jump: false });
      expect(Math.min(...path.map((at) => at.z))).toBeGreaterThan(-3 + RADIUS - 0.02);
    }
  });

  it("hold from behind too, as many scenes are seen from inside", () => {
    const body = bodyOn([...floor(50), ...quad([9, 0, -3], [-9, 0, -3], [-9, 3, -3], [9, 3, -3])]);
    go(body, 4, { x: 0, z: -RUN_SPEED, jump: false });
    expect(body.z).toBeGreaterThan(-3 + RADIUS - 0.02);
  });

  it("let one slide along them", () => {
    const body = bodyOn([...floor(50), ...quad([-30, 0, -1], [30, 0, -1], [30, 3, -1], [-30, 3, -1])]);
    go(body, 2, { x: 2, z: -2, jump: false });
    expect(body.x).toBeGreaterThan(3.2);
    expect(body.z).toBeGreaterThan(-1 + RADIUS - 0.02);
  });

  it("hold in a corner without trembling", () => {
    const body = bodyOn([...floor(), ...box(-5, 0, -3, 5, 3, -2), ...box(1, 0, -5, 2, 3, 5)]);
    const path = go(body, 4, { x: 2, z: -2, jump: false }).slice(-60);
    expect(Math.max(...path.map((at) => at.x)) - Math.min(...path.map((at) => at.x))).toBeLessThan(0.005);
    expect(body.x).toBeLessThan(1 - RADIUS + 0.02);
  });

  it("hold in the air", () => {
    const body = bodyOn([...floor(), ...box(-5, 0, -3, 5, 6, -2)], 0, 0, -1.5);
    const path = go(body, 2, { x: 0, z: -RUN_SPEED, jump: true });
    expect(Math.min(...path.map((at) => at.z))).toBeGreaterThan(-2 + RADIUS - 0.03);
  });
});

describe("stairs", () => {
  it.each([[0.17, 0.28], [0.3, 0.3], [0.34, 0.4]])("of %f m by %f m are climbed and descended on foot", (rise, run) => {
    const steps = 10;
    const body = bodyOn([...floor(), ...stairs(steps, rise, run), ...box(-1, 0, -steps * run - 5, 1, steps * rise, -steps * run)], 0, 0, 1);
    const up = go(body, 4, { x: 0, z: -WALK_SPEED, jump: false });
    expect(body.y).toBeCloseTo(steps * rise, 2);
    expect(up.every((at) => at.grounded)).toBe(true);
    const down = go(body, 4.5, { x: 0, z: WALK_SPEED, jump: false });
    expect(body.y).toBeCloseTo(0, 2);
    expect(down.every((at) => at.grounded)).toBe(true);
  });

  it("are shown as a slope: the lift hides each step", () => {
    const walker = new Walker(new TriangleList([...floor(), ...stairs(10, 0.17, 0.28)]));
    walker.place(0, 0, 1);
    let steepest = 0;
    let before = 0;
    for (let frame = 0; frame < 100; frame++) {
      walker.advance(STEP_SECONDS, { x: 0, z: -WALK_SPEED, jump: false });
      steepest = Math.max(steepest, walker.shown.y - before);
      before = walker.shown.y;
    }
    expect(before).toBeGreaterThan(1.2);
    expect(steepest).toBeLessThan(0.06);
  });

  it.each([0.45, 0.5, 0.8, 1.2])("a ledge of %f m is no stair", (height) => {
    const body = bodyOn([...floor(), ...box(-3, 0, -4, 3, height, -2)]);
    const path = go(body, 3, { x: 0, z: -WALK_SPEED, jump: false });
    expect(Math.max(...path.map((at) => at.y))).toBeLessThan(0.05);
    expect(body.z).toBeGreaterThan(-2.05);
  });

  it("a ledge of 0.7 m can be jumped onto", () => {
    const body = bodyOn([...floor(), ...box(-3, 0, -6, 3, 0.7, -2)], 0, 0, -1.2);
    go(body, 1.5, { x: 0, z: -WALK_SPEED, jump: true });
    expect(body.y).toBeCloseTo(0.7, 2);
    expect(body.grounded).toBe(true);
  });
});

describe("slopes", () => {
  it.each([10, 30, 45])("of %i° are walked up and down without leaving the ground", (degrees) => {
    const body = bodyOn([...floor(), ...slope(degrees)], 0, 0, 1);
    const path = go(body, 3, { x: 0, z: -WALK_SPEED, jump: false });
    expect(body.y).toBeGreaterThan(2 * Math.tan((degrees * Math.PI) / 180));
    const back = go(body, 2, { x: 0, z: RUN_SPEED, jump: false });
    expect([...path, ...back].every((at) => at.grounded)).toBe(true);
  });

  it.each([30, 45])("of %i° hold one who stands", (degrees) => {
    const body = bodyOn([...floor(), ...slope(degrees)], 0, 2, -2 / Math.tan((degrees * Math.PI) / 180));
    go(body, 1);
    const at = { x: body.x, y: body.y, z: body.z };
    go(body, 10);
    expect(Math.hypot(body.x - at.x, body.y - at.y, body.z - at.z)).toBeLessThan(0.01);
  });

  it.each([58, 70])("of %i° cannot be climbed, not even by jumping", (degrees) => {
    const body = bodyOn([...floor(), ...slope(degrees)], 0, 0, 2);
    let highest = 0;
    for (let at = 0; at < 600; at++) {
      body.step(STEP_SECONDS, { x: 0, z: -RUN_SPEED, jump: at % 20 === 0 });
      highest = Math.max(highest, body.y);
    }
    expect(highest).toBeLessThan(1.6);
    go(body, 2);
    expect(body.y).toBeLessThan(0.3);
  });

  it("of 65° let one slide down to the floor", () => {
    const body = bodyOn([...floor(), ...slope(65)], 0, 6, -2);
    go(body, 4);
    expect(body.y).toBeCloseTo(0, 1);
  });
});

describe("overhead and underfoot", () => {
  it("a ceiling stops a jump and nothing is passed", () => {
    const body = bodyOn([...floor(), ...floor(20, 2)]);
    const path = go(body, 1.5, { ...STILL, jump: true });
    expect(Math.max(...path.map((at) => at.y))).toBeLessThan(0.32);
    expect(body.y).toBeCloseTo(0, 3);
  });

  it("a passage of 1.6 m is too low, one of 1.8 m is not", () => {
    for (const [height, passes] of [[1.6, false], [1.8, true]] as const) {
      const body = bodyOn([...floor(), ...box(-3, height, -4, 3, 4, -2)]);
      go(body, 3, { x: 0, z: -WALK_SPEED, jump: false });
      expect(body.z < -4.3).toBe(passes);
    }
  });

  it("stairs under a low ceiling end where the head would touch", () => {
    const body = bodyOn([...floor(), ...stairs(10, 0.2, 0.3), ...floor(20, 2.5)], 0, 0, 1);
    const path = go(body, 5, { x: 0, z: -WALK_SPEED, jump: false });
    expect(Math.max(...path.map((at) => at.y))).toBeLessThan(0.85);
    expect(path.every((at) => at.grounded)).toBe(true);
  });

  it("a gap narrower than the body is walked over, a wide one is fallen into", () => {
    for (const [gap, falls] of [[0.25, false], [0.4, false], [1.6, true]] as const) {
      const planks = [...box(-3, -1, -2, 3, 0, 3), ...box(-3, -1, -9, 3, 0, -2 - gap)];
      const body = bodyOn([...floor(20, -6), ...planks], 0, 0, 0);
      go(body, 3, { x: 0, z: -WALK_SPEED, jump: false });
      expect(body.y < -3).toBe(falls);
    }
  });

  it("walks off an edge, falls and lands", () => {
    const body = bodyOn([...floor(20, -3), ...box(-2, -3, -2, 2, 0, 2)]);
    const path = go(body, 3, { x: 0, z: -WALK_SPEED, jump: false });
    expect(path.some((at) => !at.grounded)).toBe(true);
    expect(body.y).toBeCloseTo(-3, 3);
  });

  it("does not walk off the edge of the world, but along it; a jump leads over it", () => {
    const body = bodyOn(floor(3));
    const path = go(body, 6, { x: 0.5, z: -WALK_SPEED, jump: false });
    expect(path.every((at) => at.grounded)).toBe(true);
    expect(body.z).toBeGreaterThan(-3.31);
    expect(body.x).toBeGreaterThan(1.5);
    go(body, 2, { x: 0, z: -WALK_SPEED, jump: true });
    expect(body.y).toBeLessThan(-1);
  });

  it("a jump just after the edge still counts", () => {
    const body = bodyOn([...floor(20, -3), ...box(-2, -3, -2, 2, 0, 2)], 0, 0, -1.9);
    while (body.grounded) body.step(STEP_SECONDS, { x: 0, z: -WALK_SPEED, jump: false });
    go(body, 0.05, { x: 0, z: -WALK_SPEED, jump: false });
    go(body, 0.1, { x: 0, z: -WALK_SPEED, jump: true });
    expect(body.vy).toBeGreaterThan(2);
  });

  it("wedged between two steep walls one can jump out", () => {
    const v = [...quad([-5, 0, 0], [5, 0, 0], [5, 5, -2], [-5, 5, -2]), ...quad([-5, 0, 0], [5, 0, 0], [5, 5, 2], [-5, 5, 2])];
    const body = bodyOn(v, 0, 2, 0);
    go(body, 2);
    const rest = body.y;
    const path = go(body, 0.3, { ...STILL, jump: true });
    expect(Math.max(...path.map((at) => at.y))).toBeGreaterThan(rest + 0.3);
  });
});

describe("broken geometry", () => {
  it("without area does not break the body", () => {
    const flat = [
      ...quad([-1, 0.5, -2], [-1, 0.5, -2], [-1, 0.5, -2], [-1, 0.5, -2]),
      ...quad([-1, 0.9, -2], [1, 0.9, -2], [1, 0.9, -2], [-1, 0.9, -2]),
      ...quad([0, 0, -3], [0, 1, -3], [0, 2, -3], [0, 3, -3]),
    ];
    const body = bodyOn([...floor(), ...flat]);
    const path = go(body, 3, { x: 0.01, z: -WALK_SPEED, jump: false });
    expect(path.every((at) => Number.isFinite(at.x + at.y + at.z))).toBe(true);
  });
});

describe("the walker", () => {
  it("comes to the same place at any frame rate", () => {
    const ends = [15, 30, 60, 144].map((rate) => {
      const walker = new Walker(new TriangleList([...floor(), ...stairs(5, 0.2, 0.4)]));
      walker.place(0.2, 0, 2);
      for (let frame = 0; frame < rate * 2; frame++) walker.advance(1 / rate, { x: 0.3, z: -WALK_SPEED, jump: false });
      return walker.body.z;
    });
    expect(Math.max(...ends) - Math.min(...ends)).toBeLessThan(0.08);
  });

  it("drops the time of a long stall instead of leaping", () => {
    const walker = new Walker(new TriangleList(floor()));
    walker.place(0, 0, 0);
    walker.advance(30, { x: 0, z: -RUN_SPEED, jump: false });
    expect(Math.abs(walker.body.z)).toBeLessThan(1.5);
  });
});
