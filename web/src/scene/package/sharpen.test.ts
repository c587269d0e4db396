/** Parts on a stage without a screen: what changes, what stays, and what is declined. */
import { type AnimationClip, CompressedTexture, LinearMipmapLinearFilter, Mesh, type Object3D, RGBA_BPTC_Format, RGBAFormat, type Texture } from "three";
import { describe, expect, it } from "vitest";

import { Batches } from "../batch";
import { blockSize, type Transcode } from "../blocks";
import { Notes } from "../json";
import { type LoadedFile, loadFile } from "../load";
import type { DecodePicture, PictureSize } from "../pictures";
import { triangleCount } from "../triangles";
import { Crafted, ktx2, picture } from "./crafted.testing";
import type { Kind, Part, Target } from "./manifest";
import { Sharpener } from "./sharpen";
import { PartUnusable } from "./unusable";

const decode: DecodePicture = (_bytes, size) => Promise.resolve({ ...size, data: new Uint8ClampedArray(4), colorSpace: "srgb" } as unknown as ImageData);
const transcode: Transcode = (bytes) => {
  const { width, height } = blockSize(new Uint8Array(bytes)) as PictureSize;
  const mipmaps = [width, width / 2].map((side) => ({ data: new Uint8Array(side), width: side, height: side }));
  return Promise.resolve(new CompressedTexture(mipmaps, width, height, RGBA_BPTC_Format));
};

async function stage(entry: Crafted) {
  const notes = new Notes();
  const file = await loadFile(entry.glb(), { notes, decodePicture: decode });
  file.root.updateMatrixWorld(true);
  const batches = new Batches(file.root, new Set());
  const played: { clips: AnimationClip[]; moving: ReadonlySet<Object3D> }[] = [];
  const sounds: string[] = [];
  const sharpener = new Sharpener({
    file, batches, notes,
    readers: { decode, transcode },
    background: () => null,
    skyChanged: () => undefined,
    animate: (clips, moving) => played.push({ clips, moving }),
    sound: ({ pointer }) => Promise.resolve(void sounds.push(pointer)),
    drawn: () => Promise.resolve(),
    largestTexture: 4096,
  });
  const bring = (kind: Kind, indices: number[], bytes: ArrayBuffer | Uint8Array, more: { wanted?: number[]; animations?: number; level?: number } = {}) => {
    const target = (index: number): Target => ({ pointer: `/${kind}/${index}`, index, extension: "" });
    const part: Part = { sha256: "", bytes: 0, type: "", level: 1, kind, targets: indices.map(target), size: [], priority: 0, mxc: null };
    const plain = bytes instanceof Uint8Array ? (bytes.slice().buffer as ArrayBuffer) : bytes;
    return sharpener.apply({ part, targets: (more.wanted ?? indices).map(target), level: more.level ?? 1, bytes: plain, animations: more.animations ?? 0 });
  };
  return { file, batches, bring, sharpener, played, sounds, notes };
}

const meshOf = (file: LoadedFile, node: number): Mesh => file.node(node) as Mesh;
const mapOf = (file: LoadedFile, node: number): Texture => (meshOf(file, node).material as unknown as { map: Texture }).map;
const width = (texture: Texture): number => (texture.image as { width: number }).width;
const drawn = (file: LoadedFile): number => {
  let sum = 0;
  file.root.traverseVisible((object) => {
    if (object instanceof Mesh && object.layers.mask !== 0) sum += triangleCount(object.geometry);
  });
  return sum;
};

describe("a sharper picture", () => {
  it("is shown by the same textures, each with its own sampler, and the old one's memory is freed", async () => {
    const entry = new Crafted();
    const first = entry.painted(64);
    entry.add("samplers", { wrapS: 33071 });
    entry.add("textures", { source: 0, sampler: 0 });
    const second = entry.add("materials", { emissiveTexture: { index: 1 }, pbrMetallicRoughness: { baseColorTexture: { index: 1, texCoord: 0 } } });
    const [a, b] = [entry.node({ mesh: entry.mesh(1, first) }), entry.node({ mesh: entry.mesh(1, second) })];
    const { file, bring } = await stage(entry);
    const before = [mapOf(file, a), mapOf(file, b)];
    const freed: Texture[] = [];
    for (const texture of before) texture.addEventListener("dispose", ({ target }) => freed.push(target));
    const kept = before.map(({ wrapS, colorSpace, flipY }) => ({ wrapS, colorSpace, flipY }));
    await bring("images", [0], picture(512));
    expect([mapOf(file, a), mapOf(file, b)]).toEqual(before);
    expect(before.map(width)).toEqual([512, 512]);
    expect(before.map(({ wrapS, colorSpace, flipY }) => ({ wrapS, colorSpace, flipY }))).toEqual(kept);
    expect(freed).toEqual(before);
    expect(before[0]?.source).toBe(before[1]?.source);
    await bring("images", [0], picture(1024));
    expect(before.map(width)).toEqual([1024, 1024]);
  });

  it("for two images may be followed by one for one of them", async () => {
    const entry = new Crafted();
    const [a, b] = [entry.painted(64), entry.painted(64)].map((material) => entry.node({ mesh: entry.mesh(1, material) })) as [number, number];
    const { file, bring } = await stage(entry);
    await bring("images", [0, 1], picture(128));
    expect([width(mapOf(file, a)), width(mapOf(file, b))]).toEqual([128, 128]);
    await bring("images", [1], picture(256));
    expect([width(mapOf(file, a)), width(mapOf(file, b))]).toEqual([128, 256]);
  });

  it("of blocks stays compressed, and one that a browser decodes may follow it", async () => {
    const entry = new Crafted();
    const node = entry.node({ mesh: entry.mesh(1, entry.painted(64)) });
    const { file, bring } = await stage(entry);
    const texture = mapOf(file, node);
    await bring("images", [0], ktx2(512));
    expect([width(texture), texture.format, texture.mipmaps.length, texture.generateMipmaps]).toEqual([512, RGBA_BPTC_Format, 2, false]);
    expect(texture).toHaveProperty("isCompressedTexture", true);
    await bring("images", [0], picture(1024));
    expect([width(texture), texture.format, texture.mipmaps.length, texture.generateMipmaps]).toEqual([1024, RGBAFormat, 0, true]);
    expect(texture).toHaveProperty("isCompressedTexture", false);
    expect(texture.minFilter).toBe(LinearMipmapLinearFilter);
  });

  it("of blocks counts a quarter, and is declined where it is absurd or of another kind", async () => {
    const entry = new Crafted();
    for (let at = 0; at < 10; at++) entry.node({ mesh: entry.mesh(1, entry.painted(8)) });
    const { bring } = await stage(entry);
    for (const bytes of [ktx2(0), ktx2(20_000), ktx2(8192), ktx2(64, { faces: 6 }), ktx2(64, { format: 37 }), ktx2(64, { levels: 99 })]) {
      await expect(bring("images", [0], bytes)).rejects.toThrow(PartUnusable);
    }
    for (let at = 0; at < 10; at++) await bring("images", [at], ktx2(4096)); // 40 MB of pixels by what they take, 160 in number
  });

  it("that is none, absurd, or one too many is declined, and the old one stays", async () => {
    const entry = new Crafted();
    const node = entry.node({ mesh: entry.mesh(1, entry.painted(64)) });
    const { file, bring } = await stage(entry);
    for (const bytes of [new Uint8Array(0), new TextEncoder().encode("RIFFxxxxWEBPjunkjunkjunkjunkjunk"), picture(0), picture(1_000_000), picture(1, 20_000)]) {
      await expect(bring("images", [0], bytes)).rejects.toThrow(PartUnusable);
    }
    expect(width(mapOf(file, node))).toBe(64);
    const many = new Crafted();
    for (let at = 0; at < 10; at++) many.node({ mesh: many.mesh(1, many.painted(8)) });
    const crowd = await stage(many);
    for (let at = 0; at < 5; at++) await crowd.bring("images", [at], picture(4096));
    await expect(crowd.bring("images", [6], picture(4096))).rejects.toThrow("too large");
    await crowd.bring("images", [7], picture(4096), { level: 2 });
  });

  it("for an image that is not there changes nothing", async () => {
    const { bring } = await stage(new Crafted());
    await bring("images", [999_999], picture(8));
  });
});

function part(...meshes: number[]): ArrayBuffer {
  const file = new Crafted();
  for (const triangles of meshes) file.node({ mesh: file.mesh(triangles) });
  return file.glb();
}

describe("a sharper mesh", () => {
  it("gives its geometry to each node that shows the mesh, and to no other; materials and names stay", async () => {
    const entry = new Crafted();
    const [one, other] = [entry.mesh(2, entry.painted(8)), entry.mesh(3)];
    const nodes = [entry.node({ name: "left", mesh: one }), entry.node({ name: "right", mesh: one }), entry.node({ mesh: other })];
    const { file, bring } = await stage(entry);
    const materials = nodes.map((node) => meshOf(file, node).material);
    await bring("meshes", [other, one], part(30, 20), { wanted: [one] });
    expect(nodes.map((node) => triangleCount(meshOf(file, node).geometry))).toEqual([20, 20, 3]);
    expect(nodes.map((node) => meshOf(file, node).material)).toEqual(materials);
    expect(meshOf(file, 0).name).toBe("left");
    await bring("meshes", [one], part(40));
    expect(triangleCount(meshOf(file, 1).geometry)).toBe(40);
  });

  it("shows in a batch, and the batch stays one", async () => {
    const entry = new Crafted();
    const material = entry.painted(8);
    for (let at = 0; at < 130; at++) entry.node({ mesh: entry.mesh(1, material), translation: [at, 0, 0] });
    const { file, batches, bring } = await stage(entry);
    const { batches: count } = batches.counts;
    expect(batches.counts.parts).toBe(130);
    expect(drawn(file)).toBe(130);
    await bring("meshes", [5, 6], part(10, 20));
    expect(drawn(file)).toBe(128 + 10 + 20);
    expect(batches.counts).toEqual({ parts: 130, batches: count });
  });

  it("that does not suit is declined, and all stays as it was", async () => {
    const entry = new Crafted();
    const mesh = entry.mesh(2);
    entry.node({ mesh });
    const { file, bring } = await stage(entry);
    const coloured = new Crafted();
    coloured.node({ mesh: coloured.mesh(9, undefined, { COLOR_0: coloured.floats(Array<number>(81).fill(1), "VEC3", 3) }) });
    const lines = new Crafted();
    lines.node({ mesh: lines.mesh(9) });
    ((lines.json["meshes"] as { primitives: Record<string, unknown>[] }[])[0]?.primitives[0] ?? {})["mode"] = 1;
    const twofold = new Crafted();
    twofold.node({ mesh: twofold.mesh(9) });
    const [{ primitives }] = twofold.json["meshes"] as [{ primitives: unknown[] }];
    primitives.push(primitives[0]);
    const broken = new Crafted();
    broken.node({ mesh: broken.mesh(9) });
    for (const accessor of broken.json["accessors"] as Record<string, unknown>[]) accessor["count"] = 1e9;
    for (const file of [coloured, lines, twofold, broken, new Crafted()]) await expect(bring("meshes", [mesh], file.glb())).rejects.toThrow(PartUnusable);
    for (const bytes of [new Uint8Array(0), new TextEncoder().encode("glTF"), new TextEncoder().encode('{"asset":{"version":"2.0"},"buffers":[{"uri":"https://example.org/x","byteLength":4}]}')]) {
      await expect(bring("meshes", [mesh], bytes)).rejects.toThrow(PartUnusable);
    }
    expect(triangleCount(meshOf(file, 0).geometry)).toBe(2);
  });
});

describe("animations", () => {
  const entry = (): Crafted => {
    const made = new Crafted();
    for (let at = 0; at < 130; at++) made.node({ name: at < 2 ? "twin" : "", mesh: made.mesh(1, 0) });
    made.painted(8);
    return made;
  };
  const clip = (...nodes: number[][]): ArrayBuffer => {
    const made = new Crafted();
    for (let at = 0; at < 130; at++) made.node(at < 2 ? { name: "twin" } : {});
    for (const moved of nodes) made.turn(moved);
    return made.glb();
  };

  it("play once all are there, on the entry's nodes by their indices, which no batch holds any more", async () => {
    const { file, batches, bring, played } = await stage(entry());
    expect(batches.counts.parts).toBe(130);
    await bring("animations", [1], clip([1]), { animations: 3 });
    expect(played).toEqual([]);
    await bring("animations", [0, 2], clip([7], []), { animations: 3 });
    expect(played[0]?.clips.map(({ tracks }) => tracks.map(({ name }) => name))).toEqual([[`${file.node(7)?.uuid}.quaternion`], [`${file.node(1)?.uuid}.quaternion`]]);
    expect([...(played[0]?.moving ?? [])]).toEqual([file.node(1), file.node(7)]);
    expect(batches.counts.parts).toBe(128);
    expect(drawn(file)).toBe(130);
    await bring("meshes", [7, 8], part(10, 10));
    expect(batches.counts.parts).toBe(128);
  });

  it("of another scene, or fewer than they say, are declined", async () => {
    const { bring, played } = await stage(entry());
    const other = new Crafted();
    other.turn([other.node({})]);
    await expect(bring("animations", [0], other.glb(), { animations: 1 })).rejects.toThrow("another scene");
    await expect(bring("animations", [0, 1], clip([0]), { animations: 2 })).rejects.toThrow("fewer");
    await expect(bring("animations", [0], new Uint8Array(9), { animations: 1 })).rejects.toThrow(PartUnusable);
    expect(played).toEqual([]);
  });
});

it("a stage that is gone takes nothing any more", async () => {
  const entry = new Crafted();
  const node = entry.node({ mesh: entry.mesh(1, entry.painted(64)) });
  const { file, bring, sharpener, sounds } = await stage(entry);
  const pending = bring("images", [0], picture(512));
  sharpener.end();
  await pending;
  await bring("meshes", [0], part(5));
  await bring("audio", [0], new Uint8Array(4));
  expect([width(mapOf(file, node)), triangleCount(meshOf(file, node).geometry), sounds.length]).toEqual([64, 1, 0]);
});
