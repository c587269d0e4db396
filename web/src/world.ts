/**
 * The world one stands in, as the session knows it: what it is told, what it tells, and in which units.
 *
 * Rule: types only, so that whoever speaks of a world does not load the code that draws one (`canvas.ts`); nothing here
 * knows Matrix or the wire: poses are plain `Pose` values, scenes are bytes.
 */

import type { Pose } from "./netcode/pose";
import type { Arrived } from "./scene/package/sharpen";

/** What the embedder may decide; everything has a default. */
export interface WorldOptions {
  /** Avatar file (.glb) of one's own body, same-origin or blob URL. Changing later: `setSelf`. */
  avatarUrl?: string;
  /** Start in first person instead of over the shoulder (default false). */
  firstPerson?: boolean;
  /** Render resolution: "auto" steps the pixel ratio by frame time, a number fixes it (default "auto"). */
  pixelRatio?: "auto" | number;
  /** Master volume of the scene's sound, 0..1 (default 0.6). */
  volume?: number;
  /** Read-only world: no input, the camera circles slowly (a preview behind the entry form; default false). */
  preview?: boolean;
}

/** Someone else as the world needs to know them; where they are comes by `movePeer`. */
export interface PeerLook {
  /** The shown name, already cleaned and told apart by the server. */
  name: string;
  /** Avatar file; without one, or when it is broken, a capsule in a colour of their own stands in. */
  avatarUrl?: string;
}

/** How loading goes: `done` and `total` share a unit that only the ratio of matters; `stage` is for the eye. */
export interface LoadProgress {
  done: number;
  total: number;
  stage: "reading" | "textures" | "colliders" | "shaders" | "ready";
}

/** What `load` found. */
export interface LoadReport {
  /** The scene's own title, when its file names one (asset.extras.title, scene name). */
  title: string | null;
  /** Where a visitor will stand: feet in metres, and yaw in radians. */
  spawn: { position: [number, number, number]; yaw: number };
  /** Which of the scenes that were loaded it is, for `sharpen`. */
  stage: number;
  /** Triangles that can be walked on or bumped into. */
  colliders: number;
  meshes: number;
  triangles: number;
  portals: { uri: string; title: string }[];
  seats: number;
  /** What was skipped, mended or guessed; one line each, for people. */
  notes: string[];
}

/** One's own pose, and what a pose does not say. */
export interface SelfState extends Pose {
  grounded: boolean;
  /** Horizontal speed in m/s, as measured. */
  speed: number;
}

/** Figures for the numeric hook and the settings panel. */
export interface WorldStats {
  fps: number;
  drawCalls: number;
  triangles: number;
  /** Triangles in the collision tree. */
  colliders: number;
  spawn: [number, number, number];
  /** The pixel ratio that the quality steps have come to. */
  pixelRatio: number;
  geometries: number;
  textures: number;
  /** Pixels on the longer side of the scene's largest texture, and of the largest that the GPU takes. */
  sharpest: number;
  largestTexture: number;
  /** Animations of the scene that play. */
  animations: number;
  /** Seconds of the longest sound that plays. */
  sound: number;
  /** Sound: "none" in the scene, "locked" until a gesture, "playing", or "failed" (see notes). */
  audio: "none" | "locked" | "playing" | "failed";
  notes: string[];
}

/** A peer as shown right now. */
export interface ShownPeer {
  position: [number, number, number];
  yaw: number;
  /** The clip with the greatest weight: "idle", "walk", "run", "wave", or "none" for the stand-in. */
  clip: string;
}

export type Unsubscribe = () => void;

export interface World {
  /**
   * Replaces what is shown by the scene in `entry` (bytes of a .glb, or of a self-contained .gltf). Peers and one's own
   * body stay, and whoever is inside stays where they are if there is ground; until it is ready, and when it fails, the
   * old scene stands. Raises `SceneUnreadable` when nothing can be shown; all lesser faults are notes.
   */
  load(entry: ArrayBuffer, onProgress?: (progress: LoadProgress) => void): Promise<LoadReport>;
  /**
   * Puts a part of a package in its place, in the scene that `load` reported as `stage`; nothing, if that one is gone.
   * Raises `PartUnusable` for what does not fit: then all is as it was.
   */
  sharpen(stage: number, arrived: Arrived): Promise<void>;
  /** Puts one's body into the world, at `pose` (coming back) or at the scene's spawn; from then on input moves it. */
  enter(pose?: Pose): void;
  /** One's own name tag is never drawn; the avatar is. */
  setSelf(look: { avatarUrl?: string }): void;
  self(): SelfState;
  /** Who is here, wholly: ids that are missing leave, new ones appear at their first `movePeer`. */
  setPeers(peers: ReadonlyMap<number, PeerLook>): void;
  /** Where someone is shown in this frame; unknown ids are ignored. */
  movePeer(id: number, shown: Pose): void;
  /** What is drawn for a peer, or null when there is none or it has no pose yet. */
  peer(id: number): ShownPeer | null;
  /** Called once a frame before drawing, with performance.now(): the place to call `movePeer`. */
  onFrame(callback: (nowMs: number) => void): Unsubscribe;
  /** False while a text field has the keyboard: keys go nowhere and those held are let go. */
  setInputEnabled(enabled: boolean): void;
  /** Someone walked into a portal; once until they have left its volume again. */
  onPortal(callback: (uri: string, title: string) => void): Unsubscribe;
  /** A short line for the eye, e.g. "E: sit down"; null takes it away. */
  onHint(callback: (text: string | null) => void): Unsubscribe;
  /** Plays a gesture on one's own body, and carries it in `self().gesture`: 0 none, 1 wave. */
  gesture(code: number): void;
  /** Sound may start now: call from within a click or key handler (Enter button). */
  unlockAudio(): void;
  setVolume(volume: number): void;
  stats(): WorldStats;
  dispose(): void;
}
