import { expect, it } from "vitest";

import { verdict } from "./verify";

const bytes = new TextEncoder().encode("abc").buffer as ArrayBuffer;
const sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"; // FIPS 180-2, appendix B.1

it("a file is its size and its hash, and without a way to hash its size", async () => {
  expect(await verdict(bytes, { sha256, bytes: 3 })).toBe("whole");
  expect(await verdict(bytes, { sha256, bytes: 4 })).toBe("wrong");
  expect(await verdict(bytes, { sha256: "0".repeat(64), bytes: 3 })).toBe("wrong");
  expect(await verdict(bytes, { sha256, bytes: 3 }, null)).toBe("unhashed");
  expect(await verdict(bytes, { sha256, bytes: 4 }, null)).toBe("wrong");
});
