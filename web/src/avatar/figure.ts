/**
 * A figure: one body in the world, worn by oneself or by someone else.
 *
 * Rule: it is told where it is and finds its gait from how that changes; until its avatar has come, a capsule stands in.
 */

import { type AnimationAction, AnimationMixer, CapsuleGeometry, Color, Group, LoopOnce, Mesh, MeshStandardMaterial, type Object3D } from "three";
import { clone } from "three/addons/utils/SkeletonUtils.js";

import type { Pose } from "../netcode/pose";
import { PoseFlag } from "../netcode/pose";
import { disposeTree } from "../scene/dispose";
import { blendFor, type ClipName, strongest } from "./clips";
import { type AvatarFile, bone } from "./library";

/** Seconds in which two thirds of a change of speed are believed: poses come in steps. */
const SPEED_TIME = 0.1;
/** Seconds in which one clip gives way to another. */
const BLEND_TIME = 0.12;
/** m/s beyond which somebody was moved, not walking. */
const TELEPORT = 15;
/** Metres above the floor of a usual seat. */
const SEAT_HEIGHT = 0.46;
/** How much more a gesture weighs than the gait under it. */
const GESTURE_WEIGHT = 8;
export const GESTURE_WAVE = 1;

export class Figure {
  readonly group = new Group();
  /** m/s along the ground, smoothed. */
  speed = 0;
  /** Metres of its crown above its feet. */
  height = 1.7;
  private readonly standIn: Mesh;
  private body: Object3D | null = null;
  private mixer: AnimationMixer | null = null;
  private actions: Partial<Record<ClipName, AnimationAction>> = {};
  private weights = { idle: 1, walk: 0, run: 0 };
  private madeFor = { walk: 1.5, run: 4 };
  private thighs: Object3D[] = [];
  private shins: Object3D[] = [];
  private hips = 0.9;
  private last: { x: number; z: number } | null = null;
  private forward = 1;
  private flags = 0;
  private gesture = 0;
  private clip: ClipName = "idle";

  constructor(seed: string) {
    this.standIn = makeStandIn(seed);
    this.group.add(this.standIn);
  }

  /** The clip that is seen most, "none" for the stand-in. */
  get shownClip(): string {
    return this.mixer === null ? "none" : this.clip;
  }

  /** Puts the avatar on; null keeps, or brings back, the stand-in. */
  wear(file: AvatarFile | null): void {
    this.undress();
    this.standIn.visible = file === null;
    if (file === null) return;
    const body = clone(file.root);
    // An avatar looks along +Z as glTF has it; a pose of yaw 0 looks along −Z.
    body.rotation.y += Math.PI;
    this.group.add(body);
    this.body = body;
    this.height = file.height;
    this.madeFor = file.madeFor;
    this.mixer = new AnimationMixer(body);
    this.thighs = ["leftUpperLeg", "rightUpperLeg"].flatMap((name) => bone(body, name) ?? []);
    this.shins = ["leftLowerLeg", "rightLowerLeg"].flatMap((name) => bone(body, name) ?? []);
    body.updateMatrixWorld(true);
    const hips = bone(body, "hips");
    if (hips !== null) this.hips = (hips.matrixWorld.elements[13] as number) - (this.group.matrixWorld.elements[13] as number);
    for (const [name, clip] of Object.entries(file.clips) as [ClipName, AvatarFile["clips"]["idle"] & object][]) {
      const action = this.mixer.clipAction(clip);
      if (name === "wave") action.setLoop(LoopOnce, 1);
      else action.play().setEffectiveWeight(name === "idle" ? 1 : 0);
      this.actions[name] = action;
    }
  }

  /** Where it is now; the gait follows from the way since the last call, `seconds` ago. */
  place(pose: Pose, seconds: number): void {
    const { group } = this;
    const way = this.last === null ? 0 : Math.hypot(pose.x - this.last.x, pose.z - this.last.z);
    const pace = seconds > 0 ? way / seconds : 0;
    if (pace < TELEPORT) {
      this.speed += (pace - this.speed) * (1 - Math.exp(-seconds / SPEED_TIME));
      const along = this.last === null ? 0 : -(pose.x - this.last.x) * Math.sin(pose.yaw) - (pose.z - this.last.z) * Math.cos(pose.yaw);
      // Only a clear step backwards turns the stride around.
      if (way > 0.002) this.forward = along < -0.3 * way ? -1 : 1;
    } else this.speed = 0;
    this.last = { x: pose.x, z: pose.z };
    this.flags = pose.flags;
    group.position.set(pose.x, pose.y, pose.z);
    group.rotation.y = pose.yaw;
    if (pose.gesture !== this.gesture) this.startGesture(pose.gesture);
  }

  /** Moves the limbs by `seconds`. */
  animate(seconds: number): void {
    const seated = (this.flags & PoseFlag.seated) !== 0;
    const blend = blendFor(seated ? 0 : this.speed, this.forward, this.madeFor);
    const share = 1 - Math.exp(-seconds / BLEND_TIME);
    for (const name of ["idle", "walk", "run"] as const) {
      this.weights[name] += (blend[name] - this.weights[name]) * share;
      this.actions[name]?.setEffectiveWeight(this.weights[name]);
    }
    this.weighGesture();
    const inAir = (this.flags & PoseFlag.inAir) !== 0;
    // In the air the stride nearly stops: legs that run on nothing look wrong.
    this.actions.walk?.setEffectiveTimeScale(blend.walkRate * (inAir ? 0.15 : 1));
    this.actions.run?.setEffectiveTimeScale(blend.runRate * (inAir ? 0.15 : 1));
    this.clip = this.actions.wave?.isRunning() === true ? "wave" : strongest({ ...blend, ...this.weights });
    this.mixer?.update(seconds);
    if (this.body !== null) this.sit(seated);
    if (this.standIn.visible) this.standIn.rotation.z = Math.sin(performance.now() / 90) * 0.03 * Math.min(this.speed, 3);
  }

  dispose(): void {
    this.undress();
    disposeTree(this.standIn);
    this.group.removeFromParent();
  }

  private startGesture(gesture: number): void {
    this.gesture = gesture;
    if (gesture === GESTURE_WAVE) this.actions.wave?.reset().play();
  }

  /** A gesture outweighs the gait where both move a bone, and comes and goes softly. */
  private weighGesture(): void {
    const { wave } = this.actions;
    if (wave === undefined || !wave.isRunning()) return;
    const left = wave.getClip().duration - wave.time;
    wave.setEffectiveWeight(GESTURE_WEIGHT * Math.min(1, wave.time / 0.15, Math.max(left, 0) / 0.25));
  }

  /** Bends the legs of someone on a seat; there is no clip for it, and seats differ. */
  private sit(seated: boolean): void {
    const body = this.body as Object3D;
    body.position.y = seated ? SEAT_HEIGHT + 0.08 - this.hips : 0;
    if (!seated) return;
    for (const thigh of this.thighs) thigh.rotation.set(-1.5, thigh.rotation.y, thigh.rotation.z);
    for (const shin of this.shins) shin.rotation.set(1.45, 0, 0);
  }

  private undress(): void {
    this.mixer?.stopAllAction();
    if (this.body !== null) {
      this.mixer?.uncacheRoot(this.body);
      this.body.removeFromParent();
      this.body.traverse((object) => (object as { skeleton?: { dispose(): void } }).skeleton?.dispose());
    }
    this.body = this.mixer = null;
    this.actions = {};
    this.weights = { idle: 1, walk: 0, run: 0 };
  }
}

/** A capsule of one's own colour: the same for the same seed. */
function makeStandIn(seed: string): Mesh {
  let hash = 0;
  for (const letter of seed) hash = (hash * 31 + letter.charCodeAt(0)) >>> 0;
  const color = new Color().setHSL((hash % 360) / 360, 0.45, 0.6);
  const capsule = new Mesh(new CapsuleGeometry(0.26, 1.12, 6, 20), new MeshStandardMaterial({ color, roughness: 0.7, metalness: 0 }));
  capsule.geometry.translate(0, 0.84, 0);
  const face = new Mesh(new CapsuleGeometry(0.09, 0.16, 4, 12), new MeshStandardMaterial({ color: 0x20242e, roughness: 0.3, metalness: 0 }));
  face.rotation.z = Math.PI / 2;
  face.position.set(0, 1.45, -0.2);
  capsule.add(face);
  return capsule;
}
