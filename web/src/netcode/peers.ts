/**
 * The others: who they are (ENTER, LEAVE) and where they are (SNAPSHOT).
 *
 * Rule: pure of I/O and clocks. Who is here comes from the reliable channel alone; a record for somebody who has not
 * entered yet is dropped, because the two channels do not keep step.
 */
import type { ServerClock } from "./clock";
import { PoseBuffer, ShowDelay } from "./interpolation";
import { ROLES, type Entrant, type Role, type Snapshot } from "./messages";
import type { Pose } from "./pose";
import { fromWire } from "./units";

export interface Peer {
  readonly id: number;
  readonly role: Role;
  readonly userId: string;
  /** As the server shows it: cleaned, and told apart from equal ones. */
  readonly name: string;
  readonly avatar: string;
}

/** A snapshot older than the newest by more than this many ticks is of no use (50 ms each). */
const OLD_TICKS = 20;

export class Peers {
  private readonly who = new Map<number, Peer>();
  private readonly buffers = new Map<number, PoseBuffer>();
  private readonly delay = new ShowDelay();
  /** The newest tick seen, for our POSE messages. */
  lastTick = 0;
  snapshots = 0;
  private tickMs = 50;

  /** Begins anew at WELCOME; `selfId` never becomes a peer. */
  reset(selfId: number, tick: number, tickRate: number): void {
    this.who.clear();
    this.buffers.clear();
    this.selfId = selfId;
    this.lastTick = tick;
    this.tickMs = 1_000 / tickRate;
  }
  private selfId = 0;

  enter(entrants: readonly Entrant[]): void {
    for (const one of entrants) {
      const role = ROLES[one.role] ?? "guest";
      this.who.set(one.peer, { id: one.peer, role, userId: one.userId, name: one.name, avatar: one.avatar });
      if (one.peer !== this.selfId && !this.buffers.has(one.peer)) this.buffers.set(one.peer, new PoseBuffer());
    }
  }

  leave(ids: readonly number[]): void {
    for (const id of ids) {
      this.who.delete(id);
      this.buffers.delete(id);
    }
  }

  snapshot(snapshot: Snapshot, clock: ServerClock, now: number): void {
    const age = (this.lastTick - snapshot.tick) | 0;
    if (age > OLD_TICKS) return;
    if (age < 0) this.lastTick = snapshot.tick;
    this.snapshots += 1;
    const at = clock.unwrap(snapshot.serverMs);
    this.delay.arrived(at, clock.serverNow(now), this.tickMs);
    for (const { peer, pose } of snapshot.records) this.buffers.get(peer)?.push(at, fromWire(pose));
  }

  /** Calls `show` with the pose of each peer as it is to be drawn at `now` (ms of our clock). */
  shown(clock: ServerClock, now: number, show: (id: number, pose: Pose) => void): void {
    const at = clock.serverNow(now) - this.delay.ms;
    for (const [id, buffer] of this.buffers) {
      const pose = buffer.sample(at);
      if (pose) show(id, pose);
    }
  }

  /** Everyone but ourselves. */
  others(): Peer[] {
    return [...this.who.values()].filter((peer) => peer.id !== this.selfId);
  }

  get(id: number): Peer | undefined {
    return this.who.get(id);
  }

  /** Our own entry, if the server lists it. */
  self(): Peer | undefined {
    return this.who.get(this.selfId);
  }

  /** The newest pose received of a peer, not delayed. */
  newest(id: number): Pose | undefined {
    return this.buffers.get(id)?.newest;
  }

  /** How far behind the server the others are shown, in ms. */
  get delayMs(): number {
    return this.delay.ms;
  }
}
