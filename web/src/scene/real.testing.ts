/**
 * Real scenes as bytes, for tests: the samples of this repository, and those that may lie beside it.
 *
 * Rule: what is not there makes `hasRealScenes` false, and the tests that need it skip and say so.
 */

import { type Collected, collect } from "./colliders";
import { decodeDataUri } from "./container";
import { Notes } from "./json";
import { type LoadedFile, loadFile } from "./load";

type Files = Record<string, () => Promise<string>>;

const beside: Files = import.meta.glob<string>(
  [
    "../../../../shared/gltf/{WebXR_Garage,LivingRoom,JungleScene,OcclusionRooms,ManyCubes}/*.{gltf,glb,bin}",
    "../../../../shared/gltf/KayKit_Dungeon/stairs_wide.gltf.glb",
    "../../../../shared/gltf/OMI_examples/*/examples/**/*.{gltf,glb}",
  ],
  { query: "?url&inline", import: "default" },
);
const hostile: Files = import.meta.glob<string>("../../../../shared/hostile/*/*.{gltf,glb}", { query: "?url&inline", import: "default" });
const samples: Files = import.meta.glob<string>("../../../assets/roomscale/assets/samples/data/**/*.glb", { query: "?url&inline", import: "default" });

export const hasRealScenes = Object.keys(beside).length > 0;
export const hostileFiles = Object.keys(hostile);

/** The file whose path ends so; a .gltf gets its buffers as `data:` URIs (its pictures stay out). */
export async function realScene(path: string): Promise<ArrayBuffer> {
  const bytes = await bytesOf(beside, path);
  if (!path.endsWith(".gltf")) return bytes.buffer as ArrayBuffer;
  const document = JSON.parse(new TextDecoder().decode(bytes)) as { buffers?: { uri?: string }[] };
  for (const buffer of document.buffers ?? []) {
    if (buffer.uri === undefined || buffer.uri.startsWith("data:")) continue;
    buffer.uri = await uriOf(beside, path.replace(/[^/]*$/, "") + buffer.uri);
  }
  return new TextEncoder().encode(JSON.stringify(document)).buffer as ArrayBuffer;
}

export async function hostileFile(path: string): Promise<ArrayBuffer> {
  return (await bytesOf(hostile, path)).buffer as ArrayBuffer;
}

/** `plaza.glb`, `gallery.glb`, `avatars/ada.glb` … of assets/. */
export async function sample(path: string): Promise<ArrayBuffer> {
  return (await bytesOf(samples, path)).buffer as ArrayBuffer;
}

async function uriOf(files: Files, path: string): Promise<string> {
  const found = Object.entries(files).find(([name]) => name.endsWith(path));
  if (found === undefined) throw new Error(`no such scene: ${path}`);
  return found[1]();
}

async function bytesOf(files: Files, path: string): Promise<Uint8Array> {
  return decodeDataUri(await uriOf(files, path)) ?? new Uint8Array(0);
}

/** Loads without a browser: pictures are one pixel. */
export async function loadBare(entry: ArrayBuffer, notes = new Notes()): Promise<LoadedFile> {
  const pixel = { width: 1, height: 1, data: new Uint8ClampedArray(4), colorSpace: "srgb" } as unknown as ImageData;
  return loadFile(entry, { notes, decodePicture: () => Promise.resolve(pixel) });
}

export async function collectBare(entry: ArrayBuffer): Promise<{ file: LoadedFile; collected: Collected }> {
  const file = await loadBare(entry);
  return { file, collected: await collect(file, new Notes()) };
}
