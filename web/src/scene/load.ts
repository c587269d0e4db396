/**
 * Loading: bytes of an entry become three's objects, with the glTF document beside them.
 *
 * Rule: nothing is fetched from a URI in the scene, ever; decoders are our own files, loaded only when a scene needs them.
 */

import { type AnimationClip, type Group, LoadingManager, type Object3D, type Texture } from "three";
import { type GLTF, GLTFLoader } from "three/addons/loaders/GLTFLoader.js";

import type { Transcode } from "./blocks";
import { type Container, type GltfJson, readContainer, writeContainer } from "./container";
import { fields, list, Notes } from "./json";
import { mend } from "./mend";
import { type DecodePicture, decodeByBrowser, PictureLoader } from "./pictures";
import { SceneUnreadable } from "./unreadable";

/** What a loaded file is made of. */
export interface LoadedFile {
  root: Group;
  json: GltfJson;
  animations: AnimationClip[];
  /** The object that node `index` became; nodes outside the shown scene have none. */
  node(index: number): Object3D | null;
  /** The parser, for textures and accessors by index. */
  parser: GLTF["parser"];
  /** Decoded pictures, to be closed when the file is let go. */
  bitmaps: ImageBitmap[];
  /** By image: what its textures show. */
  sources: Map<number, Set<Texture["source"]>>;
}

export interface LoadOptions {
  notes: Notes;
  /** Pixels on a side that pictures are decoded to at most. */
  largestPicture?: number;
  /** Needed for KTX2. */
  transcode?: Transcode;
  decodePicture?: DecodePicture;
  onProgress?: (done: number, total: number) => void;
}

const DEFAULT_LARGEST_PICTURE = 2048;

/** Reads the file. Raises `SceneUnreadable`. */
export async function loadFile(entry: ArrayBuffer, options: LoadOptions): Promise<LoadedFile> {
  const container = readContainer(entry, options.notes);
  mend(container, options.notes, options.transcode !== undefined);
  const loader = await makeLoader(container.json);
  let pictures: PictureLoader | null = null;
  const total = list(container.json["images"]).length + 1;
  let done = 0;
  const onPicture = (): void => options.onProgress?.(Math.min(++done, total), total);
  loader.register((parser) => {
    const { decodePicture = decodeByBrowser, transcode = null, largestPicture = DEFAULT_LARGEST_PICTURE, notes } = options;
    return (pictures = new PictureLoader(parser, { decode: decodePicture, transcode }, largestPicture, notes, onPicture));
  });
  const gltf = await parse(loader, container);
  return {
    root: gltf.scene,
    json: container.json,
    animations: gltf.animations,
    node: nodesByIndex(gltf),
    parser: gltf.parser,
    bitmaps: (pictures as PictureLoader | null)?.bitmaps ?? [],
    sources: (pictures as PictureLoader | null)?.sources ?? new Map<number, Set<Texture["source"]>>(),
  };
}

async function parse(loader: GLTFLoader, container: Container): Promise<GLTF> {
  try {
    const gltf = await loader.parseAsync(writeContainer(container), "");
    if ((gltf.scene as Group | undefined) === undefined) throw new Error("no scene");
    return gltf;
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace("THREE.GLTFLoader: ", "") : "unknown";
    throw new SceneUnreadable(`The scene could not be read (${reason.slice(0, 120)}).`);
  }
}

/** A loader whose every request is refused, with the decoders that this document asks for. */
async function makeLoader(json: GltfJson): Promise<GLTFLoader> {
  const manager = new LoadingManager();
  manager.setURLModifier((url) => (/^(blob|data):/.test(url) ? url : "data:,refused"));
  const loader = new GLTFLoader(manager);
  const used = new Set([...list(json["extensionsUsed"]), ...list(json["extensionsRequired"])]);
  if (used.has("EXT_meshopt_compression") || used.has("KHR_meshopt_compression")) {
    const { MeshoptDecoder } = await import("three/addons/libs/meshopt_decoder.module.js");
    loader.setMeshoptDecoder(MeshoptDecoder);
  }
  if (used.has("KHR_draco_mesh_compression")) {
    const { DRACOLoader } = await import("three/addons/loaders/DRACOLoader.js");
    loader.setDRACOLoader(new DRACOLoader().setWorkerLimit(2));
  }
  return loader;
}

function nodesByIndex(gltf: GLTF): (index: number) => Object3D | null {
  const found = new Map<number, Object3D>();
  gltf.scene.traverse((object) => {
    const at = fields(gltf.parser.associations.get(object))["nodes"];
    if (typeof at === "number" && !found.has(at)) found.set(at, object);
  });
  return (index) => found.get(index) ?? null;
}
