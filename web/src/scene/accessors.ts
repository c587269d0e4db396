/**
 * Accessors of a stranger's file: which ones can be read, and how many bytes they take.
 *
 * Rule: an accessor is usable only if every byte of it lies inside its view and all of them together stay within a bound;
 * the loader is never handed another. Layout: glTF 2.0, section 3.6.2.
 */

import { type Fields, extension, fields, index, isFields, list } from "./json";

const COMPONENT_BYTES: Record<number, number> = { 5120: 1, 5121: 1, 5122: 2, 5123: 2, 5125: 4, 5126: 4 };
const ELEMENT_PARTS: Record<string, number> = { SCALAR: 1, VEC2: 2, VEC3: 3, VEC4: 4, MAT2: 4, MAT3: 9, MAT4: 16 };
/** Bytes of all accessors together: 1 GB holds 20 million vertices. */
const LARGEST_TOTAL = 1024 * 1024 * 1024;
/** Elements of an accessor that no view stands behind (all zeros, or sparse over zeros). */
const LARGEST_EMPTY = 1_000_000;
/** Decompressed bytes over compressed ones that meshopt reaches in real files is below 100. */
const LARGEST_INFLATION = 4096;

export interface Accessor {
  count: number;
  type: string;
  componentType: number;
}

/** The usable accessors by index; the others are absent. */
export function usableAccessors(json: Fields): Map<number, Accessor> {
  const views = list(json["bufferViews"]).map(viewBytes);
  const usable = new Map<number, Accessor>();
  let total = 0;
  list(json["accessors"]).forEach((definition, at) => {
    const bytes = isFields(definition) ? accessorBytes(definition, views) : null;
    if (bytes === null || total + bytes > LARGEST_TOTAL) return;
    total += bytes;
    const { count, type, componentType } = definition as unknown as Accessor;
    usable.set(at, { count, type, componentType });
  });
  return usable;
}

/** Bytes that a view yields when it is read, or null when it cannot be. */
function viewBytes(definition: unknown): { length: number; stride: number } | null {
  if (!isFields(definition)) return null;
  const stride = whole(definition["byteStride"] ?? 0);
  const compressed = extension(definition, "EXT_meshopt_compression") ?? extension(definition, "KHR_meshopt_compression");
  if (compressed === null) {
    const length = whole(definition["byteLength"]);
    return length === null || stride === null ? null : { length, stride };
  }
  const count = whole(compressed["count"]);
  const size = whole(compressed["byteStride"]);
  const packed = whole(compressed["byteLength"]);
  if (count === null || size === null || packed === null || size < 1 || size > 256) return null;
  return count * size > packed * LARGEST_INFLATION ? null : { length: count * size, stride: stride ?? 0 };
}

/** Memory that an accessor takes, or null when it is broken. */
function accessorBytes(definition: Fields, views: ReturnType<typeof viewBytes>[]): number | null {
  const element = elementBytes(definition);
  const count = whole(definition["count"]);
  if (element === null || count === null || count < 1) return null;
  if (definition["sparse"] !== undefined && !isSparseUsable(fields(definition["sparse"]), count, element, views)) return null;
  if (definition["bufferView"] === undefined) return count <= LARGEST_EMPTY ? count * element : null;
  return fits(definition, views, count, element) ? count * element : null;
}

function elementBytes(definition: Fields): number | null {
  const parts = ELEMENT_PARTS[String(definition["type"])];
  const bytes = COMPONENT_BYTES[Number(definition["componentType"])];
  return parts === undefined || bytes === undefined ? null : parts * bytes;
}

function fits(range: Fields, views: ReturnType<typeof viewBytes>[], count: number, element: number): boolean {
  const at = index(range["bufferView"], views.length);
  const offset = whole(range["byteOffset"] ?? 0);
  const view = at === null ? null : views[at];
  if (view === null || view === undefined || offset === null) return false;
  const step = view.stride === 0 ? element : view.stride;
  return step >= element && step <= 256 && offset + step * (count - 1) + element <= view.length;
}

function isSparseUsable(sparse: Fields, count: number, element: number, views: ReturnType<typeof viewBytes>[]): boolean {
  const changed = whole(sparse["count"]);
  const indices = fields(sparse["indices"]);
  const width = COMPONENT_BYTES[Number(indices["componentType"])];
  if (changed === null || changed < 1 || changed > count || width === undefined) return false;
  return fits(indices, views, changed, width) && fits(fields(sparse["values"]), views, changed, element);
}

/** A whole number that can count bytes, else null. */
function whole(value: unknown): number | null {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : null;
}
