/**
 * Pictures: bytes in a buffer view become a texture, bounded before anything is decoded.
 *
 * Rule: the size is read from the file's header first; what is too large is decoded smaller, what is absurd or unknown
 * is left out with a note. One picture that fails leaves its material plain and the scene whole.
 */

import {
  ClampToEdgeWrapping,
  CompressedTexture,
  LinearFilter,
  LinearMipmapLinearFilter,
  LinearMipmapNearestFilter,
  MirroredRepeatWrapping,
  NearestFilter,
  NearestMipmapLinearFilter,
  NearestMipmapNearestFilter,
  RepeatWrapping,
  Texture,
} from "three";
import type { GLTFLoaderPlugin, GLTFParser } from "three/addons/loaders/GLTFLoader.js";

import { BLOCK_SHARE, blockSize, takeFor, type Transcode } from "./blocks";
import { fields, index, list, type Notes } from "./json";

/** Width and height in pixels. */
export interface PictureSize {
  width: number;
  height: number;
}

/** Turns bytes into something that three can upload, no larger than `largest` pixels on a side. */
export type DecodePicture = (bytes: Blob, size: PictureSize, largest: number) => Promise<ImageBitmap | ImageData>;

/** Pixels on a side that decoding is tried for at all: 8192² takes 268 MB while it lasts. */
export const LARGEST_SIDE = 8192;
/** Decoded pixels in all, at 4 bytes and a third more for mipmaps: about 360 MB on the GPU. */
const PIXEL_BUDGET = 64 * 1024 * 1024;

/** The size that the header of a PNG, JPEG, WebP or AVIF file declares, or null when it is none of these. */
export function pictureSize(bytes: Uint8Array): PictureSize | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length >= 24 && view.getUint32(0) === 0x89504e47) return { width: view.getUint32(16), height: view.getUint32(20) };
  if (bytes.length >= 4 && view.getUint16(0) === 0xffd8) return jpegSize(view);
  if (bytes.length >= 30 && view.getUint32(0) === 0x52494646 && view.getUint32(8) === 0x57454250) return webpSize(view);
  if (bytes.length >= 16 && view.getUint32(4) === 0x66747970) return avifSize(view);
  return null;
}

function jpegSize(view: DataView): PictureSize | null {
  for (let at = 2; at + 9 < view.byteLength; ) {
    if (view.getUint8(at) !== 0xff) return null;
    const marker = view.getUint8(at + 1);
    // SOF0…SOF15 but for DHT, JPG and DAC.
    if (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc) {
      return { height: view.getUint16(at + 5), width: view.getUint16(at + 7) };
    }
    at += marker === 0xff ? 1 : 2 + view.getUint16(at + 2);
  }
  return null;
}

function webpSize(view: DataView): PictureSize | null {
  const kind = view.getUint32(12);
  if (kind === 0x56503820) return { width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff };
  if (kind === 0x5650384c) {
    const bits = view.getUint32(21, true);
    return { width: (bits & 0x3fff) + 1, height: ((bits >> 14) & 0x3fff) + 1 };
  }
  if (kind === 0x56503858) return { width: uint24(view, 24) + 1, height: uint24(view, 27) + 1 };
  return null;
}

function uint24(view: DataView, at: number): number {
  return view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
}

/** The first `ispe` box (image spatial extents) within the header of an AVIF file. */
function avifSize(view: DataView): PictureSize | null {
  const end = Math.min(view.byteLength - 16, 4096);
  for (let at = 16; at < end; at++) {
    if (view.getUint32(at) === 0x69737065) return { width: view.getUint32(at + 8), height: view.getUint32(at + 12) };
  }
  return null;
}

/** Decodes by the browser. */
export const decodeByBrowser: DecodePicture = async (bytes, size, largest) => {
  const scale = Math.min(1, largest / Math.max(size.width, size.height));
  const common = { colorSpaceConversion: "none", premultiplyAlpha: "none" } as const;
  if (scale === 1) return createImageBitmap(bytes, common);
  const resizeWidth = Math.max(1, Math.round(size.width * scale));
  const resizeHeight = Math.max(1, Math.round(size.height * scale));
  return createImageBitmap(bytes, { ...common, resizeWidth, resizeHeight, resizeQuality: "high" });
};

const FILTERS = new Map([
  [9728, NearestFilter],
  [9729, LinearFilter],
  [9984, NearestMipmapNearestFilter],
  [9985, LinearMipmapNearestFilter],
  [9986, NearestMipmapLinearFilter],
  [9987, LinearMipmapLinearFilter],
] as const);
const WRAPPINGS = new Map([
  [33071, ClampToEdgeWrapping],
  [33648, MirroredRepeatWrapping],
  [10497, RepeatWrapping],
] as const);

/** What reads pictures. `transcode`: null where nobody can show KTX2. */
export interface PictureReaders {
  readonly decode: DecodePicture;
  readonly transcode: Transcode | null;
}

type Read = ImageBitmap | ImageData | CompressedTexture;

/** The loader's plugin that makes every texture whose picture lies in a buffer view. */
export class PictureLoader implements GLTFLoaderPlugin {
  readonly name = "ROOMSCALE_pictures";
  private readonly decoded = new Map<number, Promise<Read | null>>();
  private readonly textures = new Map<string, Promise<Texture | null>>();
  private queue: Promise<unknown> = Promise.resolve();
  private pixels = 0;
  readonly bitmaps: ImageBitmap[] = [];
  /** By image: what its textures show. Clones that the loader makes of a texture share its source. */
  readonly sources = new Map<number, Set<Texture["source"]>>();

  constructor(
    private readonly parser: GLTFParser,
    private readonly readers: PictureReaders,
    private readonly largest: number,
    private readonly notes: Notes,
    private readonly onPicture: () => void,
  ) {}

  /** The loader takes a promise of null for "no texture", though its types do not say so. */
  loadTexture(textureIndex: number): Promise<Texture> {
    const json = fields(this.parser.json);
    const definition = fields(list(json["textures"])[textureIndex]);
    const image = index(definition["source"], list(json["images"]).length);
    if (image === null) return Promise.resolve(null) as unknown as Promise<Texture>;
    const sampler = fields(list(json["samplers"])[Number(definition["sampler"])]);
    const key = `${image}:${JSON.stringify(sampler)}`;
    const made = this.textures.get(key) ?? this.make(image, sampler, definition["name"]);
    this.textures.set(key, made);
    return made as Promise<Texture>;
  }

  private async make(image: number, sampler: { readonly [key: string]: unknown }, name: unknown): Promise<Texture | null> {
    const pending = this.decoded.get(image) ?? this.enqueue(image);
    this.decoded.set(image, pending);
    const pixels = await pending;
    if (pixels === null) return null;
    const blocks = pixels instanceof CompressedTexture ? pixels : null;
    // Of the class itself: the loader clones textures, and what makes blocks of another one is not copied.
    const texture: Texture = blocks === null ? new Texture<unknown>(pixels) : new CompressedTexture(blocks.mipmaps, blocks.image.width, blocks.image.height, blocks.format, blocks.type);
    texture.name = typeof name === "string" ? name : "";
    texture.flipY = false;
    texture.magFilter = sampler["magFilter"] === 9728 ? NearestFilter : LinearFilter;
    texture.minFilter = FILTERS.get(sampler["minFilter"] as 9728) ?? LinearMipmapLinearFilter;
    texture.wrapS = WRAPPINGS.get(sampler["wrapS"] as 10497) ?? RepeatWrapping;
    texture.wrapT = WRAPPINGS.get(sampler["wrapT"] as 10497) ?? RepeatWrapping;
    texture.generateMipmaps = texture.minFilter !== NearestFilter && texture.minFilter !== LinearFilter;
    takeFor(texture, blocks);
    texture.needsUpdate = true;
    this.sources.set(image, (this.sources.get(image) ?? new Set<Texture["source"]>()).add(texture.source));
    return texture;
  }

  /** One after the other: many large pictures at once would take gigabytes while they are decoded. */
  private enqueue(image: number): Promise<Read | null> {
    const turn = this.queue.then(() => this.decodeOne(image)).catch(() => {
      this.notes.add(`Picture ${image} could not be decoded; what it covers stays plain.`);
      return null;
    });
    this.queue = turn;
    return turn;
  }

  private async decodeOne(image: number): Promise<Read | null> {
    const view = fields(list(fields(this.parser.json)["images"])[image])["bufferView"];
    if (typeof view !== "number") return null;
    const bytes = new Uint8Array((await this.parser.getDependency("bufferView", view)) as ArrayBuffer);
    const blocks = this.readers.transcode === null ? null : blockSize(bytes);
    const size = blocks ?? pictureSize(bytes);
    this.onPicture();
    if (size === null || size.width < 1 || size.height < 1 || Math.max(size.width, size.height) > LARGEST_SIDE) {
      this.notes.add(`Picture ${image} was left out: ${size === null ? "not PNG, JPEG, WebP, AVIF or KTX2" : `${size.width}×${size.height} pixels`}.`);
      return null;
    }
    if (blocks !== null) return this.transcodeOne(bytes, blocks);
    const share = this.pixels > PIXEL_BUDGET / 2 ? this.largest / 4 : this.largest;
    const decoded = await this.readers.decode(new Blob([bytes]), size, share);
    if (!this.fits(decoded.width * decoded.height)) {
      if ("close" in decoded) decoded.close();
      return null;
    }
    if ("close" in decoded) this.bitmaps.push(decoded);
    return decoded;
  }

  private async transcodeOne(bytes: Uint8Array, { width, height }: PictureSize): Promise<CompressedTexture | null> {
    if (this.readers.transcode === null || !this.fits(width * height * BLOCK_SHARE)) return null;
    return this.readers.transcode(bytes.slice().buffer);
  }

  private fits(pixels: number): boolean {
    this.pixels += pixels;
    if (this.pixels > PIXEL_BUDGET) this.notes.add("Some pictures were left out: together they are too large.");
    return this.pixels <= PIXEL_BUDGET;
  }
}
