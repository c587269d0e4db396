/**
 * Blocks: KTX2 pictures, which stay compressed on the GPU and so take a quarter of the memory there, or an eighth.
 *
 * Rule: the header is read first, and bounds what is unpacked; the transcoder (our own file, in workers) is fetched when the
 * first such picture comes, there is one for each renderer, and it ends with the view.
 */

import { type CompressedTexture, LinearFilter, NearestFilter, RGBAFormat, type Texture, UnsignedByteType, type WebGLRenderer } from "three";
import type { KTX2Loader } from "three/addons/loaders/KTX2Loader.js";

import type { PictureSize } from "./pictures";

/** Turns a KTX2 file into what this device's GPU takes. The bytes are gone afterwards. */
export type Transcode = (bytes: ArrayBuffer) => Promise<CompressedTexture>;

/** Of the memory that decoded pixels would take. */
export const BLOCK_SHARE = 1 / 4;
const MAGIC = [0xab4b5458, 0x203230bb, 0x0d0a1a0a];
/** Sizes of one picture, each half of the one before: of 16,384 pixels. */
const MOST_LEVELS = 15;
/** Milliseconds for one picture, after which its worker is taken for broken; a large one takes a phone a second or two. */
const PATIENCE = 20_000;
/** Workers that transcode: more would take turns with the game for a phone's few cores. */
const WORKERS = 2;

/** The size that the header of a KTX2 file of one flat picture in Basis Universal's formats declares, else null. */
export function blockSize(bytes: Uint8Array): PictureSize | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 80 || MAGIC.some((word, at) => view.getUint32(4 * at) !== word)) return null;
  const [format, , width, height, depth, layers, faces, levels] = Array.from({ length: 8 }, (_, at) => view.getUint32(12 + 4 * at, true)) as [number, number, number, number, number, number, number, number];
  if (format !== 0 || depth > 0 || layers > 1 || faces !== 1 || levels > MOST_LEVELS) return null;
  return { width, height };
}

/** Transcodes for one renderer. */
export class Transcoder {
  private loader: Promise<KTX2Loader> | null = null;
  private gone = false;

  constructor(private readonly renderer: WebGLRenderer) {}

  /** Rejects for broken files. */
  readonly transcode: Transcode = async (bytes) => {
    const loader = await (this.loader ??= this.make());
    if (this.gone) throw new Error("the view is gone");
    return new Promise((resolve, reject) => {
      // A worker that fails as it starts tells nobody.
      const timer = setTimeout(() => reject(new Error("the transcoder does not answer")), PATIENCE);
      const settled = <Value>(settle: (value: Value) => void) => (value: Value): void => {
        clearTimeout(timer);
        settle(value);
      };
      loader.parse(bytes, settled(resolve), settled(reject));
    });
  };

  dispose(): void {
    this.gone = true;
    void this.loader?.then((loader) => loader.dispose(), () => undefined);
  }

  private async make(): Promise<KTX2Loader> {
    const { KTX2Loader } = await import("three/addons/loaders/KTX2Loader.js");
    return new KTX2Loader().setWorkerLimit(WORKERS).detectSupport(this.renderer);
  }
}

/** Whether a texture's filter looks at smaller copies. */
const usesMipmaps = ({ minFilter }: Texture): boolean => minFilter !== NearestFilter && minFilter !== LinearFilter;

/** Lets a texture's source be taken for blocks, or, with null, for what a browser decoded. The texture is disposed of before. */
export function takeFor(texture: Texture, blocks: CompressedTexture | null): void {
  const it = texture as { -readonly [key in keyof Texture]: Texture[key] } & { isCompressedTexture?: boolean };
  if (blocks === null && it.isCompressedTexture !== true) return;
  it.isCompressedTexture = blocks !== null;
  it.mipmaps = blocks?.mipmaps ?? [];
  it.format = blocks?.format ?? RGBAFormat;
  it.type = blocks?.type ?? UnsignedByteType;
  it.generateMipmaps = blocks === null && usesMipmaps(texture);
  // Without smaller copies in the file, a filter that looks at them would show black.
  if (blocks?.mipmaps.length === 1 && usesMipmaps(texture)) it.minFilter = LinearFilter;
}
