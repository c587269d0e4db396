/** The golden vectors of scenes/vectors, which Python's reader passes too, and what else may come as a manifest. */
import { describe, expect, it } from "vitest";

import malformed from "../../../../scenes/vectors/v1-malformed.json";
import manifests from "../../../../scenes/vectors/v1-manifests.json";
import badlyPublished from "../../../../scenes/vectors/v1-published-malformed.json";
import published from "../../../../scenes/vectors/v1-published.json";
import { parseMxc } from "../../matrix/media";
import { BadManifest, LARGEST_MANIFEST, readManifest, replacements } from "./manifest";

const bytes = (text: string): ArrayBuffer => new TextEncoder().encode(text).buffer as ArrayBuffer;
const read = (manifest: unknown) => readManifest(bytes(JSON.stringify(manifest)));

function refusal(manifest: ArrayBuffer): { code: string; pointer: string } | null {
  try {
    readManifest(manifest);
    return null;
  } catch (error) {
    if (!(error instanceof BadManifest)) throw error;
    return { code: error.code, pointer: error.pointer };
  }
}

interface Good {
  name: string;
  manifest: unknown;
  downloads: Record<string, string[]>;
  mxc?: Record<string, string>;
}

describe("a manifest", () => {
  it.each([...manifests, ...published] as unknown as Good[])("is read: $name", ({ manifest, downloads }) => {
    for (const [level, hashes] of Object.entries(downloads)) {
      const wanted = [...new Set(replacements(read(manifest).parts, Number(level)).values())].sort((a, b) => a.priority - b.priority);
      expect(wanted.map((part) => part.sha256)).toEqual(hashes);
    }
  });

  it.each(published as unknown as Good[])("says where its files are: $name", ({ manifest, mxc }) => {
    const { entry, parts } = read(manifest);
    const places = [entry, ...parts].flatMap((file) => (file.mxc === null ? [] : [[file.sha256, file.mxc] as const]));
    expect(Object.fromEntries(places)).toEqual(mxc);
    for (const [, place] of places) expect(parseMxc(place)).toBeDefined();
  });

  it.each([...malformed, ...badlyPublished])("is refused: $name", ({ manifest, code, pointer }) => {
    expect(refusal(bytes(JSON.stringify(manifest)))).toEqual({ code, pointer });
  });

  it("that is no JSON object, or too large, is refused", () => {
    for (const text of ["", "[]", "null", "{", '{"version":NaN}', "[".repeat(100_000)]) expect(refusal(bytes(text)), text.slice(0, 20)).not.toBeNull();
    expect(refusal(new ArrayBuffer(LARGEST_MANIFEST + 1))?.code).toBe("JSON_TOO_LARGE");
    expect(refusal(new Uint8Array([0x7b, 0xff, 0x7d]).buffer)?.code).toBe("INVALID_JSON");
  });

  it("with any value anywhere is read or refused", () => {
    const junk = [null, 0, -1, 1.5, 1e99, "", "x", [], {}, [[]], true, "__proto__", ["/images/0", 1]];
    const good = { ...(published[0]?.manifest as Record<string, unknown>) };
    const [part] = good["parts"] as Record<string, unknown>[];
    for (const value of junk) {
      for (const key of Object.keys(good)) expect(() => refusal(bytes(JSON.stringify({ ...good, [key]: value })))).not.toThrow();
      for (const key of Object.keys(part ?? {})) {
        expect(() => refusal(bytes(JSON.stringify({ ...good, parts: [{ ...part, [key]: value }] })))).not.toThrow();
      }
    }
  });
});
