/**
 * The manifest of a package: which files sharpen an entry, what each replaces in it, and where it is.
 *
 * Rule: whatever the bytes are, reading gives a `Manifest` or raises `BadManifest`; unknown keys and unknown kinds of parts
 * are passed over. Follows scenes/PACKAGE.md; scenes/vectors bind this reader and the one in Python.
 */

import { isFields, list, type Fields } from "../json";

/** Bytes of a manifest: 10,000 parts are 3 MB. */
export const LARGEST_MANIFEST = 4 * 1024 * 1024;
const MOST_PARTS = 10_000;
/** Pointers in all `for` lists together. */
const MOST_TARGETS = 100_000;
const MOST_LEVEL = 15;
const MOST_BYTES = 1024 * 1024 * 1024;
/** Pixels of one edge of an image; triangles of meshes. */
const MOST_EDGE = 16_384;
const MOST_TRIANGLES = 100_000_000;
const MOST_PRIORITY = 1_000_000;
const MOST_REQUIRED = 100;
const ENTRY_TYPE = "model/gltf-binary";

const SHA256 = /^[0-9a-f]{64}$/;
const TARGET = /^\/(images|meshes|animations|extensions\/(KHR_audio(?:_emitter)?)\/audio)\/(0|[1-9][0-9]{0,5})$/;
const MEDIA_TYPE = /^[a-z]+\/[a-z0-9][a-z0-9.+-]{0,99}$/;
const MXC = /^mxc:\/\/(?:[A-Za-z0-9][A-Za-z0-9-]*(?:\.[A-Za-z0-9-]+)*|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?\/[A-Za-z0-9_-]{1,255}$/;
const LONGEST_MXC = 520;

export type Kind = "images" | "meshes" | "animations" | "audio";

/** What a part replaces: one element of a list in the entry. */
export interface Target {
  readonly pointer: string;
  readonly index: number;
  /** The extension whose sound it is, "" for all else. */
  readonly extension: string;
}

export interface Part {
  readonly sha256: string;
  readonly bytes: number;
  readonly type: string;
  readonly level: number;
  readonly kind: Kind;
  /** At least one; element `i` of a .glb part is for target `i`. */
  readonly targets: readonly Target[];
  readonly size: readonly number[];
  readonly priority: number;
  /** Where it is, null if the manifest does not say. */
  readonly mxc: string | null;
}

export interface Manifest {
  readonly entry: { readonly sha256: string; readonly bytes: number; readonly mxc: string | null };
  readonly parts: readonly Part[];
}

/** A manifest that cannot be used. `code` and `pointer` are those of the Python reader. */
export class BadManifest extends Error {
  override readonly name = "BadManifest";
  constructor(
    readonly code: string,
    readonly pointer: string,
    message: string,
  ) {
    super(`the manifest: ${pointer} ${message}`);
  }
}

/** Reads a manifest, hostile or not. */
export function readManifest(bytes: ArrayBuffer): Manifest {
  if (bytes.byteLength > LARGEST_MANIFEST) throw new BadManifest("JSON_TOO_LARGE", "", "is larger than 4 MiB");
  let tree: unknown;
  try {
    tree = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw new BadManifest("INVALID_JSON", "", "is no JSON");
  }
  if (!isFields(tree)) throw new BadManifest("TYPE_MISMATCH", "", "is no object");
  if (tree["format"] !== "org.roomscale.package") throw new BadManifest("UNKNOWN_FORMAT", "/format", "is not org.roomscale.package");
  if (whole(tree["version"], "/version", 1, 1_000_000) !== 1) throw new BadManifest("UNKNOWN_VERSION", "/version", "needs a newer client");
  const entry = object(tree["entry"], "/entry");
  if (entry["type"] !== ENTRY_TYPE) throw new BadManifest("VALUE_NOT_IN_LIST", "/entry/type", `is not ${ENTRY_TYPE}`);
  const parts = array(tree["parts"], "/parts", MOST_PARTS).flatMap((part, at) => readPart(object(part, `/parts/${at}`), `/parts/${at}`) ?? []);
  requireNoRivals(parts);
  const named = array(tree["extensionsRequired"] ?? (tree["extensionsRequired"] === undefined ? [] : null), "/extensionsRequired", MOST_REQUIRED);
  if (!named.every((name) => typeof name === "string" && name.length > 0 && name.length <= 100)) {
    throw new BadManifest("TYPE_MISMATCH", "/extensionsRequired", "is no list of names");
  }
  return { entry: { sha256: hash(entry, "/entry"), bytes: size(entry, "/entry"), mxc: place(entry, "/entry") }, parts };
}

/** One part; null for a kind that this version does not know. */
function readPart(tree: Fields, where: string): Part | null {
  const pointers = array(tree["for"], `${where}/for`, MOST_TARGETS);
  if (pointers.length === 0 || !pointers.every((pointer) => typeof pointer === "string")) {
    throw new BadManifest("TYPE_MISMATCH", `${where}/for`, "is no list of JSON pointers");
  }
  const type = tree["type"];
  if (typeof type !== "string" || !MEDIA_TYPE.test(type)) throw new BadManifest("TYPE_MISMATCH", `${where}/type`, "is no media type");
  const part = {
    sha256: hash(tree, where),
    bytes: size(tree, where),
    type,
    level: whole(tree["level"], `${where}/level`, 1, MOST_LEVEL),
    size: sizes(tree["size"], `${where}/size`),
    priority: whole(tree["priority"], `${where}/priority`, 0, MOST_PRIORITY),
    mxc: place(tree, where),
  };
  const known = readTargets(pointers as string[], type);
  return known === null ? null : { ...part, ...known };
}

/** The targets, if all are of one kind that `type` suits. */
function readTargets(pointers: readonly string[], type: string): { kind: Kind; targets: Target[] } | null {
  const matches = pointers.map((pointer) => TARGET.exec(pointer));
  const place = matches[0]?.[1];
  if (place === undefined || !matches.every((match) => match?.[1] === place)) return null;
  const kind = (place.startsWith("extensions/") ? "audio" : place) as Kind;
  const suits = kind === "images" || kind === "audio" ? type.startsWith(kind === "audio" ? "audio/" : "image/") : type === ENTRY_TYPE;
  if (!suits) return null;
  return { kind, targets: matches.map((match) => ({ pointer: match?.[0] ?? "", index: Number(match?.[3]), extension: match?.[2] ?? "" })) };
}

/** Two parts of one level for one thing: which of them counts would be up to the reader. */
function requireNoRivals(parts: readonly Part[]): void {
  if (parts.reduce((sum, part) => sum + part.targets.length, 0) > MOST_TARGETS) {
    throw new BadManifest("MANIFEST_TOO_LARGE", "/parts", "have more than 100,000 pointers");
  }
  const seen = new Set<string>();
  for (const { targets, level } of parts) {
    for (const { pointer } of targets) {
      const key = `${level} ${pointer}`;
      if (seen.has(key)) throw new BadManifest("DUPLICATE_ELEMENTS", "/parts", `replace ${pointer} twice at level ${level}`);
      seen.add(key);
    }
  }
}

/** Pointer → the part that replaces what is there at `level`: that of the highest level not above. */
export function replacements(parts: readonly Part[], level: number): Map<string, Part> {
  const best = new Map<string, Part>();
  for (const part of parts) {
    if (part.level > level) continue;
    for (const { pointer } of part.targets) {
      const before = best.get(pointer);
      if (before === undefined || before.level < part.level) best.set(pointer, part);
    }
  }
  return best;
}

function sizes(value: unknown, where: string): number[] {
  if (value === undefined || value === null) return [];
  const all = array(value, where, 2);
  const most = all.length === 2 ? MOST_EDGE : MOST_TRIANGLES;
  return all.map((one) => whole(one, where, 1, most));
}

function hash(tree: Fields, where: string): string {
  const value = tree["sha256"];
  if (typeof value !== "string" || !SHA256.test(value)) throw new BadManifest("TYPE_MISMATCH", `${where}/sha256`, "is not 64 lower-case hex digits");
  return value;
}

function size(tree: Fields, where: string): number {
  return whole(tree["bytes"], `${where}/bytes`, 1, MOST_BYTES);
}

function place(tree: Fields, where: string): string | null {
  const value = tree["mxc"];
  if (value === undefined) return null;
  if (typeof value !== "string" || value.length > LONGEST_MXC || !MXC.test(value)) throw new BadManifest("TYPE_MISMATCH", `${where}/mxc`, "is no mxc address");
  return value;
}

function whole(value: unknown, where: string, least: number, most: number): number {
  if (typeof value !== "number" || !Number.isInteger(value) || value < least || value > most) {
    throw new BadManifest("VALUE_NOT_IN_RANGE", where, `is no integer from ${least} to ${most}`);
  }
  return value;
}

function object(value: unknown, where: string): Fields {
  if (!isFields(value)) throw new BadManifest("TYPE_MISMATCH", where, "is no object");
  return value;
}

function array(value: unknown, where: string, most: number): readonly unknown[] {
  if (!Array.isArray(value)) throw new BadManifest("TYPE_MISMATCH", where, "is no list");
  if (value.length > most) throw new BadManifest("MANIFEST_TOO_LARGE", where, `has more than ${most} elements`);
  return list(value);
}
