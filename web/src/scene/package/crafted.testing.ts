/**
 * Entries and parts for tests: small .glb files with what a package has.
 *
 * Rule: each is made of plain JSON and floats, so that a test can say what is wrong with it.
 */

import { writeContainer } from "../container";

export type Json = Record<string, unknown>;

/** A file that is being made: accessors and views by what they hold. */
export class Crafted {
  readonly json: Json & { asset: Json } = { asset: { version: "2.0" }, scene: 0, scenes: [{ nodes: [] }], nodes: [] };
  private readonly chunks: Uint8Array[] = [];
  private length = 0;

  add(key: string, item: Json): number {
    const list = (this.json[key] ??= []) as Json[];
    return list.push(item) - 1;
  }

  node(item: Json): number {
    const index = this.add("nodes", item);
    ((this.json["scenes"] as Json[])[0]?.["nodes"] as number[]).push(index);
    return index;
  }

  view(bytes: Uint8Array): number {
    const padded = new Uint8Array(Math.ceil(bytes.byteLength / 4) * 4);
    padded.set(bytes);
    const index = this.add("bufferViews", { buffer: 0, byteOffset: this.length, byteLength: bytes.byteLength });
    this.chunks.push(padded);
    this.length += padded.byteLength;
    return index;
  }

  floats(values: readonly number[], type: string, parts: number): number {
    const bufferView = this.view(new Uint8Array(new Float32Array(values).buffer));
    const bound = (of: (...all: number[]) => number): number[] => Array.from({ length: parts }, (_, at) => of(...values.filter((_, index) => index % parts === at)));
    return this.add("accessors", { bufferView, componentType: 5126, count: values.length / parts, type, min: bound(Math.min), max: bound(Math.max) });
  }

  /** `triangles` of 1 m² and less, side by side along x; `more`: further attributes. */
  mesh(triangles: number, material?: number, more: Json = {}): number {
    const corners = Array.from({ length: triangles }, (_, at) => [at, 0, 0, at + 1, 0, 0, at, 0, 1]).flat();
    const attributes = { POSITION: this.floats(corners, "VEC3", 3), ...more };
    return this.add("meshes", { primitives: [{ attributes, ...(material === undefined ? {} : { material }) }] });
  }

  /** A material with a picture whose header says `side` pixels. */
  painted(side: number, more: Json = {}): number {
    const source = this.add("images", { bufferView: this.view(picture(side)), mimeType: "image/png" });
    const baseColorTexture = { index: this.add("textures", { source }), ...more };
    return this.add("materials", { pbrMetallicRoughness: { baseColorTexture } });
  }

  turn(nodes: readonly number[]): number {
    const sampler = { input: this.floats([0, 1], "SCALAR", 1), output: this.floats([0, 0, 0, 1, 0, 1, 0, 0], "VEC4", 4) };
    return this.add("animations", { samplers: [sampler], channels: nodes.map((node) => ({ sampler: 0, target: { node, path: "rotation" } })) });
  }

  glb(): ArrayBuffer {
    const binary = new Uint8Array(this.length);
    let at = 0;
    for (const chunk of this.chunks) {
      binary.set(chunk, at);
      at += chunk.byteLength;
    }
    if (this.length > 0) this.json["buffers"] = [{ byteLength: this.length }];
    return writeContainer({ json: this.json, binary });
  }
}

/** The header of a PNG; nothing here decodes more of it. */
export function picture(width: number, height = width): Uint8Array {
  const bytes = new Uint8Array(32);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 0x89504e47);
  view.setUint32(16, width);
  view.setUint32(20, height);
  return bytes;
}

/** The header of a KTX2; nothing here transcodes it. */
export function ktx2(side: number, { format = 0, faces = 1, levels = 1 } = {}): Uint8Array {
  const bytes = new Uint8Array(104);
  bytes.set([0xab, 0x4b, 0x54, 0x58, 0x20, 0x32, 0x30, 0xbb, 0x0d, 0x0a, 0x1a, 0x0a]);
  const view = new DataView(bytes.buffer);
  [format, 1, side, side, 0, 0, faces, levels].forEach((value, at) => view.setUint32(12 + 4 * at, value, true));
  return bytes;
}
