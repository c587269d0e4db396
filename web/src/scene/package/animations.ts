/**
 * Animations of a package: each part's clips find the entry's nodes by their indices, and play once all are there.
 *
 * Rule: a clip names objects of the entry by their uuid, never by a name that a file says; what moves nothing is left out.
 */

import { type AnimationClip, type KeyframeTrack, type Object3D } from "three";

import { fields, list, type Notes } from "../json";
import { type LoadedFile, loadFile } from "../load";
import type { Arrived } from "./sharpen";
import { PartUnusable } from "./unusable";

/** Clips of one scene that play at all. */
const MOST_CLIPS = 200;

export class AnimationGatherer {
  private readonly clips = new Map<number, AnimationClip>();

  constructor(private readonly file: LoadedFile) {}

  /** Takes a part's clips; answers all of the scene's once none is missing, else null. Raises `PartUnusable`. */
  async take({ part: { targets }, targets: wanted, bytes, animations }: Arrived, notes: Notes): Promise<AnimationClip[] | null> {
    const part = await loadFile(bytes, { notes }).catch((error: unknown) => {
      throw new PartUnusable(error instanceof Error ? error.message : "it cannot be read");
    });
    if (list(part.json["nodes"]).length !== list(this.file.json["nodes"]).length) throw new PartUnusable("it moves the nodes of another scene");
    if (part.animations.length < targets.length) throw new PartUnusable("it holds fewer animations than it names");
    const ours = new Set(wanted.map(({ pointer }) => pointer));
    const names = indices(part);
    targets.forEach(({ pointer, index }, at) => {
      const clip = part.animations[at];
      if (ours.has(pointer) && clip !== undefined) this.clips.set(index, this.retarget(clip, names));
    });
    const all = Array.from({ length: animations }, (_, index) => this.clips.get(index));
    if (all.includes(undefined)) return null;
    return (all as AnimationClip[]).filter(({ tracks }) => tracks.length > 0).slice(0, MOST_CLIPS);
  }

  private retarget(clip: AnimationClip, names: ReadonlyMap<string, number>): AnimationClip {
    clip.tracks = clip.tracks.flatMap((track) => {
      const dot = track.name.lastIndexOf(".");
      const node = this.file.node(names.get(track.name.slice(0, dot)) ?? -1);
      const path = track.name.slice(dot + 1);
      if (node === null) return [];
      return path === "morphTargetInfluences" ? morphTracks(track, node, this.file) : [named(track, node, path)];
    });
    return clip;
  }
}

/** What the loader calls a part's nodes in its tracks → their indices. */
function indices(part: LoadedFile): Map<string, number> {
  const found = new Map<string, number>();
  list(part.json["nodes"]).forEach((_, index) => {
    const node = part.node(index);
    if (node !== null) found.set(node.name === "" ? node.uuid : node.name, index);
  });
  return found;
}

/** A track for each primitive of the node's mesh that has as many targets as the track has weights. */
function morphTracks(track: KeyframeTrack, node: Object3D, file: LoadedFile): KeyframeTrack[] {
  const own = node.children.filter((child) => fields(file.parser.associations.get(child))["nodes"] === undefined);
  return [node, ...own].flatMap((object) => {
    const count = (object as { morphTargetInfluences?: number[] }).morphTargetInfluences?.length ?? 0;
    const each = track.values.length / track.times.length;
    // A cubic spline has two tangents beside each value.
    return count > 0 && (each === count || each === 3 * count) ? [named(track.clone(), object, "morphTargetInfluences")] : [];
  });
}

function named(track: KeyframeTrack, object: Object3D, path: string): KeyframeTrack {
  track.name = `${object.uuid}.${path}`;
  return track;
}

/** The objects that clips of ours move, turn or scale. */
export function movedBy(clips: readonly AnimationClip[], file: LoadedFile): Set<Object3D> {
  const names = new Set(clips.flatMap(({ tracks }) => tracks.map(({ name }) => name.slice(0, name.lastIndexOf(".")))));
  const moved = new Set<Object3D>();
  file.root.traverse((object) => names.has(object.uuid) && moved.add(object));
  return moved;
}
