/** The transcoder as it is built: no code from text, and still the functions that it has. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import { withoutEval } from "./blocks.build";

const libs = join(import.meta.dirname, "../../node_modules/three/examples/jsm/libs/basis");
const script = readFileSync(join(libs, "basis_transcoder.js"), "utf8");
const wasmBinary = readFileSync(join(libs, "basis_transcoder.wasm"));

/** 4 × 4 pixels of one colour, as `pack --textures ktx2` makes data of them. */
const PICTURE = "q0tUWCAyMLsNChoKAAAAAAEAAAAEAAAABAAAAAAAAAAAAAAAAQAAAAMAAAACAAAAmAAAACwAAADEAAAAJAAAAAAAAAAAAAAAAAAAAAAAAAAaAQAAAAAAABkAAAAAAAAAEAAAAAAAAAABAQAAAAAAABkAAAAAAAAAEAAAAAAAAADoAAAAAAAAABkAAAAAAAAAEAAAAAAAAAAsAAAAAAAAAAIAKACmAQEAAwMAABAAAAAAAAAAAAB/AAAAAAAAAAAA/////x8AAABLVFh3cml0ZXIAQmFzaXMgVW5pdmVyc2FsIDIuNTAAACi1L/0gEIEAABeZTOY/tYoAAAAAAAAAAAAotS/9IBCBAAAXmUzmP7WKAAAAAAAAAAAAKLUv/SAQgQAAF5lM5j+1igAAAAAAAAAAAA==";
const RGBA32 = 13;

interface Ktx2File {
  getWidth(): number;
  isUASTC(): boolean;
  startTranscoding(): boolean;
  transcodeImage(to: Uint8Array, mip: number, layer: number, face: number, format: number, alpha: number, channel: number, other: number): number;
  close(): void;
  delete(): void;
}

interface Transcoder {
  initializeBasis(): void;
  KTX2File: new (bytes: Uint8Array) => Ktx2File;
}

describe("the transcoder without eval", () => {
  it("compiles nothing from text, and reads pictures", async () => {
    const forbid = (): never => {
      throw new EvalError("code from text");
    };
    const forbidden = new Proxy(Function, { apply: forbid, construct: forbid });
    // As in a worker under our policy: nothing of Node is there, and no function can be made of text.
    const start = new Function("process", "Function", `${withoutEval(script)}; return BASIS;`)(undefined, forbidden) as (options: object) => Promise<Transcoder>;
    const module = await start({ wasmBinary });
    module.initializeBasis();
    const [file, none] = [new module.KTX2File(Buffer.from(PICTURE, "base64")), new module.KTX2File(new Uint8Array(200))];
    expect([file.getWidth(), file.isUASTC(), Boolean(file.startTranscoding()), Boolean(none.startTranscoding())]).toEqual([4, true, true, false]);
    const pixels = new Uint8Array(64);
    expect(file.transcodeImage(pixels, 0, 0, 0, RGBA32, 0, -1, -1)).toBeTruthy();
    expect([...pixels]).toEqual(Array.from({ length: 16 }, () => [200, 100, 50, 255]).flat());
    for (const one of [file, none]) {
      one.close();
      one.delete();
    }
  });

  it("refuses a script that it does not know", () => {
    expect(() => withoutEval("var BASIS = 1;")).toThrow("not as this build knows it");
  });
});
