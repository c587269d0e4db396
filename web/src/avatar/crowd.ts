/**
 * The crowd: everybody else.
 *
 * Rule: who is here comes as a whole list, where they are comes pose by pose; someone appears with their first pose and is
 * gone, with all that was theirs, when the list no longer names them.
 */

import { Group, type Vector3 } from "three";

import type { Pose } from "../netcode/pose";
import { PoseFlag } from "../netcode/pose";
import type { Solid } from "../walk/solid";
import type { PeerLook, ShownPeer } from "../world";
import { Figure } from "./figure";
import type { AvatarLibrary } from "./library";
import type { Shadows } from "./shadows";
import { NameTag } from "./tag";

/** Metres beyond which limbs move at half the frame rate, and beyond which only the body glides. */
const FAR = 25;
const VERY_FAR = 70;

interface Peer {
  look: PeerLook;
  figure: Figure;
  tag: NameTag;
  pose: Pose | null;
  placedAt: number;
  owed: number;
}

export class Crowd {
  readonly group = new Group();
  private readonly peers = new Map<number, Peer>();
  private frame = 0;

  constructor(private readonly library: AvatarLibrary) {
    this.group.name = "crowd";
  }

  set(looks: ReadonlyMap<number, PeerLook>): void {
    for (const id of [...this.peers.keys()]) if (!looks.has(id)) this.remove(id);
    for (const [id, look] of looks) {
      const peer = this.peers.get(id);
      if (peer === undefined) this.add(id, look);
      else this.change(peer, look);
    }
  }

  move(id: number, pose: Pose, nowMs: number): void {
    const peer = this.peers.get(id);
    if (peer === undefined) return;
    const seconds = peer.pose === null ? 0 : (nowMs - peer.placedAt) / 1000;
    if (peer.pose === null) this.group.add(peer.figure.group);
    peer.figure.place(pose, seconds);
    peer.pose = pose;
    peer.placedAt = nowMs;
    peer.tag.set(peer.look.name, (pose.flags & PoseFlag.speaking) !== 0);
  }

  shown(id: number): ShownPeer | null {
    const peer = this.peers.get(id);
    if (peer === undefined || peer.pose === null) return null;
    const { x, y, z, yaw } = peer.pose;
    return { position: [x, y, z], yaw, clip: peer.figure.shownClip };
  }

  /** Moves limbs, tags and shadows of all by a frame of `seconds`. */
  update(seconds: number, camera: Vector3, solid: Solid | null, shadows: Shadows): void {
    this.frame++;
    for (const [id, peer] of this.peers) {
      if (peer.pose === null) continue;
      const distance = camera.distanceTo(peer.figure.group.position);
      peer.owed += seconds;
      if (distance < FAR || (distance < VERY_FAR && (this.frame + id) % 2 === 0)) {
        peer.figure.animate(peer.owed);
        peer.owed = 0;
      }
      peer.tag.sprite.position.set(0, peer.figure.height + 0.18, 0);
      peer.tag.fit(distance);
      if (solid !== null && distance < VERY_FAR) shadows.cast(solid, peer.pose.x, peer.pose.y, peer.pose.z);
    }
  }

  dispose(): void {
    for (const id of [...this.peers.keys()]) this.remove(id);
    this.group.removeFromParent();
  }

  private add(id: number, look: PeerLook): void {
    const peer: Peer = { look, figure: new Figure(`${look.name}${id}`), tag: new NameTag(look.name), pose: null, placedAt: 0, owed: 0 };
    peer.figure.group.add(peer.tag.sprite);
    this.peers.set(id, peer);
    this.dress(peer);
  }

  private change(peer: Peer, look: PeerLook): void {
    const before = peer.look;
    peer.look = look;
    if (before.avatarUrl !== look.avatarUrl) this.dress(peer);
  }

  private dress(peer: Peer): void {
    const url = peer.look.avatarUrl;
    if (url === undefined) return peer.figure.wear(null);
    void this.library.get(url).then((file) => {
      // They may have changed again, or left, while it was coming.
      if (peer.look.avatarUrl === url && [...this.peers.values()].includes(peer)) peer.figure.wear(file);
    });
  }

  private remove(id: number): void {
    const peer = this.peers.get(id);
    if (peer === undefined) return;
    this.peers.delete(id);
    peer.tag.dispose();
    peer.figure.dispose();
  }
}
