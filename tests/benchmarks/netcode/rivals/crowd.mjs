// Reads the trace that crowd.py wrote: where each visitor of the crowd is at each tick.
// Rule: this file and crowd.py alone know the layout.

import { readFileSync } from "node:fs";

const HEADER = 16; // bytes: "RSCROWD1", u32 visitors, u32 ticks
const RECORD = 12; // bytes: i32 x mm, i32 z mm, u16 yaw 1/65536 turn, i8 pitch 1/127 quarter turn, u8 flags

/** A trace; beyond its end it is walked backwards, and so on. */
export class Crowd {
  #view;

  constructor(path) {
    const file = readFileSync(path);
    this.#view = new DataView(file.buffer, file.byteOffset, file.byteLength);
    if (file.toString("latin1", 0, 8) !== "RSCROWD1") throw new Error(`${path} is no trace`);
    this.visitors = this.#view.getUint32(8, true);
    this.ticks = this.#view.getUint32(12, true);
  }

  /** The pose of a visitor at a tick. */
  at(visitor, tick) {
    const turn = tick % (2 * this.ticks - 2);
    const row = turn < this.ticks ? turn : 2 * this.ticks - 2 - turn;
    const at = HEADER + (row * this.visitors + visitor) * RECORD;
    const view = this.#view;
    return {
      x: view.getInt32(at, true),
      z: view.getInt32(at + 4, true),
      yaw: view.getUint16(at + 8, true),
      pitch: view.getInt8(at + 10),
      flags: view.getUint8(at + 11),
    };
  }
}
