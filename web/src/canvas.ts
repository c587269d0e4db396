/**
 * The world on a canvas: scene, oneself, the others, light and sound, drawn frame by frame.
 *
 * Owns the canvas and the order of a frame. Its one rule: it knows neither Matrix nor the wire, and whatever is wrong with a
 * scene becomes a note, never an exception (only an entry that cannot be read at all raises `SceneUnreadable`).
 */

import { Color, type Fog } from "three";

import { soundKey } from "./audio/emitters";
import { AudioScene } from "./audio/scene";
import { Crowd } from "./avatar/crowd";
import { AvatarLibrary } from "./avatar/library";
import { Shadows } from "./avatar/shadows";
import type { Pose } from "./netcode/pose";
import { Notes } from "./scene/json";
import { largestSide } from "./scene/package/images";
import type { Arrived } from "./scene/package/sharpen";
import { buildStage, type Stage } from "./scene/stage";
import { View } from "./scene/view";
import { Input } from "./walk/input";
import { Oneself } from "./walk/oneself";
import type { LoadProgress, LoadReport, PeerLook, SelfState, ShownPeer, Unsubscribe, World, WorldOptions, WorldStats } from "./world";

/** Takes the canvas over. Raises `Error` with one line for people when the browser has no WebGL 2. */
export function createWorld(canvas: HTMLCanvasElement, options: WorldOptions = {}): World {
  return new CanvasWorld(canvas, options);
}

/** Seconds of a frame at most: after a stall the world goes on slowly instead of leaping. */
const LONGEST_FRAME = 0.25;

class CanvasWorld implements World {
  private readonly notes = new Notes();
  private readonly view: View;
  private readonly input: Input;
  private readonly library = new AvatarLibrary(this.notes, (bytes) => this.view.transcoder.transcode(bytes));
  private readonly crowd = new Crowd(this.library);
  private readonly shadows = new Shadows();
  private readonly oneself: Oneself;
  private readonly audio: AudioScene;
  private readonly frames = new Set<(nowMs: number) => void>();
  private stage: Stage | null = null;
  private stageNotes = new Notes();
  private lastFrame = 0;
  private loading = 0;
  private standing = 0;
  private disposed = false;
  private readonly listeners = new AbortController();

  constructor(canvas: HTMLCanvasElement, private readonly options: WorldOptions) {
    this.view = new View(canvas, options.pixelRatio ?? "auto", () => this.stage?.refresh(this.view));
    this.input = new Input(canvas);
    this.audio = new AudioScene(this.view.camera, options.volume ?? 0.6);
    this.oneself = new Oneself(this.view.camera, this.library, { firstPerson: options.firstPerson ?? false, preview: options.preview ?? false });
    const { scene } = this.view;
    scene.background = new Color(0x14161c);
    scene.add(this.crowd.group, this.shadows.mesh, this.oneself.group);
    this.oneself.wear(options.avatarUrl);
    this.view.renderer.setAnimationLoop((now) => this.frame(now));
    // Sound may also have been refused, or interrupted: the next gesture inside tries again.
    const retry = (): void => void (this.oneself.inside && this.audio.unlock());
    for (const gesture of ["pointerdown", "keydown"]) window.addEventListener(gesture, retry, { signal: this.listeners.signal });
  }

  async load(entry: ArrayBuffer, onProgress: (progress: LoadProgress) => void = () => undefined): Promise<LoadReport> {
    const turn = ++this.loading;
    const notes = new Notes();
    onProgress({ done: 0, total: 100, stage: "reading" });
    const stage = await buildStage(entry, {
      notes,
      renderer: this.view.renderer,
      transcode: this.view.transcoder.transcode,
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
    this.oneself.enter(pose);
    if (this.stage !== null) this.soundIfAllowed();
  }

  setSelf({ avatarUrl }: { avatarUrl?: string }): void {
    this.oneself.wear(avatarUrl);
  }

  self(): SelfState {
    return this.oneself.state;
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
    return subscribe(this.oneself.portalListeners, callback);
  }

  onHint(callback: (text: string | null) => void): Unsubscribe {
    return subscribe(this.oneself.hintListeners, callback);
  }

  setInputEnabled(enabled: boolean): void {
    this.input.enabled = enabled;
  }

  gesture(code: number): void {
    this.oneself.gesture(code);
  }

  unlockAudio(): void {
    this.audio.unlock();
  }

  setVolume(volume: number): void {
    this.audio.volume = volume;
  }

  stats(): WorldStats {
    const { info } = this.view.renderer;
    const { x, y, z } = this.oneself.start;
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
    this.oneself.dispose();
    this.shadows.dispose();
    this.stage?.dispose();
    this.library.dispose();
    this.view.dispose();
  }

  private show(stage: Stage, notes: Notes): void {
    const { scene } = this.view;
    this.stage?.dispose();
    this.stage = stage;
    this.stageNotes = notes;
    scene.add(stage.group);
    scene.background = stage.sky.background;
    scene.environment = stage.sky.environment;
    scene.fog = stage.fog as Fog | null;
    this.audio.set(stage, notes);
    this.oneself.moveTo(stage);
    this.soundIfAllowed();
  }

  /** Whoever has pressed something on this page may hear it. */
  private soundIfAllowed(): void {
    if (this.options.preview !== true && navigator.userActivation?.hasBeenActive) this.audio.unlock();
  }

  private report(stage: Stage, notes: Notes): LoadReport {
    const { x, y, z, yaw } = this.oneself.start;
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
    this.oneself.move(step, this.input.take(step));
    for (const callback of this.frames) callback(performance.now());
    this.stage?.update(step);
    this.shadows.clear();
    const solid = this.stage?.tree ?? null;
    this.crowd.update(step, this.view.camera.position, solid, this.shadows);
    this.oneself.show(step, this.shadows);
    this.shadows.flush();
    this.audio.update();
    this.view.draw(seconds);
  }
}

function subscribe<Callback>(to: Set<Callback>, callback: Callback): Unsubscribe {
  to.add(callback);
  return () => void to.delete(callback);
}
