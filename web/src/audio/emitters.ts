/**
 * Audio emitters as a scene writes them: KHR_audio_emitter, and the older KHR_audio of the same shape.
 *
 * Rule: reading only; every number is bounded, every index is in range, and what points nowhere is not there.
 */

import { extension, type Fields, fields, index, list, number, text } from "../scene/json";

export interface Source {
  /** Which of the file's sounds, as `soundKey` says; `view` is the buffer view that holds it, null when it lies in another file. */
  audio: string;
  view: number | null;
  autoplay: boolean;
  loop: boolean;
  gain: number;
  rate: number;
}

export interface Emitter {
  /** The node that it sits on; null: everywhere. */
  node: number | null;
  gain: number;
  sources: Source[];
  positional: {
    model: DistanceModelType;
    refDistance: number;
    maxDistance: number;
    rolloff: number;
    /** Degrees, as Web Audio has them. */
    innerAngle: number;
    outerAngle: number;
    outerGain: number;
  } | null;
}

/** Gain of one emitter or source at most: 6 dB above full. */
const LOUDEST = 2;
const MOST_EMITTERS = 64;
const MODELS: readonly string[] = ["linear", "inverse", "exponential"];

/** What names a sound: each of the two extensions has a list of its own. */
export function soundKey(extension: string, index: number): string {
  return `${extension}/${index}`;
}

/** All emitters that are placed on a node or on the shown scene. */
export function readEmitters(json: Fields): Emitter[] {
  return ["KHR_audio_emitter", "KHR_audio"].flatMap((name) => readExtension(json, name)).slice(0, MOST_EMITTERS);
}

function readExtension(json: Fields, name: string): Emitter[] {
  const root = fields(fields(json["extensions"])[name]);
  const views = list(json["bufferViews"]).length;
  const audio = list(root["audio"]).map((sound) => index(fields(sound)["bufferView"], views));
  const sources = list(root["sources"]).map((source) => readSource(fields(source), audio, name));
  const emitters = list(root["emitters"]).map(fields);
  const place = (holder: unknown, node: number | null): Emitter[] => {
    const named = extension(holder, name);
    const all = [named?.["emitter"], ...list(named?.["emitters"])];
    return all.flatMap((at) => {
      const found = index(at, emitters.length);
      return found === null ? [] : [readEmitter(emitters[found] as Fields, sources, node)];
    });
  };
  const scene = list(json["scenes"])[Number(json["scene"] ?? 0)];
  return [...place(scene, null), ...list(json["nodes"]).flatMap((node, at) => place(node, at))];
}

function readSource(source: Fields, audio: readonly (number | null)[], extension: string): Source | null {
  const at = index(source["audio"], audio.length);
  if (at === null) return null;
  return {
    audio: soundKey(extension, at),
    view: audio[at] ?? null,
    autoplay: (source["autoplay"] ?? source["autoPlay"]) === true,
    loop: source["loop"] === true,
    gain: number(source["gain"], 1, 0, LOUDEST),
    rate: number(source["playbackRate"], 1, 0.1, 4),
  };
}

function readEmitter(emitter: Fields, sources: readonly (Source | null)[], node: number | null): Emitter {
  const positional = fields(emitter["positional"]);
  const degrees = (value: unknown): number => (number(value, 2 * Math.PI, 0, 2 * Math.PI) * 180) / Math.PI;
  const model = text(positional["distanceModel"]);
  const isPositional = emitter["type"] === "positional" && node !== null;
  return {
    node,
    gain: number(emitter["gain"], 1, 0, LOUDEST),
    sources: list(emitter["sources"]).flatMap((at) => sources[index(at, sources.length) ?? -1] ?? []),
    positional: isPositional
      ? {
          model: (MODELS.includes(model) ? model : "inverse") as DistanceModelType,
          refDistance: number(positional["refDistance"], 1, 0.01, 1e4),
          // 0 is the extension's "no limit".
          maxDistance: number(positional["maxDistance"], 0, 0, 1e5) || 1e5,
          rolloff: number(positional["rolloffFactor"], 1, 0, 100),
          innerAngle: degrees(positional["coneInnerAngle"]),
          outerAngle: degrees(positional["coneOuterAngle"]),
          outerGain: number(positional["coneOuterGain"], 0, 0, 1),
        }
      : null,
  };
}
