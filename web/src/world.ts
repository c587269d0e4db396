/**
 * The world one stands in: scene, one's own body, the others, light and sound, behind one interface.
 *
 * Owns the canvas and everything drawn on it. Its one rule: it knows neither Matrix nor the wire; poses come in and go
 * out as plain `Pose` values, scenes as bytes, and whatever is wrong with a scene becomes a note, never an exception
 * (only an entry that cannot be read at all raises `SceneUnreadable`).
 */

import { Color, type Fog } from "three";

import { soundKey } from "./audio/emitters";
import { AudioScene } from "./audio/scene";
import { Crowd } from "./avatar/crowd";
import { Figure } from "./avatar/figure";
import { AvatarLibrary } from "./avatar/library";
import { Shadows } from "./avatar/shadows";
import { ORIGIN, type Pose } from "./netcode/pose";
import { Notes } from "./scene/json";
import { largestSide } from "./scene/package/images";
import type { Arrived } from "./scene/package/sharpen";
import { PortalWatch } from "./scene/portals";
import { buildStage, type Stage } from "./scene/stage";
import { settle, type Spot, startNear } from "./scene/spawn";
import { View } from "./scene/view";
import { Input } from "./walk/input";
import { Visitor } from "./walk/visitor";

export { PartUnusable } from "./scene/package/unusable";
export { SceneUnreadable } from "./scene/unreadable";

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

/** Takes the canvas over. Raises `Error` with one line for people when the browser has no WebGL 2. */
export function createWorld(canvas: HTMLCanvasElement, options: WorldOptions = {}): World {
  return new CanvasWorld(canvas, options);
}

/** Seconds of a frame at most: after a stall the world goes on slowly instead of leaping. */
const LONGEST_FRAME = 0.25;
/** Radians per second at which the picture turns before one has entered. */
const PREVIEW_TURN = 0.05;
/** Metres from the camera below which one's own body would only be in the way. */
const OWN_BODY_FROM = 0.75;

class CanvasWorld implements World {
  private readonly notes = new Notes();
  private readonly view: View;
  private readonly input: Input;
  private readonly library = new AvatarLibrary(this.notes);
  private readonly crowd = new Crowd(this.library);
  private readonly shadows = new Shadows();
  private readonly own = new Figure("self");
  private readonly audio: AudioScene;
  private readonly frames = new Set<(nowMs: number) => void>();
  private readonly portalListeners = new Set<(uri: string, title: string) => void>();
  private readonly hintListeners = new Set<(text: string | null) => void>();
  private stage: Stage | null = null;
  private stageNotes = new Notes();
  private visitor: Visitor | null = null;
  private portals = new PortalWatch([]);
  private entered = false;
  private ownUrl: string | undefined;
  private hint: string | null = null;
  private start: Spot | null = null;
  private lastFrame = 0;
  private loading = 0;
  private standing = 0;
  private disposed = false;
  private readonly listeners = new AbortController();

  constructor(canvas: HTMLCanvasElement, private readonly options: WorldOptions) {
    this.view = new View(canvas, options.pixelRatio ?? "auto", () => this.stage?.refresh(this.view));
    this.input = new Input(canvas);
    this.audio = new AudioScene(this.view.camera, options.volume ?? 0.6);
    const { scene } = this.view;
    scene.background = new Color(0x14161c);
    scene.add(this.crowd.group, this.shadows.mesh, this.own.group);
    this.own.group.visible = false;
    this.setSelf(options.avatarUrl === undefined ? {} : { avatarUrl: options.avatarUrl });
    this.view.renderer.setAnimationLoop((now) => this.frame(now));
    // Sound may also have been refused, or interrupted: the next gesture inside tries again.
    const retry = (): void => void (this.entered && this.audio.unlock());
    for (const gesture of ["pointerdown", "keydown"]) window.addEventListener(gesture, retry, { signal: this.listeners.signal });
  }

  async load(entry: ArrayBuffer, onProgress: (progress: LoadProgress) => void = () => undefined): Promise<LoadReport> {
    const turn = ++this.loading;
    const notes = new Notes();
    onProgress({ done: 0, total: 100, stage: "reading" });
    const stage = await buildStage(entry, {
      notes,
      renderer: this.view.renderer,
      onStage: (name) => onProgress({ done: name === "textures" ? 10 : 70, total: 100, stage: name }),
      onSky: (environment) => {
        if (turn === this.standing) this.view.scene.environment = environment;
      },
      onSound: async (target, bytes) => {
        if (turn === this.standing) await this.audio.replace(soundKey(target.extension, target.index), bytes);
      },
      onProgress: (done, total) => onProgress({ done: 10 + (60 * done) / total, total: 100, stage: "textures" }),
    });
    if (turn !== this.loading || this.disposed) {
      stage.dispose();
      throw new Error("Another scene was opened meanwhile.");
    }
    this.standing = turn;
    this.show(stage, notes);
    onProgress({ done: 85, total: 100, stage: "shaders" });
    await this.view.compile();
    onProgress({ done: 100, total: 100, stage: "ready" });
    return this.report(stage, notes);
  }

  async sharpen(stage: number, arrived: Arrived): Promise<void> {
    if (stage === this.standing && !this.disposed) await this.stage?.sharpener.apply(arrived);
  }

  enter(pose?: Pose): void {
    if (this.visitor === null || this.stage === null) return;
    const spot = pose ?? startNear(this.stage.tree, this.start ?? ORIGIN);
    this.visitor.place(spot.x, spot.y, spot.z, spot.yaw);
    this.visitor.camera.firstPerson = this.options.firstPerson ?? false;
    this.entered = this.options.preview !== true;
    this.own.group.visible = this.entered;
    if (this.entered && navigator.userActivation?.hasBeenActive) this.audio.unlock();
  }

  setSelf({ avatarUrl }: { avatarUrl?: string }): void {
    this.ownUrl = avatarUrl;
    if (avatarUrl === undefined) return this.own.wear(null);
    void this.library.get(avatarUrl).then((file) => {
      if (this.ownUrl === avatarUrl && !this.disposed) this.own.wear(file);
    });
  }

  self(): SelfState {
    const { visitor } = this;
    if (visitor === null) return { ...ORIGIN, grounded: false, speed: 0 };
    return { ...visitor.pose, grounded: visitor.grounded, speed: visitor.speed };
  }

  setPeers(peers: ReadonlyMap<number, PeerLook>): void {
    this.crowd.set(peers);
  }

  movePeer(id: number, shown: Pose): void {
    this.crowd.move(id, shown, performance.now());
  }

  peer(id: number): ShownPeer | null {
    return this.crowd.shown(id);
  }

  onFrame(callback: (nowMs: number) => void): Unsubscribe {
    return subscribe(this.frames, callback);
  }

  onPortal(callback: (uri: string, title: string) => void): Unsubscribe {
    return subscribe(this.portalListeners, callback);
  }

  onHint(callback: (text: string | null) => void): Unsubscribe {
    return subscribe(this.hintListeners, callback);
  }

  setInputEnabled(enabled: boolean): void {
    this.input.enabled = enabled;
  }

  gesture(code: number): void {
    this.visitor?.gesture(code);
  }

  unlockAudio(): void {
    this.audio.unlock();
  }

  setVolume(volume: number): void {
    this.audio.volume = volume;
  }

  stats(): WorldStats {
    const { info } = this.view.renderer;
    const { x, y, z } = this.start ?? ORIGIN;
    return {
      fps: this.view.fps,
      drawCalls: info.render.calls,
      triangles: info.render.triangles,
      colliders: this.stage?.tree.triangles ?? 0,
      spawn: [x, y, z],
      pixelRatio: this.view.pixelRatio,
      geometries: info.memory.geometries,
      textures: info.memory.textures,
      sharpest: this.stage === null ? 0 : largestSide(this.stage.group),
      largestTexture: this.view.renderer.capabilities.maxTextureSize,
      animations: this.stage?.animations() ?? 0,
      sound: this.audio.longest,
      audio: this.audio.state,
      notes: [...this.stageNotes.lines, ...this.notes.lines],
    };
  }

  dispose(): void {
    this.disposed = true;
    this.loading++;
    this.listeners.abort();
    this.view.renderer.setAnimationLoop(null);
    this.input.dispose();
    this.audio.dispose();
    this.crowd.dispose();
    this.own.dispose();
    this.shadows.dispose();
    this.stage?.dispose();
    this.library.dispose();
    this.view.dispose();
  }

  private show(stage: Stage, notes: Notes): void {
    const { scene, camera } = this.view;
    const before = this.entered ? this.visitor : null;
    this.stage?.dispose();
    this.stage = stage;
    this.stageNotes = notes;
    scene.add(stage.group);
    scene.background = stage.sky.background;
    scene.environment = stage.sky.environment;
    scene.fog = stage.fog as Fog | null;
    this.audio.set(stage, notes);
    this.portals = new PortalWatch(stage.portals);
    this.visitor = new Visitor(camera, stage.tree, stage.seats);
    // Visitors are spread over the spawn points, so that a crowd does not arrive on one spot.
    this.start = stage.spots[Math.floor(Math.random() * stage.spots.length)] ?? null;
    const wasInside = this.entered;
    this.enter();
    this.entered = wasInside;
    this.own.group.visible = wasInside;
    if (before !== null) this.stay(before);
  }

  /** The scene has changed around somebody: they stay where they are and look where they looked, if there is ground. */
  private stay(before: Visitor): void {
    const { visitor, stage } = this;
    if (visitor === null || stage === null) return;
    const place = settle(stage.tree, before.pose);
    if (place === null) return;
    visitor.place(place.x, place.y, place.z, before.pose.yaw);
    visitor.camera.lookAs(before.camera);
  }

  private report(stage: Stage, notes: Notes): LoadReport {
    const { x, y, z, yaw } = this.start ?? ORIGIN;
    return {
      title: stage.title,
      spawn: { position: [x, y, z], yaw },
      stage: this.standing,
      colliders: stage.tree.triangles,
      meshes: stage.meshes,
      triangles: stage.triangles,
      portals: stage.portals.map(({ uri, title }) => ({ uri, title })),
      seats: stage.seats.length,
      notes: notes.lines,
    };
  }

  private frame(now: number): void {
    const seconds = this.lastFrame === 0 ? 0 : (now - this.lastFrame) / 1000;
    this.lastFrame = now;
    const step = Math.min(seconds, LONGEST_FRAME);
    this.moveSelf(step);
    for (const callback of this.frames) callback(performance.now());
    this.stage?.update(step);
    this.shadows.clear();
    const solid = this.stage?.tree ?? null;
    this.crowd.update(step, this.view.camera.position, solid, this.shadows);
    this.showSelf(step);
    this.shadows.flush();
    this.audio.update();
    this.view.draw(seconds);
  }

  private moveSelf(seconds: number): void {
    const { visitor, stage } = this;
    const intent = this.input.take(seconds);
    if (visitor === null || stage === null) return;
    if (!this.entered) {
      visitor.camera.yaw += PREVIEW_TURN * seconds;
      const { x, y, z } = visitor.pose;
      visitor.camera.follow(x, y, z, 0, stage.tree, seconds);
      return;
    }
    visitor.advance(seconds, intent);
    const { x, y, z } = visitor.pose;
    if (visitor.height < stage.bottom || !Number.isFinite(x + y + z)) this.enter();
    for (const { uri, title } of this.portals.step(x, y, z)) for (const listener of this.portalListeners) listener(uri, title);
    if (visitor.hint === this.hint) return;
    this.hint = visitor.hint;
    for (const listener of this.hintListeners) listener(this.hint);
  }

  private showSelf(seconds: number): void {
    const { visitor, own, stage } = this;
    if (visitor === null || stage === null || !this.entered) return;
    const { pose } = visitor;
    own.group.visible = visitor.camera.closeness > OWN_BODY_FROM;
    own.place(pose, seconds);
    own.animate(seconds);
    this.shadows.cast(stage.tree, pose.x, pose.y, pose.z);
  }
}

function subscribe<Callback>(to: Set<Callback>, callback: Callback): Unsubscribe {
  to.add(callback);
  return () => void to.delete(callback);
}
