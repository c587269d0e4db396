/** The transcoder as it is built: no code from text, and still the functions that it has. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

import { withoutEval } from "./blocks.build";

const script = readFileSync(new URL("../../node_modules/three/examples/jsm/libs/basis/basis_transcoder.js", import.meta.url), "utf8");
const wasmBinary = readFileSync(new URL("../../node_modules/three/examples/jsm/libs/basis/basis_transcoder.wasm", import.meta.url));

interface Transcoder {
  initializeBasis(): void;
  KTX2File: new (bytes: Uint8Array) => { isValid(): boolean; close(): void; delete(): void };
}

describe("the transcoder without eval", () => {
  it("compiles nothing from text, and tells a KTX2 from none", async () => {
    const changed = withoutEval(script);
    const start = new Function(`${changed}; return BASIS;`)() as (options: object) => Promise<Transcoder>;
    const forbidden = globalThis.Function;
    globalThis.Function = class { constructor() { throw new EvalError("forbidden"); } } as unknown as FunctionConstructor;
    try {
      const module = await start({ wasmBinary });
      module.initializeBasis();
      const file = new module.KTX2File(new Uint8Array(200));
      expect(file.isValid()).toBe(false);
      file.close();
      file.delete();
    } finally {
      globalThis.Function = forbidden;
    }
  });

  it("refuses a script that it does not know", () => {
    expect(() => withoutEval("var BASIS = 1;")).toThrow("not as this build knows it");
  });
});
