/**
 * The walker: turns uneven frames into even steps of the body, and shows it in between.
 *
 * Rule: the body is moved in steps of 1/60 s whatever the frame rate, and what is shown is interpolated between the last two.
 */

import { Body, type Wish } from "./body";
import type { Solid } from "./solid";

export const STEP_SECONDS = 1 / 60;
/** Steps after a stall (hidden tab, slow frame) that are caught up; the rest of the time is dropped. */
const MOST_STEPS = 15;

export interface Shown {
  x: number;
  y: number;
  z: number;
}

export class Walker {
  readonly body: Body;
  readonly shown: Shown = { x: 0, y: 0, z: 0 };
  private before: Shown = { x: 0, y: 0, z: 0 };
  private rest = 0;
  private jump = false;

  constructor(solid: Solid) {
    this.body = new Body(solid);
  }

  place(x: number, y: number, z: number): void {
    this.body.place(x, y, z);
    this.before = this.now();
    this.show(1);
  }

  /** `frame` seconds have passed and the walker wants `wish`; a jump is kept until a step takes it. */
  advance(frame: number, wish: Wish): void {
    this.jump ||= wish.jump;
    this.rest = Math.min(this.rest + frame, MOST_STEPS * STEP_SECONDS);
    while (this.rest >= STEP_SECONDS) {
      this.rest -= STEP_SECONDS;
      this.before = this.now();
      this.body.step(STEP_SECONDS, { x: wish.x, z: wish.z, jump: this.jump });
      this.jump = false;
    }
    this.show(this.rest / STEP_SECONDS);
  }

  private now(): Shown {
    const { x, y, z, lift } = this.body;
    return { x, y: y - lift, z };
  }

  private show(share: number): void {
    const { x, y, z } = this.now();
    this.shown.x = this.before.x + (x - this.before.x) * share;
    this.shown.y = this.before.y + (y - this.before.y) * share;
    this.shown.z = this.before.z + (z - this.before.z) * share;
  }
}
