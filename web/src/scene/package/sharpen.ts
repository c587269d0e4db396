/**
 * Sharpening a stage: each part of its package goes where the manifest says, one at a time.
 *
 * Rule: a part changes how a scene looks and sounds, never where one walks; one that does not fit raises `PartUnusable` and
 * leaves everything as it was. A stage that is gone takes nothing any more.
 */

import type { AnimationClip, Object3D, Texture } from "three";

import type { Batches } from "../batch";
import type { Notes } from "../json";
import type { LoadedFile } from "../load";
import type { PictureReaders } from "../pictures";
import { AnimationGatherer, movedBy } from "./animations";
import { ImageReplacer, texturesBelow } from "./images";
import type { Part, Target } from "./manifest";
import { replaceMeshes } from "./meshes";

/** A part that has arrived. */
export interface Arrived {
  readonly part: Part;
  /** Those of the part's targets that it is for. */
  readonly targets: readonly Target[];
  /** What this device takes: the part's own, or above. */
  readonly level: number;
  readonly bytes: ArrayBuffer;
  /** How many animations the whole scene has: none plays until all are there. */
  readonly animations: number;
}

/** What the stage lends to whoever sharpens it. */
export interface Sharpenable {
  readonly file: LoadedFile;
  readonly batches: Batches;
  readonly notes: Notes;
  /** What the sky shows, if it is a picture. */
  readonly background: () => Texture | null;
  /** The sky shows another picture. */
  readonly skyChanged: () => void;
  /** All animations are there, and these objects move from now on. */
  readonly animate: (clips: AnimationClip[], moving: ReadonlySet<Object3D>) => void;
  /** A sound is another. Raises `PartUnusable`. */
  readonly sound: (target: Target, bytes: ArrayBuffer) => Promise<void>;
  /** Resolves when what was changed has been drawn. */
  readonly drawn: () => Promise<void>;
  readonly largestTexture: number;
  readonly readers: PictureReaders;
}

export class Sharpener {
  private gone = false;
  private turn: Promise<unknown> = Promise.resolve();
  private readonly images: ImageReplacer;
  private readonly animations: AnimationGatherer;
  private moving: ReadonlySet<Object3D> = new Set();
  private readonly isCurrent = (): boolean => !this.gone;

  constructor(private readonly stage: Sharpenable) {
    const textures = (): Texture[] => [...texturesBelow(stage.file.root), ...[stage.background()].filter((texture) => texture !== null)];
    this.animations = new AnimationGatherer(stage.file);
    this.images = new ImageReplacer(stage.file, textures, stage.readers, stage.largestTexture);
  }

  /** Puts a part in its place, after those that came before it. Raises `PartUnusable`. */
  apply(arrived: Arrived): Promise<void> {
    const mine = this.turn.then(() => (this.gone ? undefined : this.place(arrived)));
    // What is put up in one frame goes to the GPU in one frame: a part at a time keeps walking smooth.
    this.turn = mine.then(() => this.stage.drawn()).catch(() => undefined);
    return mine;
  }

  /** The stage is taken down: whatever is under way comes to nothing. */
  end(): void {
    this.gone = true;
  }

  private async place(arrived: Arrived): Promise<void> {
    const { part, targets, level, bytes } = arrived;
    const { file, batches, notes } = this.stage;
    switch (part.kind) {
      case "images": {
        const shown = await this.images.replace(targets, level, bytes, this.isCurrent);
        const background = this.stage.background();
        if (background !== null && shown.includes(background)) this.stage.skyChanged();
        return;
      }
      case "meshes": {
        const changed = await replaceMeshes(file, arrived, notes, this.isCurrent);
        if (!this.gone) batches.renew(changed, this.moving);
        return;
      }
      case "animations": {
        const clips = await this.animations.take(arrived, notes);
        if (clips === null || this.gone) return;
        this.moving = movedBy(clips, file);
        batches.renew(below(this.moving), this.moving);
        this.stage.animate(clips, this.moving);
        return;
      }
      case "audio":
        for (const target of targets) await this.stage.sound(target, bytes);
    }
  }
}

/** These objects and all below them. */
export function below(roots: ReadonlySet<Object3D>): Set<Object3D> {
  const found = new Set<Object3D>();
  for (const root of roots) root.traverse((object) => found.add(object));
  return found;
}
