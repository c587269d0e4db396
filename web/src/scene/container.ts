/**
 * The container: bytes of a .glb (or a self-contained .gltf) become one JSON document and one binary chunk.
 *
 * Rule: nothing is ever fetched. `data:` URIs are decoded here and moved into the chunk; any other URI is dropped with a
 * note. Whatever comes out holds no URI for a buffer or an image, so the loader behind has nothing to follow.
 * Layout: glTF 2.0, section 4.4 (GLB).
 */

import { type Fields, fields, isFields, list, Notes } from "./json";
import { SceneUnreadable } from "./unreadable";

/** A document whose buffers and images are all in `binary`. */
export interface Container {
  json: GltfJson;
  binary: Uint8Array;
}

/** glTF's JSON as far as its outermost shape is known to be right. */
export interface GltfJson {
  [key: string]: unknown;
  asset: Fields;
}

/** Bytes of an entry: what a homeserver of the open network takes at most, twice. */
const LARGEST_FILE = 256 * 1024 * 1024;
/** Bytes of JSON: 20,000 nodes are 5 MB. */
const LARGEST_JSON = 64 * 1024 * 1024;
const GLB_MAGIC = 0x46546c67;
const CHUNK_JSON = 0x4e4f534a;
const CHUNK_BIN = 0x004e4942;

/** Reads the entry. Raises `SceneUnreadable` with a line for people. */
export function readContainer(entry: ArrayBuffer, notes: Notes): Container {
  if (entry.byteLength > LARGEST_FILE) throw new SceneUnreadable("The scene is larger than 256 MB.");
  const { text, binary } = isGlb(entry) ? splitGlb(entry) : { text: new Uint8Array(entry), binary: null };
  const json = parseJson(text);
  return { json, binary: gatherBuffers(json, binary, notes) };
}

function isGlb(entry: ArrayBuffer): boolean {
  return entry.byteLength >= 12 && new DataView(entry).getUint32(0, true) === GLB_MAGIC;
}

function splitGlb(entry: ArrayBuffer): { text: Uint8Array; binary: Uint8Array | null } {
  const view = new DataView(entry);
  if (view.getUint32(4, true) !== 2) throw new SceneUnreadable("The scene is not glTF 2.0.");
  const end = Math.min(view.getUint32(8, true), entry.byteLength);
  let text: Uint8Array | null = null;
  let binary: Uint8Array | null = null;
  for (let at = 12; at + 8 <= end; ) {
    const length = view.getUint32(at, true);
    const kind = view.getUint32(at + 4, true);
    if (at + 8 + length > end) throw new SceneUnreadable("The scene file is cut short.");
    const chunk = new Uint8Array(entry, at + 8, length);
    if (kind === CHUNK_JSON && text === null) text = chunk;
    else if (kind === CHUNK_BIN && binary === null) binary = chunk;
    at += 8 + length;
  }
  if (text === null) throw new SceneUnreadable("The scene file holds no glTF document.");
  return { text, binary };
}

function parseJson(bytes: Uint8Array): GltfJson {
  if (bytes.byteLength > LARGEST_JSON) throw new SceneUnreadable("The scene's description is larger than 64 MB.");
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw new SceneUnreadable("The scene is not a glTF file.");
  }
  const asset = fields(parsed)["asset"];
  if (!isFields(parsed) || !isFields(asset) || typeof asset["version"] !== "string" || !/^2(\.|$)/.test(asset["version"])) {
    throw new SceneUnreadable("The scene is not glTF 2.0.");
  }
  return parsed as GltfJson;
}

type Mutable = { [key: string]: unknown };

/** Lays all buffers and `data:` images behind one another and points the buffer views there. */
function gatherBuffers(json: GltfJson, chunk: Uint8Array | null, notes: Notes): Uint8Array {
  const parts: Uint8Array[] = [];
  let length = 0;
  const append = (bytes: Uint8Array): number => {
    const offset = length;
    const padding = (4 - (bytes.byteLength % 4)) % 4;
    parts.push(bytes, new Uint8Array(padding));
    length += bytes.byteLength + padding;
    if (length > LARGEST_FILE) throw new SceneUnreadable("The scene is larger than 256 MB.");
    return offset;
  };
  const buffers = list(json["buffers"]).map((buffer, at) => bufferBytes(fields(buffer), at === 0 ? chunk : null));
  const offsets = buffers.map(append);
  const views = list(json["bufferViews"]).filter(isFields) as Mutable[];
  if (views.length !== list(json["bufferViews"]).length) throw new SceneUnreadable("The scene's buffer views are broken.");
  for (const view of views) moveView(view, buffers, offsets);
  for (const image of list(json["images"]).filter(isFields) as Mutable[]) embedImage(image, views, append, notes);
  json["bufferViews"] = views;
  if (length > 0) json["buffers"] = [{ byteLength: length }];
  else delete json["buffers"];
  return parts.length === 2 && parts[0] !== undefined && parts[1]?.byteLength === 0 ? parts[0] : concatenate(parts, length);
}

function bufferBytes(buffer: Fields, chunk: Uint8Array | null): Uint8Array {
  const length = buffer["byteLength"];
  // A meshopt fallback buffer has a length and no bytes: it is never read.
  if (buffer["uri"] === undefined) return chunk ?? new Uint8Array(0);
  const bytes = typeof buffer["uri"] === "string" ? decodeDataUri(buffer["uri"]) : null;
  if (bytes === null) throw new SceneUnreadable("The scene keeps its geometry in another file, which is never fetched.");
  return typeof length === "number" && length >= 0 && length < bytes.byteLength ? bytes.subarray(0, length) : bytes;
}

function moveView(view: Mutable, buffers: Uint8Array[], offsets: number[]): void {
  // A compressed view names its source in the extension; the view's own buffer is a placeholder.
  for (const name of ["EXT_meshopt_compression", "KHR_meshopt_compression"]) {
    const compressed = fields(view["extensions"])[name];
    if (isFields(compressed)) {
      moveRange(compressed as Mutable, buffers, offsets);
      view["buffer"] = 0;
      return;
    }
  }
  moveRange(view, buffers, offsets);
}

function moveRange(range: Mutable, buffers: Uint8Array[], offsets: number[]): void {
  const { buffer, byteOffset = 0, byteLength } = range;
  const source = typeof buffer === "number" ? buffers[buffer] : undefined;
  const isCount = (value: unknown): value is number => typeof value === "number" && Number.isInteger(value) && value >= 0;
  if (source === undefined || !isCount(byteOffset) || !isCount(byteLength)) {
    throw new SceneUnreadable("The scene's buffer views are broken.");
  }
  if (byteOffset + byteLength > source.byteLength) throw new SceneUnreadable("The scene file is cut short.");
  range["buffer"] = 0;
  range["byteOffset"] = byteOffset + (offsets[buffer as number] ?? 0);
}

function embedImage(image: Mutable, views: Mutable[], append: (bytes: Uint8Array) => number, notes: Notes): void {
  const uri = image["uri"];
  delete image["uri"];
  if (image["bufferView"] !== undefined || uri === undefined) return;
  const bytes = typeof uri === "string" ? decodeDataUri(uri) : null;
  if (bytes === null) {
    notes.add("A picture in another file was left out: scenes are never allowed to fetch.");
    return;
  }
  image["bufferView"] = views.push({ buffer: 0, byteOffset: append(bytes), byteLength: bytes.byteLength }) - 1;
}

/** The bytes of a `data:` URI (RFC 2397), or null when it is none or broken. */
export function decodeDataUri(uri: string): Uint8Array | null {
  const match = /^data:[^,]*?(;base64)?,/i.exec(uri);
  if (match === null) return null;
  const body = uri.slice(match[0].length);
  try {
    const raw = match[1] === undefined ? decodeURIComponent(body) : atob(body);
    return Uint8Array.from(raw, (letter) => letter.charCodeAt(0));
  } catch {
    return null;
  }
}

function concatenate(parts: Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.byteLength;
  }
  return whole;
}

/** One GLB of the container, for loaders that want a file. */
export function writeContainer({ json, binary }: Container): ArrayBuffer {
  const text = new TextEncoder().encode(JSON.stringify(json));
  const textLength = Math.ceil(text.byteLength / 4) * 4;
  const binaryLength = Math.ceil(binary.byteLength / 4) * 4;
  const glb = new ArrayBuffer(12 + 8 + textLength + 8 + binaryLength);
  const view = new DataView(glb);
  [GLB_MAGIC, 2, glb.byteLength, textLength, CHUNK_JSON].forEach((word, at) => view.setUint32(at * 4, word, true));
  const bytes = new Uint8Array(glb);
  bytes.fill(0x20, 20, 20 + textLength);
  bytes.set(text, 20);
  view.setUint32(20 + textLength, binaryLength, true);
  view.setUint32(24 + textLength, CHUNK_BIN, true);
  bytes.set(binary, 28 + textLength);
  return glb;
}
