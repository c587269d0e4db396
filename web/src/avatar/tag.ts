/**
 * Name tags: a name on a dark pill over a head.
 *
 * Rule: a tag stays readable at any distance that it is shown at, and fades before it becomes clutter.
 */

import { CanvasTexture, LinearFilter, Sprite, SpriteMaterial, SRGBColorSpace } from "three";

/** Pixels of the canvas: sharp at the largest size on a dense screen. */
const LINE = 64;
const FONT = `500 ${LINE * 0.56}px system-ui, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", sans-serif`;
const PADDING = LINE * 0.36;
const LONGEST = 720;
/** Height in metres at arm's length, growth per metre of distance, and the most. */
const SMALLEST = 0.1;
const PER_METRE = 0.024;
const TALLEST = 0.62;
/** Metres between which it fades away. */
const FADE_FROM = 28;
const GONE = 40;

export class NameTag {
  readonly sprite: Sprite;
  private readonly material: SpriteMaterial;
  private aspect = 1;
  private shown = "";
  private speaking = false;

  constructor(name: string) {
    this.material = new SpriteMaterial({ transparent: true, depthWrite: false, fog: false, toneMapped: false });
    this.sprite = new Sprite(this.material);
    this.sprite.renderOrder = 2000;
    this.sprite.center.set(0.5, 0);
    this.set(name, false);
  }

  set(name: string, speaking: boolean): void {
    if (name === this.shown && speaking === this.speaking) return;
    [this.shown, this.speaking] = [name, speaking];
    const canvas = draw(name, speaking);
    this.aspect = canvas.width / canvas.height;
    this.material.map?.dispose();
    const map = new CanvasTexture(canvas);
    map.colorSpace = SRGBColorSpace;
    map.minFilter = LinearFilter;
    map.generateMipmaps = false;
    this.material.map = map;
    this.material.needsUpdate = true;
  }

  /** Fits size and fading to a camera `distance` metres away. */
  fit(distance: number): void {
    const height = Math.min(SMALLEST + PER_METRE * distance, TALLEST);
    this.sprite.scale.set(height * this.aspect, height, 1);
    this.material.opacity = Math.min(Math.max((GONE - distance) / (GONE - FADE_FROM), 0), 1);
    this.sprite.visible = this.material.opacity > 0.02;
  }

  dispose(): void {
    this.material.map?.dispose();
    this.material.dispose();
    this.sprite.removeFromParent();
  }
}

function draw(name: string, speaking: boolean): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d") as CanvasRenderingContext2D;
  context.font = FONT;
  const width = Math.min(Math.ceil(context.measureText(name).width), LONGEST);
  canvas.width = Math.ceil(width + PADDING * 2);
  canvas.height = LINE;
  context.font = FONT;
  context.beginPath();
  context.roundRect(2, 2, canvas.width - 4, LINE - 4, (LINE - 4) / 2);
  context.fillStyle = "rgba(16, 20, 30, 0.72)";
  context.fill();
  if (speaking) {
    context.lineWidth = 4;
    context.strokeStyle = "#7ee0a1";
    context.stroke();
  }
  context.fillStyle = "#fff";
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(name, canvas.width / 2, LINE / 2 + 2, width);
  return canvas;
}
