/**
 * Oneself in a scene: where one arrives, stays and falls to, what one walks into, and the body that is drawn.
 *
 * Rule: one stands in one stage at a time and outlives it: when the scene changes around somebody inside, they stay where
 * they are and look where they looked, if there is ground. Until `enter` nobody is anywhere: the camera looks around.
 */

import type { PerspectiveCamera } from "three";

import { Figure } from "../avatar/figure";
import type { AvatarLibrary } from "../avatar/library";
import type { Shadows } from "../avatar/shadows";
import { ORIGIN, type Pose } from "../netcode/pose";
import { PortalWatch } from "../scene/portals";
import { settle, type Spot, startNear } from "../scene/spawn";
import type { Stage } from "../scene/stage";
import type { SelfState } from "../world";
import type { Intent } from "./input";
import { Visitor } from "./visitor";

/** Radians per second at which the picture turns before one has entered. */
const PREVIEW_TURN = 0.05;
/** Metres from the camera below which one's own body would only be in the way. */
const OWN_BODY_FROM = 0.75;

export interface OneselfOptions {
  readonly firstPerson: boolean;
  /** One looks on and never enters. */
  readonly preview: boolean;
}

export class Oneself {
  /** Told of each portal that is walked into, and of each hint that comes or goes. */
  readonly portalListeners = new Set<(uri: string, title: string) => void>();
  readonly hintListeners = new Set<(text: string | null) => void>();
  private readonly figure = new Figure("self");
  private avatarUrl: string | undefined;
  private place: { readonly stage: Stage; readonly visitor: Visitor; readonly portals: PortalWatch; readonly start: Spot } | null = null;
  private entered = false;
  private hint: string | null = null;

  constructor(
    private readonly camera: PerspectiveCamera,
    private readonly library: AvatarLibrary,
    private readonly options: OneselfOptions,
  ) {
    this.figure.group.visible = false;
  }

  get group(): Figure["group"] {
    return this.figure.group;
  }

  get inside(): boolean {
    return this.entered;
  }

  /** Where one arrives in this scene. */
  get start(): Spot {
    return this.place?.start ?? ORIGIN;
  }

  get state(): SelfState {
    if (this.place === null) return { ...ORIGIN, grounded: false, speed: 0 };
    const { visitor } = this.place;
    return { ...visitor.pose, grounded: visitor.grounded, speed: visitor.speed };
  }

  wear(avatarUrl: string | undefined): void {
    this.avatarUrl = avatarUrl;
    if (avatarUrl === undefined) return this.figure.wear(null);
    void this.library.get(avatarUrl).then((file) => {
      if (this.avatarUrl === avatarUrl) this.figure.wear(file);
    });
  }

  /** Another scene stands: one is at its start, or stays where one was. */
  moveTo(stage: Stage): void {
    const before = this.entered ? this.place?.visitor : undefined;
    const visitor = new Visitor(this.camera, stage.tree, stage.seats);
    // Visitors are spread over the spawn points, so that a crowd does not arrive on one spot.
    const start = stage.spots[Math.floor(Math.random() * stage.spots.length)] ?? ORIGIN;
    this.place = { stage, visitor, portals: new PortalWatch(stage.portals), start };
    this.arrive();
    const ground = before === undefined ? null : settle(stage.tree, before.pose);
    if (before === undefined || ground === null) return;
    visitor.place(ground.x, ground.y, ground.z, before.pose.yaw);
    visitor.camera.lookAs(before.camera);
  }

  /** From now on input moves one's body: from `pose`, or from the start. Nothing before there is a scene. */
  enter(pose?: Pose): void {
    if (this.place === null) return;
    this.arrive(pose);
    this.entered = !this.options.preview;
    this.figure.group.visible = this.entered;
  }

  gesture(code: number): void {
    this.place?.visitor.gesture(code);
  }

  /** One frame of `seconds`: walks, or looks around. */
  move(seconds: number, intent: Intent): void {
    if (this.place === null) return;
    const { stage, visitor, portals } = this.place;
    if (!this.entered) {
      visitor.camera.yaw += PREVIEW_TURN * seconds;
      const { x, y, z } = visitor.pose;
      visitor.camera.follow(x, y, z, 0, stage.tree, seconds);
      return;
    }
    visitor.advance(seconds, intent);
    const { x, y, z } = visitor.pose;
    if (visitor.height < stage.bottom || !Number.isFinite(x + y + z)) this.arrive();
    for (const { uri, title } of portals.step(x, y, z)) for (const listener of this.portalListeners) listener(uri, title);
    if (visitor.hint === this.hint) return;
    this.hint = visitor.hint;
    for (const listener of this.hintListeners) listener(this.hint);
  }

  /** Shows one's body as it is after `move`, with its shadow. */
  show(seconds: number, shadows: Shadows): void {
    if (this.place === null || !this.entered) return;
    const { stage, visitor } = this.place;
    const { pose } = visitor;
    this.figure.group.visible = visitor.camera.closeness > OWN_BODY_FROM;
    this.figure.place(pose, seconds);
    this.figure.animate(seconds);
    shadows.cast(stage.tree, pose.x, pose.y, pose.z);
  }

  dispose(): void {
    this.avatarUrl = undefined; // an avatar that is still on its way comes to nobody
    this.figure.dispose();
  }

  private arrive(pose?: Pose): void {
    if (this.place === null) return;
    const { stage, visitor, start } = this.place;
    const spot = pose ?? startNear(stage.tree, start);
    visitor.place(spot.x, spot.y, spot.z, spot.yaw);
    visitor.camera.firstPerson = this.options.firstPerson;
  }
}
