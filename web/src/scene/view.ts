/**
 * The view: WebGL, the picture's size and its sharpness.
 *
 * Rule: one renderer for the life of a world; the pixel ratio follows the frame time in steps, slowly, and a lost context
 * comes back without anybody noticing more than a still picture.
 */

import { NeutralToneMapping, PerspectiveCamera, Scene, SRGBColorSpace, WebGLRenderer } from "three";

import { Transcoder } from "./blocks";

/** Pixel ratios that are tried, sharpest first; each halves the work or a little less. */
const STEPS = [2, 1.5, 1.2, 1, 0.8, 0.65, 0.5];
/** Milliseconds of a frame above which it goes a step down, and below which it may go up again. */
const TOO_SLOW = 30;
const FAST_ENOUGH = 18;
/** Seconds that it must be so; and that a step which was too slow is not tried again. */
const DOWN_AFTER = 1.2;
const UP_AFTER = 5;
const AVOID_FOR = 60;
/** Milliseconds beyond which a frame is a stall (loading, hidden tab) and says nothing about the machine. */
const STALL = 400;

export class View {
  readonly renderer: WebGLRenderer;
  readonly transcoder: Transcoder;
  readonly scene = new Scene();
  readonly camera = new PerspectiveCamera(62, 1, 0.08, 2000);
  fps = 0;
  private readonly quality: Quality;
  private readonly listeners = new AbortController();
  private readonly observer: ResizeObserver;
  private lost = false;

  constructor(private readonly canvas: HTMLCanvasElement, ratio: "auto" | number, onRestored: () => void) {
    this.renderer = makeRenderer(canvas);
    this.transcoder = new Transcoder(this.renderer);
    this.renderer.outputColorSpace = SRGBColorSpace;
    // Khronos' neutral tone mapping: colours stay those that the scene's author chose.
    this.renderer.toneMapping = NeutralToneMapping;
    this.quality = new Quality(ratio, Math.min(window.devicePixelRatio || 1, 2));
    const { signal } = this.listeners;
    canvas.addEventListener("webglcontextlost", (event) => {
      event.preventDefault();
      this.lost = true;
    }, { signal });
    canvas.addEventListener("webglcontextrestored", () => {
      this.lost = false;
      onRestored();
    }, { signal });
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(canvas);
    this.resize();
  }

  get pixelRatio(): number {
    return this.quality.ratio;
  }

  /** Draws; `seconds` since the last frame. */
  draw(seconds: number): void {
    const ms = seconds * 1000;
    if (ms > 0 && ms < STALL) this.fps += (1 / seconds - this.fps) * 0.08;
    if (this.quality.frame(ms)) this.resize();
    if (!this.lost) this.renderer.render(this.scene, this.camera);
  }

  /** Compiles what will be shown, so that the first steps do not stutter. */
  async compile(): Promise<void> {
    if (!this.lost) await this.renderer.compileAsync(this.scene, this.camera);
  }

  dispose(): void {
    this.listeners.abort();
    this.observer.disconnect();
    this.transcoder.dispose();
    this.renderer.dispose();
  }

  private resize(): void {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (width === 0 || height === 0) return;
    this.renderer.setPixelRatio(this.quality.ratio);
    this.renderer.setSize(width, height, false);
    this.camera.aspect = width / height;
    // On a tall phone the same vertical angle would leave a slit of the world.
    this.camera.fov = this.camera.aspect < 1 ? 74 : 62;
    this.camera.updateProjectionMatrix();
  }
}

function makeRenderer(canvas: HTMLCanvasElement): WebGLRenderer {
  try {
    return new WebGLRenderer({ canvas, antialias: true, powerPreference: "high-performance", stencil: false });
  } catch {
    throw new Error("This browser cannot show 3D worlds: it has no WebGL 2.");
  }
}

/** Chooses the pixel ratio from frame times. */
export class Quality {
  private readonly steps: number[];
  private step = 0;
  private slow = 0;
  private fast = 0;
  private clock = 0;
  private readonly avoidUntil: number[];

  constructor(ratio: "auto" | number, device: number) {
    this.steps = ratio === "auto" ? [device, ...STEPS.filter((step) => step < device)] : [ratio];
    this.avoidUntil = this.steps.map(() => 0);
  }

  get ratio(): number {
    return this.steps[this.step] as number;
  }

  /** Takes a frame's milliseconds; answers whether the ratio changed. */
  frame(ms: number): boolean {
    if (ms <= 0 || ms > STALL) return false;
    const seconds = ms / 1000;
    this.clock += seconds;
    this.slow = ms > TOO_SLOW ? this.slow + seconds : Math.max(0, this.slow - seconds);
    this.fast = ms < FAST_ENOUGH ? this.fast + seconds : 0;
    if (this.slow > DOWN_AFTER && this.step < this.steps.length - 1) {
      this.avoidUntil[this.step] = this.clock + AVOID_FOR;
      return this.go(this.step + 1);
    }
    if (this.fast > UP_AFTER && this.step > 0 && (this.avoidUntil[this.step - 1] as number) <= this.clock) return this.go(this.step - 1);
    return false;
  }

  private go(step: number): boolean {
    this.step = step;
    this.slow = this.fast = 0;
    return true;
  }
}
