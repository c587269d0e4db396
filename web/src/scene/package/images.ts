/**
 * Sharper pictures: a file takes the place of an image of the entry, in every texture that shows it.
 *
 * Rule: the textures stay the same objects, with sampler, colour space, transform and channel; only what they show is another.
 * The old picture's memory is freed, on the GPU too; what all pictures take together is bounded.
 */

import { CompressedTexture, type Material, type Object3D, Texture, TextureSource } from "three";

import { BLOCK_SHARE, blockSize, takeFor } from "../blocks";
import type { PictureReaders, PictureSize } from "../pictures";
import { LARGEST_SIDE, pictureSize } from "../pictures";
import type { Target } from "./manifest";
import { PartUnusable } from "./unusable";

/** Decoded pixels of all pictures on a device that takes level 1, a phone: with mipmaps 430 MB on the GPU. */
const PHONE_PIXELS = 80 * 1024 * 1024;
/** The same above: 1.1 GB. */
const DESKTOP_PIXELS = 200 * 1024 * 1024;

/** What the pictures of a loaded entry are, and where they are shown. */
export interface Pictures {
  /** The sources of image `index`, as the loader and earlier parts made them. */
  readonly sources: Map<number, Set<Texture["source"]>>;
  /** Decoded pictures, closed when the scene goes. */
  readonly bitmaps: ImageBitmap[];
}

type Picture = ImageBitmap | ImageData | CompressedTexture;

export class ImageReplacer {
  /** Pixels by source; those that stay compressed count by the memory that they take. */
  private readonly pixels = new Map<Texture["source"], number>();

  constructor(
    private readonly pictures: Pictures,
    /** All textures that are shown now. */
    private readonly textures: () => Iterable<Texture>,
    private readonly readers: PictureReaders,
    /** Pixels on a side that the GPU takes. */
    private readonly largest: number,
  ) {}

  /** Replaces; answers the textures that now show the file. `level`: what this device takes. Raises `PartUnusable`. */
  async replace(targets: readonly Target[], level: number, bytes: ArrayBuffer, isCurrent: () => boolean): Promise<Texture[]> {
    const blocks = blockSize(new Uint8Array(bytes));
    const size = blocks ?? pictureSize(new Uint8Array(bytes));
    if (size === null) throw new PartUnusable("it is no PNG, JPEG, WebP, AVIF or KTX2 picture");
    const side = Math.max(size.width, size.height);
    if (Math.min(size.width, size.height) < 1 || side > LARGEST_SIDE) throw new PartUnusable(`it has ${size.width}×${size.height} pixels`);
    const scale = Math.min(1, this.largest / side);
    if (blocks !== null && scale < 1) throw new PartUnusable("this device takes no pictures so large");
    const wanted = size.width * size.height * (blocks === null ? scale * scale : BLOCK_SHARE);
    if (this.total() + wanted * targets.length > (level <= 1 ? PHONE_PIXELS : DESKTOP_PIXELS)) throw new PartUnusable("all pictures together would be too large");
    let picture: Picture;
    try {
      picture = await this.read(bytes, size, blocks !== null);
    } catch {
      throw new PartUnusable("this browser cannot decode it");
    }
    if (!isCurrent()) {
      close(picture);
      return [];
    }
    return this.show(targets, picture);
  }

  private read(bytes: ArrayBuffer, size: PictureSize, isBlocks: boolean): Promise<Picture> {
    const { decode, transcode } = this.readers;
    if (!isBlocks) return decode(new Blob([bytes]), size, this.largest);
    return transcode === null ? Promise.reject(new Error("no transcoder")) : transcode(bytes.slice(0));
  }

  private show(targets: readonly Target[], picture: Picture): Texture[] {
    const { sources, bitmaps } = this.pictures;
    const old = new Set(targets.flatMap(({ index }) => [...(sources.get(index) ?? [])]));
    const textures = [...new Set(this.textures())];
    const blocks = picture instanceof CompressedTexture ? picture : null;
    const data = picture instanceof CompressedTexture ? picture.image : picture;
    const shown: Texture[] = [];
    for (const { index } of targets) {
      const mine = sources.get(index) ?? new Set();
      // A source for each image: the next part may be for one of them alone.
      const fresh: Texture["source"] = new TextureSource<unknown>(data);
      for (const texture of textures.filter(({ source }) => mine.has(source))) {
        texture.dispose(); // first: the renderer finds what it holds by the old source
        texture.source = fresh;
        takeFor(texture, blocks);
        texture.needsUpdate = true;
        shown.push(texture);
      }
      sources.set(index, new Set([fresh]));
      this.pixels.set(fresh, data.width * data.height * (blocks === null ? 1 : BLOCK_SHARE));
    }
    if (!(picture instanceof CompressedTexture) && "close" in picture) bitmaps.push(picture);
    const used = new Set([...sources.values()].flatMap((all) => [...all].map(({ data }) => data as unknown)));
    for (const source of old) {
      this.pixels.delete(source);
      const before = source.data as ImageBitmap | ImageData;
      if (used.has(before)) continue;
      close(before);
      if ("close" in before && bitmaps.includes(before)) bitmaps.splice(bitmaps.indexOf(before), 1);
    }
    return shown;
  }

  /** Pixels of the parts that are shown; the entry's own are few. */
  private total(): number {
    return [...this.pixels.values()].reduce((sum, pixels) => sum + pixels, 0);
  }
}

function close(picture: Picture): void {
  if (!(picture instanceof CompressedTexture) && "close" in picture) picture.close();
}

/** The textures of all materials below `root`. */
export function texturesBelow(root: Object3D): Set<Texture> {
  const found = new Set<Texture>();
  const seen = new Set<Material>();
  root.traverse((object) => {
    const { material } = object as { material?: Material | Material[] };
    for (const one of material === undefined ? [] : [material].flat()) {
      if (seen.has(one)) continue;
      seen.add(one);
      for (const value of Object.values(one)) if (value instanceof Texture) found.add(value);
    }
  });
  return found;
}

/** Pixels on the longer side of the largest texture below `root`; 0 without any. */
export function largestSide(root: Object3D): number {
  let largest = 0;
  for (const { image } of texturesBelow(root)) {
    const { width = 0, height = 0 } = (image ?? {}) as { width?: number; height?: number };
    largest = Math.max(largest, width, height);
  }
  return largest;
}
