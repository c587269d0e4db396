/**
 * Input: keys, mouse and touch become intentions.
 *
 * Rule: a frame asks once what is wanted and gets it all; nothing here knows what a wish does. Keys typed into a text field
 * are never ours. WASD and the up and down arrows walk, left and right arrows turn, so that one hand is enough.
 */

export interface Intent {
  /** −1..1 each: forwards and to the right. */
  forward: number;
  right: number;
  run: boolean;
  jump: boolean;
  /** Radians to turn by: left and up are positive. */
  turn: number;
  pitch: number;
  /** Steps of the wheel: positive goes nearer. */
  zoom: number;
  /** Pressed since the last frame: V view, E use, digit keys gestures. */
  toggleView: boolean;
  use: boolean;
  gesture: number | null;
}

/** Radians per pixel of mouse and finger, and per second of an arrow key. */
const MOUSE_TURN = 0.0034;
const TOUCH_TURN = 0.006;
const KEY_TURN = 2.1;
/** Pixels of thumb travel that mean full speed, and beyond which one runs. */
const THUMB_FULL = 56;
const THUMB_RUN = 92;
/** Milliseconds and pixels within which a touch is a tap: jump. */
const TAP_TIME = 220;
const TAP_SLIP = 12;

const HELD = new Set(["KeyW", "KeyA", "KeyS", "KeyD", "ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "ShiftLeft", "ShiftRight"]);

interface Touch {
  id: number;
  startX: number;
  startY: number;
  x: number;
  y: number;
  since: number;
}

export class Input {
  private readonly held = new Set<string>();
  private readonly listeners = new AbortController();
  private pressed = { jump: false, toggleView: false, use: false, gesture: null as number | null };
  private look = { turn: 0, pitch: 0, zoom: 0 };
  private thumb: Touch | null = null;
  private finger: Touch | null = null;
  private dragging: number | null = null;
  private active = true;

  constructor(private readonly canvas: HTMLCanvasElement) {
    const { signal } = this.listeners;
    canvas.style.touchAction = "none";
    if (canvas.tabIndex < 0) canvas.tabIndex = 0;
    window.addEventListener("keydown", (event) => this.keyDown(event), { signal });
    window.addEventListener("keyup", (event) => this.held.delete(event.code), { signal });
    window.addEventListener("blur", () => this.release(), { signal });
    canvas.addEventListener("pointerdown", (event) => this.pointerDown(event), { signal });
    canvas.addEventListener("pointermove", (event) => this.pointerMove(event), { signal });
    for (const end of ["pointerup", "pointercancel"] as const) canvas.addEventListener(end, (event) => this.pointerUp(event), { signal });
    canvas.addEventListener("wheel", (event) => this.wheel(event), { signal, passive: false });
    canvas.addEventListener("contextmenu", (event) => event.preventDefault(), { signal });
    canvas.addEventListener("dblclick", () => void this.toggleLock(), { signal });
  }

  /** False: keys go nowhere, and those held are let go. */
  set enabled(enabled: boolean) {
    this.active = enabled;
    if (!enabled) this.release();
  }

  /** What is wanted in a frame of `seconds`; what was pressed is answered once. */
  take(seconds: number): Intent {
    const axis = (positive: string, negative: string): number => Number(this.held.has(positive)) - Number(this.held.has(negative));
    const clamp = (value: number): number => Math.min(Math.max(value, -1), 1);
    const thumb = this.thumbPush();
    const intent: Intent = {
      forward: clamp(axis("KeyW", "KeyS") + axis("ArrowUp", "ArrowDown") + thumb.forward),
      right: clamp(axis("KeyD", "KeyA") + thumb.right),
      run: this.held.has("ShiftLeft") || this.held.has("ShiftRight") || thumb.run,
      ...this.pressed,
      turn: this.look.turn + axis("ArrowLeft", "ArrowRight") * KEY_TURN * seconds,
      pitch: this.look.pitch,
      zoom: this.look.zoom,
    };
    this.pressed = { jump: false, toggleView: false, use: false, gesture: null };
    this.look = { turn: 0, pitch: 0, zoom: 0 };
    return intent;
  }

  dispose(): void {
    this.listeners.abort();
    if (document.pointerLockElement === this.canvas) document.exitPointerLock();
  }

  private release(): void {
    this.held.clear();
    this.thumb = this.finger = null;
    this.dragging = null;
  }

  private keyDown(event: KeyboardEvent): void {
    if (!this.active || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (HELD.has(event.code)) {
      this.held.add(event.code);
      if (event.code.startsWith("Arrow")) event.preventDefault();
      return;
    }
    if (event.repeat) return;
    if (event.code === "Space" && !isControl(event.target)) {
      this.pressed.jump = true;
      event.preventDefault();
    }
    if (event.code === "KeyV") this.pressed.toggleView = true;
    if (event.code === "KeyE") this.pressed.use = true;
    if (event.code === "KeyL") void this.toggleLock();
    if (/^Digit[1-9]$/.test(event.code)) this.pressed.gesture = Number(event.code.slice(5));
  }

  private pointerDown(event: PointerEvent): void {
    this.canvas.focus({ preventScroll: true });
    this.canvas.setPointerCapture(event.pointerId);
    if (event.pointerType !== "touch") {
      this.dragging = event.pointerId;
      return;
    }
    const touch = { id: event.pointerId, startX: event.clientX, startY: event.clientY, x: event.clientX, y: event.clientY, since: event.timeStamp };
    const { left, width } = this.canvas.getBoundingClientRect();
    if (event.clientX - left < width / 2 && this.thumb === null) this.thumb = touch;
    else this.finger ??= touch;
  }

  private pointerMove(event: PointerEvent): void {
    if (document.pointerLockElement === this.canvas || event.pointerId === this.dragging) {
      this.look.turn -= event.movementX * MOUSE_TURN;
      this.look.pitch -= event.movementY * MOUSE_TURN;
    }
    if (event.pointerId === this.finger?.id) {
      this.look.turn -= (event.clientX - this.finger.x) * TOUCH_TURN;
      this.look.pitch -= (event.clientY - this.finger.y) * TOUCH_TURN;
    }
    for (const touch of [this.thumb, this.finger]) {
      if (touch?.id === event.pointerId) [touch.x, touch.y] = [event.clientX, event.clientY];
    }
  }

  private pointerUp(event: PointerEvent): void {
    for (const touch of [this.thumb, this.finger]) {
      if (touch?.id !== event.pointerId) continue;
      const slip = Math.hypot(touch.x - touch.startX, touch.y - touch.startY);
      if (this.active && slip < TAP_SLIP && event.timeStamp - touch.since < TAP_TIME) this.pressed.jump = true;
    }
    if (this.thumb?.id === event.pointerId) this.thumb = null;
    if (this.finger?.id === event.pointerId) this.finger = null;
    if (this.dragging === event.pointerId) this.dragging = null;
  }

  private wheel(event: WheelEvent): void {
    event.preventDefault();
    // Lines and pixels both come; a notch of a wheel is three lines or about 100 pixels.
    this.look.zoom -= event.deltaMode === WheelEvent.DOM_DELTA_LINE ? event.deltaY / 3 : event.deltaY / 100;
  }

  private thumbPush(): { forward: number; right: number; run: boolean } {
    if (this.thumb === null || !this.active) return { forward: 0, right: 0, run: false };
    const [dx, dy] = [this.thumb.x - this.thumb.startX, this.thumb.y - this.thumb.startY];
    const reach = Math.hypot(dx, dy);
    const scale = reach < 6 ? 0 : Math.min(reach / THUMB_FULL, 1) / reach;
    return { forward: -dy * scale, right: dx * scale, run: reach > THUMB_RUN };
  }

  /** Double click or L: the pointer steers without a button held; Escape always gives it back. */
  private async toggleLock(): Promise<void> {
    if (document.pointerLockElement === this.canvas) return document.exitPointerLock();
    try {
      await this.canvas.requestPointerLock?.();
    } catch {
      // Refused (too soon after Escape, or not allowed in this frame): dragging still works.
    }
  }
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

/** Space presses a focused button; it must not jump as well. */
function isControl(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest("button, a, summary, [role=button]") !== null;
}
