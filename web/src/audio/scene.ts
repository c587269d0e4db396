/**
 * Sound of a scene: KHR_audio_emitter, and the older KHR_audio, through Web Audio.
 *
 * Rule: nothing sounds before a gesture of the visitor; nothing is fetched (only audio in the file itself is played); what
 * cannot be decoded is a note and a silence. Loudness is capped, whatever a scene asks for.
 */

import { type Camera, Vector3 } from "three";

import type { Notes } from "../scene/json";
import { PartUnusable } from "../scene/package/unusable";
import type { Stage } from "../scene/stage";
import { type Emitter, readEmitters, type Source } from "./emitters";

/** Gain of all sources together: a scene can be loud, not painful. */
const LOUDEST = 1;
/** Decoded audio of a scene, in samples of all channels: 20 minutes of stereo. */
const MOST_SAMPLES = 48_000 * 2 * 60 * 20;

interface Voice {
  emitter: Emitter;
  panner: PannerNode | null;
  gain: GainNode;
  players: Map<Source, AudioBufferSourceNode>;
}

export class AudioScene {
  state: "none" | "locked" | "playing" | "failed" = "none";
  private context: AudioContext | null = null;
  private master: GainNode | null = null;
  private voices: Voice[] = [];
  private stage: Stage | null = null;
  private notes: Notes | null = null;
  /** Sounds that came after the scene, by `soundKey`. */
  private files = new Map<string, ArrayBuffer>();
  private unlocked = false;
  private turn = 0;
  private readonly at = new Vector3();
  private readonly ahead = new Vector3();

  constructor(private readonly camera: Camera, private level: number) {}

  set volume(volume: number) {
    this.level = Math.min(Math.max(volume, 0), 1);
    if (this.master !== null && this.context !== null) this.master.gain.setTargetAtTime(this.level * LOUDEST, this.context.currentTime, 0.05);
  }

  /** A new scene: the old one's sounds end. */
  set(stage: Stage, notes: Notes): void {
    this.stopAll();
    [this.stage, this.notes] = [stage, notes];
    this.files.clear();
    this.state = readEmitters(stage.file.json).length > 0 ? "locked" : "none";
    if (this.unlocked) void this.begin();
  }

  /** Seconds of the longest sound that plays. */
  get longest(): number {
    return Math.max(0, ...this.voices.flatMap(({ players }) => [...players.values()].map(({ buffer }) => buffer?.duration ?? 0)));
  }

  /** A sound of the scene is another from now on, even before any sounds. Raises `PartUnusable`. */
  async replace(key: string, bytes: ArrayBuffer): Promise<void> {
    this.files.set(key, bytes);
    const { context, notes, turn } = this;
    if (context === null || notes === null || (this.state !== "playing" && this.state !== "failed")) return;
    const buffer = await decode(context, bytes, notes);
    if (turn !== this.turn) return;
    if (buffer === null) {
      this.files.delete(key);
      throw new PartUnusable("this browser cannot decode it");
    }
    for (const voice of this.voices) {
      for (const source of voice.emitter.sources) if (source.audio === key && source.autoplay) this.play(context, voice, source, buffer);
    }
    if (this.longest > 0) this.state = "playing";
  }

  /** To be called from within a gesture. */
  unlock(): void {
    this.unlocked = true;
    if (this.context?.state === "suspended") void this.context.resume();
    if (this.state === "locked") void this.begin();
  }

  /** Follows the camera and the emitters, once a frame. */
  update(): void {
    const { context } = this;
    if (context === null || this.state !== "playing") return;
    if (document.hidden) return;
    const { listener } = context;
    this.camera.getWorldPosition(this.at);
    this.camera.getWorldDirection(this.ahead);
    if (listener.positionX !== undefined) {
      const now = context.currentTime + 0.03;
      for (const [parameter, value] of [
        [listener.positionX, this.at.x], [listener.positionY, this.at.y], [listener.positionZ, this.at.z],
        [listener.forwardX, this.ahead.x], [listener.forwardY, this.ahead.y], [listener.forwardZ, this.ahead.z],
      ] as const) parameter.linearRampToValueAtTime(value, now);
    } else {
      listener.setPosition(this.at.x, this.at.y, this.at.z);
      listener.setOrientation(this.ahead.x, this.ahead.y, this.ahead.z, 0, 1, 0);
    }
    for (const voice of this.voices) this.placeVoice(voice);
  }

  dispose(): void {
    this.stopAll();
    void this.context?.close();
    this.context = this.master = null;
    this.unlocked = false;
  }

  private async begin(): Promise<void> {
    const { stage, notes } = this;
    if (stage === null || notes === null || this.state !== "locked") return;
    const turn = ++this.turn;
    try {
      const context = (this.context ??= new AudioContext());
      this.master ??= this.makeMaster(context);
      await context.resume();
      const buffers = new Map<string, Promise<AudioBuffer | null>>();
      const known = new Set(this.files.keys());
      for (const emitter of readEmitters(stage.file.json)) {
        for (const source of emitter.sources) {
          const bytes = this.files.get(source.audio) ?? bytesOf(stage, source, notes);
          buffers.set(source.audio, buffers.get(source.audio) ?? decode(context, bytes, notes));
        }
      }
      const decoded = new Map(await Promise.all([...buffers].map(async ([at, pending]) => [at, await pending] as const)));
      if (turn !== this.turn) return;
      for (const emitter of readEmitters(stage.file.json)) this.start(context, emitter, decoded);
      this.state = this.voices.some((voice) => voice.players.size > 0) ? "playing" : "failed";
      // What came while the others were decoded.
      for (const [key, bytes] of this.files) if (!known.has(key)) void this.replace(key, bytes).catch(() => undefined);
    } catch (error) {
      this.state = "failed";
      notes.add(`The scene's sound could not be started (${error instanceof Error ? error.message : "unknown"}).`);
    }
  }

  private makeMaster(context: AudioContext): GainNode {
    const master = context.createGain();
    master.gain.value = this.level * LOUDEST;
    // Many sources at once add up: the limiter keeps them from clipping.
    const limiter = context.createDynamicsCompressor();
    limiter.threshold.value = -8;
    limiter.ratio.value = 12;
    master.connect(limiter).connect(context.destination);
    return master;
  }

  private start(context: AudioContext, emitter: Emitter, buffers: ReadonlyMap<string, AudioBuffer | null>): void {
    const gain = context.createGain();
    gain.gain.value = emitter.gain;
    const panner = emitter.positional === null ? null : makePanner(context, emitter.positional);
    (panner === null ? gain : gain.connect(panner)).connect(this.master as GainNode);
    const voice: Voice = { emitter, panner, gain, players: new Map() };
    for (const source of emitter.sources) {
      const buffer = buffers.get(source.audio) ?? null;
      if (buffer !== null && source.autoplay) this.play(context, voice, source, buffer);
    }
    this.placeVoice(voice);
    this.voices.push(voice);
  }

  /** Plays a sound from its beginning, in place of what the source played. */
  private play(context: AudioContext, { gain, players }: Voice, source: Source, buffer: AudioBuffer): void {
    players.get(source)?.stop();
    const player = context.createBufferSource();
    player.buffer = buffer;
    player.loop = source.loop;
    player.playbackRate.value = source.rate;
    const own = context.createGain();
    own.gain.value = source.gain;
    player.connect(own).connect(gain);
    player.onended = () => own.disconnect();
    player.start();
    players.set(source, player);
  }

  private placeVoice({ emitter, panner }: Voice): void {
    const node = emitter.node === null ? null : (this.stage?.file.node(emitter.node) ?? null);
    if (panner === null || node === null) return;
    node.getWorldPosition(this.at);
    // An emitter sounds along its node's −Z.
    node.getWorldDirection(this.ahead).negate();
    panner.positionX.value = this.at.x;
    panner.positionY.value = this.at.y;
    panner.positionZ.value = this.at.z;
    panner.orientationX.value = this.ahead.x;
    panner.orientationY.value = this.ahead.y;
    panner.orientationZ.value = this.ahead.z;
  }

  private stopAll(): void {
    this.turn++;
    for (const { players, gain, panner } of this.voices) {
      for (const player of players.values()) player.stop();
      gain.disconnect();
      panner?.disconnect();
    }
    this.voices = [];
    this.state = "none";
  }
}

function makePanner(context: AudioContext, positional: NonNullable<Emitter["positional"]>): PannerNode {
  const panner = context.createPanner();
  panner.panningModel = "HRTF";
  panner.distanceModel = positional.model;
  panner.refDistance = positional.refDistance;
  panner.maxDistance = positional.maxDistance;
  panner.rolloffFactor = positional.rolloff;
  panner.coneInnerAngle = positional.innerAngle;
  panner.coneOuterAngle = positional.outerAngle;
  panner.coneOuterGain = positional.outerGain;
  return panner;
}

/** What the scene's file holds for a source; null for a sound in another file. */
async function bytesOf(stage: Stage, source: Source, notes: Notes): Promise<ArrayBuffer | null> {
  if (source.view !== null) return (await stage.file.parser.getDependency("bufferView", source.view)) as ArrayBuffer;
  notes.add("A sound in another file was left out: scenes are never allowed to fetch.");
  return null;
}

async function decode(context: AudioContext, pending: ArrayBuffer | Promise<ArrayBuffer | null>, notes: Notes): Promise<AudioBuffer | null> {
  try {
    const bytes = await pending;
    if (bytes === null) return null;
    // Decoding takes the bytes away: they may be asked for again.
    const buffer = await context.decodeAudioData(bytes.slice(0));
    if (buffer.length * buffer.numberOfChannels <= MOST_SAMPLES) return buffer;
    notes.add("A sound was left out: it is too long.");
  } catch {
    notes.add("A sound could not be decoded.");
  }
  return null;
}
