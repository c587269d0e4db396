/**
 * The avatar library: each avatar file is fetched and read once, whoever wears it.
 *
 * Rule: an avatar that is missing, too large or broken is a note and a stand-in, never an error.
 */

import { type AnimationClip, Box3, type Group, Mesh, type Object3D, Vector3 } from "three";

import type { Transcode } from "../scene/blocks";
import { fields, list, Notes, number } from "../scene/json";
import { disposeTree } from "../scene/dispose";
import { type LoadedFile, loadFile } from "../scene/load";
import { type ClipName, MADE_FOR } from "./clips";

export interface AvatarFile {
  /** To be cloned, never shown itself. */
  root: Group;
  clips: Partial<Record<ClipName, AnimationClip>>;
  /** m/s that the moving clips were made for. */
  madeFor: { walk: number; run: number };
  /** Metres from sole to crown, after scaling. */
  height: number;
}

/** Bytes: ours are below 1 MB, a VRM of one's own about 20. */
const LARGEST = 32 * 1024 * 1024;
/** Metres: outside these an avatar is in the wrong unit, and is scaled to a person. */
const SHORTEST = 0.3;
const TALLEST = 3.5;
const PERSON = 1.7;

export class AvatarLibrary {
  private readonly files = new Map<string, Promise<AvatarFile | null>>();

  constructor(private readonly notes: Notes, private readonly transcode: Transcode) {}

  /** The avatar behind a URL, or null when it cannot be had. */
  get(url: string): Promise<AvatarFile | null> {
    const known = this.files.get(url) ?? this.read(url);
    this.files.set(url, known);
    return known;
  }

  dispose(): void {
    for (const pending of this.files.values()) void pending.then((file) => file !== null && disposeTree(file.root));
    this.files.clear();
  }

  private async read(url: string): Promise<AvatarFile | null> {
    try {
      const response = await fetch(url);
      if (!response.ok) throw new Error(`status ${response.status}`);
      if (Number(response.headers.get("content-length") ?? 0) > LARGEST) throw new Error("too large");
      const bytes = await response.arrayBuffer();
      if (bytes.byteLength > LARGEST) throw new Error("too large");
      return describe(await loadFile(bytes, { notes: new Notes(), largestPicture: 1024, transcode: this.transcode }));
    } catch (error) {
      this.notes.add(`An avatar could not be shown (${error instanceof Error ? error.message : "unknown"}).`);
      // Another try later, not in every frame: whoever asks again after a change of looks gets it.
      setTimeout(() => this.files.delete(url), 30_000);
      return null;
    }
  }
}

function describe(file: LoadedFile): AvatarFile {
  const { root } = file;
  root.updateMatrixWorld(true);
  root.traverse((object) => {
    // A skinned mesh bends out of the box of its rest pose.
    if (object instanceof Mesh) object.frustumCulled = false;
  });
  const box = new Box3().setFromObject(root, true);
  const raw = box.getSize(new Vector3()).y;
  const isUsable = Number.isFinite(raw) && raw > SHORTEST && raw < TALLEST;
  if (!isUsable) root.scale.multiplyScalar(PERSON / (Number.isFinite(raw) && raw > 0 ? raw : PERSON));
  const clips: AvatarFile["clips"] = {};
  for (const clip of file.animations) {
    const name = clip.name.toLowerCase();
    for (const wanted of ["idle", "walk", "run", "wave"] as const) if (name === wanted || name.startsWith(`${wanted}_`)) clips[wanted] ??= clip;
  }
  if (clips.wave !== undefined) clips.wave = upperBody(clips.wave);
  return { root, clips, madeFor: { walk: madeFor(file, "walk"), run: madeFor(file, "run") }, height: isUsable ? raw : PERSON };
}

/** A gesture without the legs, so that one can wave while walking. */
function upperBody(clip: AnimationClip): AnimationClip {
  const upper = clip.clone();
  upper.tracks = clip.tracks.filter((track) => /spine|chest|neck|head|shoulder|arm|hand|thumb|index|middle|ring|little/i.test(track.name));
  return upper;
}

function madeFor(file: LoadedFile, name: "walk" | "run"): number {
  const animation = list(file.json["animations"]).find((one) => String(fields(one)["name"]).toLowerCase() === name);
  const extras = fields(fields(animation)["extras"]);
  return number(extras["speed"] ?? extras["roomscale.speed"], MADE_FOR[name], 0.3, 10);
}

/** A bone by its VRM name, however the exporter decorated it. */
export function bone(root: Object3D, name: string): Object3D | null {
  let found: Object3D | null = null;
  root.traverse((object) => {
    if (found === null && object.name.toLowerCase() === name.toLowerCase()) found = object;
  });
  return found;
}
