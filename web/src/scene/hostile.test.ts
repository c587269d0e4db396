import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { collect } from "./colliders";
import { Notes } from "./json";
import { readColliders } from "./physics";
import { readPlaces } from "./places";
import { hostileFile, hostileFiles, loadBare } from "./real.testing";
import { readSky } from "./sky";
import { SceneUnreadable } from "./unreadable";
import { readEmitters } from "../audio/emitters";

const fetched = vi.fn((input: unknown) => Promise.reject(new Error(`fetched ${String(input)}`)));

beforeEach(() => vi.stubGlobal("fetch", fetched));
afterEach(() => {
  vi.unstubAllGlobals();
  fetched.mockClear();
});

/** All that happens to a scene before it is shown. */
async function read(entry: ArrayBuffer): Promise<"shown" | "refused"> {
  try {
    const file = await loadBare(entry);
    readPlaces(file.json);
    readColliders(file.json);
    readSky(file.json, new Notes());
    readEmitters(file.json);
    await collect(file, new Notes());
    return "shown";
  } catch (error) {
    if (error instanceof SceneUnreadable) return "refused";
    throw error;
  }
}

function gltf(document: object): ArrayBuffer {
  return new TextEncoder().encode(JSON.stringify({ asset: { version: "2.0" }, ...document })).buffer as ArrayBuffer;
}

describe.skipIf(hostileFiles.length === 0)("hostile files (beside the repository: ../shared/hostile)", () => {
  it.each(hostileFiles.map((path) => [path.replace(/.*hostile\//, ""), path]))("%s is shown or refused, and nothing is fetched", async (_, path) => {
    expect(["shown", "refused"]).toContain(await read(await hostileFile(path)));
    expect(fetched).not.toHaveBeenCalled();
  }, 10_000);
});

describe("a scene that", () => {
  it("is no glTF, or another version, is refused", async () => {
    for (const text of ["", "{", "[]", "null", '{"asset":{}}', '{"asset":{"version":"1.0"}}', "glTF\0\0"]) {
      expect(await read(new TextEncoder().encode(text).buffer as ArrayBuffer)).toBe("refused");
    }
  });

  it("is empty is shown", async () => {
    expect(await read(gltf({}))).toBe("shown");
  });

  it("is a ring, a deep chain or a web of nodes is shown", async () => {
    expect(await read(gltf({ nodes: [{ children: [1] }, { children: [0] }], scenes: [{ nodes: [0] }], scene: 0 }))).toBe("shown");
    const chain = Array.from({ length: 50_000 }, (_, at) => ({ children: [at + 1] }));
    expect(await read(gltf({ nodes: [...chain, {}], scenes: [{ nodes: [0] }], scene: 0 }))).toBe("shown");
    const web = Array.from({ length: 60 }, (_, at) => ({ children: [at + 1, at + 1] }));
    expect(await read(gltf({ nodes: [...web, {}], scenes: [{ nodes: [0, 0] }], scene: 0 }))).toBe("shown");
  });

  it("refers to other files is refused for its geometry, and shown without its pictures", async () => {
    expect(await read(gltf({ buffers: [{ uri: "https://example.org/a.bin", byteLength: 4 }] }))).toBe("refused");
    const picture = { images: [{ uri: "https://example.org/spy.png" }], textures: [{ source: 0 }], materials: [{ emissiveTexture: { index: 0 } }] };
    expect(await read(gltf(picture))).toBe("shown");
    expect(fetched).not.toHaveBeenCalled();
  });

  it("has wrong types everywhere is shown without what they say", async () => {
    const junk = [null, 1, "x", [], {}, true, -1, 1e99];
    for (const value of junk) {
      const node = { translation: value, rotation: value, scale: value, matrix: value, mesh: value, children: value, extensions: { OMI_seat: value, OMI_link: value, OMI_physics_body: value, KHR_lights_punctual: value, KHR_audio_emitter: value } };
      const root = { OMI_physics_shape: value, KHR_lights_punctual: value, OMI_environment_sky: value, KHR_audio_emitter: value };
      expect(await read(gltf({ nodes: [node], scenes: [{ nodes: [0] }], extensions: root })), JSON.stringify(value)).toBe("shown");
    }
  });
});
