import { Box3, BoxGeometry, InstancedMesh } from "three";
import { mergeGeometries } from "three/addons/utils/BufferGeometryUtils.js";
import { describe, expect, it } from "vitest";

import { collect, meshesUnder } from "./colliders";
import { Notes } from "./json";
import { loadBare } from "./real.testing";

const POSTS = 24;
/** Metres: a fence as wide as a sky. */
const RADIUS = 40;
const PLACES = Array.from({ length: POSTS }, (_, at) => [Math.cos((at / POSTS) * 2 * Math.PI) * RADIUS, 1, Math.sin((at / POSTS) * 2 * Math.PI) * RADIUS] as const);

type Made = { nodes: object[]; mesh?: object; more?: object };

function numbers(geometry: BoxGeometry): [Float32Array, Uint32Array] {
  return [new Float32Array(geometry.getAttribute("position").array), new Uint32Array(geometry.getIndex()?.array ?? [])];
}

/** A fence of posts around a block, `made` of nodes as it says; accessors: positions, indices, places of the posts. */
async function fence(geometry: BoxGeometry, made: (fence: number) => Made): Promise<{ triangles: number; meshes: number; copies: number }> {
  const [shape, indices] = numbers(geometry);
  const data = [shape, indices, new Float32Array(PLACES.flat()), ...numbers(new BoxGeometry(4, 1, 4))];
  const bytes = new Uint8Array(data.flatMap(({ buffer }) => [...new Uint8Array(buffer)]));
  let offset = 0;
  const bufferViews = data.map(({ byteLength }) => ({ buffer: 0, byteOffset: (offset += byteLength) - byteLength, byteLength }));
  const accessors = data.map((array, bufferView) => {
    if (array instanceof Uint32Array) return { bufferView, componentType: 5125, count: array.length, type: "SCALAR" };
    const { min, max } = new Box3().setFromArray(array);
    return { bufferView, componentType: 5126, count: array.length / 3, type: "VEC3", min: min.toArray(), max: max.toArray() };
  });
  const { nodes, mesh, more } = made(0);
  const document = {
    asset: { version: "2.0" },
    scene: 0,
    scenes: [{ nodes: [...nodes, 0].map((_, at) => at) }],
    nodes: [...nodes, { name: "block", mesh: 1 }],
    meshes: [{ primitives: [{ attributes: { POSITION: 0 }, indices: 1 }], ...mesh }, { primitives: [{ attributes: { POSITION: 3 }, indices: 4 }] }],
    accessors,
    bufferViews,
    buffers: [{ byteLength: bytes.length, uri: `data:application/octet-stream;base64,${btoa(String.fromCharCode(...bytes))}` }],
    ...more,
  };
  const file = await loadBare(new TextEncoder().encode(JSON.stringify(document)).buffer as ArrayBuffer);
  const { solid, ranges } = await collect(file, new Notes());
  const shown = meshesUnder(file.root);
  return { triangles: solid.count, meshes: ranges.length, copies: shown.reduce((sum, each) => sum + (each instanceof InstancedMesh ? each.count : 1), 0) };
}

const post = new BoxGeometry(0.4, 2, 0.4);

describe("what `roomscale pack` draws together", () => {
  it("is as solid as what it was made of, whether copied or joined, and no sky", async () => {
    const apart = await fence(post, (mesh) => ({ nodes: PLACES.map((translation) => ({ mesh, translation })) }));
    expect(apart.triangles).toBe((POSTS + 1) * 12);
    const empty = PLACES.map((translation) => ({ name: "post", translation }));
    const extensions = { EXT_mesh_gpu_instancing: { attributes: { TRANSLATION: 2 } } };
    const copied = await fence(post, (mesh) => ({ nodes: [...empty, { mesh, extensions }], more: { extensionsUsed: ["EXT_mesh_gpu_instancing"], extensionsRequired: ["EXT_mesh_gpu_instancing"] } }));
    expect(copied).toEqual({ triangles: apart.triangles, meshes: 2, copies: POSTS + 1 });
    const all = mergeGeometries(PLACES.map(([x, y, z]) => post.clone().translate(x, y, z))) as BoxGeometry;
    const joined = await fence(all, (mesh) => ({ nodes: [...empty, { mesh }], mesh: { extras: { roomscale: { joined: POSTS, size: 2 } } } }));
    expect(joined).toEqual({ triangles: apart.triangles, meshes: 2, copies: 2 });
  });
});
