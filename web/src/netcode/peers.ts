/**
 * The others: who they are (ENTER, LEAVE) and where they are (SIGHT).
 *
 * Rule: pure of I/O and clocks. Who is here comes from the reliable channel alone; a record for somebody who has not
 * entered yet is dropped, because the two channels do not keep step.
 */
import type { ServerClock } from "./clock";
import { PoseBuffer, ShowDelay } from "./interpolation";
import { AGE_MS, REFERENCE_TICKS, ROLES, type Delta, type Entrant, type Keyframe, type Role, type Sight, type WirePose } from "./messages";
import type { Pose } from "./pose";
import { poseOf } from "./records";
import { fromWire } from "./units";

export interface Peer {
  readonly id: number;
  readonly role: Role;
  readonly userId: string;
  /** As the server shows it: cleaned, and told apart from equal ones. */
  readonly name: string;
  readonly avatar: string;
}

/** A sight older than the newest by more than this many ticks is of no use (50 ms each). */
const OLD_TICKS = 20;
/** Without a record for so many ticks somebody is out of sight: whoever is in sight is told of each second. */
const UNSEEN_TICKS = 50;
/** Poses of a peer that late records may still refer to. */
const REFERENCES = 8;
/** An age of so many steps says "at least". */
const OLDEST = 15;

/** What is known of where one peer is. */
class Track {
  readonly buffer = new PoseBuffer();
  readonly delay = new ShowDelay();
  /** The newest last. */
  private readonly known: { readonly tick: number; readonly pose: WirePose }[] = [];

  /** A record of the sight of `tick`; false when it cannot be read. */
  record(record: Keyframe | Delta, tick: number): WirePose | undefined {
    let index = this.known.length;
    while (index > 0 && ahead(this.known[index - 1]?.tick ?? tick, tick) > 0) index -= 1;
    const reference = this.known[index - 1];
    const fresh = reference !== undefined && ahead(tick, reference.tick) <= REFERENCE_TICKS;
    const pose = poseOf(record, fresh ? reference.pose : undefined);
    if (pose === undefined) return undefined;
    this.known.splice(index, 0, { tick, pose });
    if (this.known.length > REFERENCES) this.known.shift();
    return pose;
  }

  /** The tick of the newest record; undefined before any. */
  get tick(): number | undefined {
    return this.known.at(-1)?.tick;
  }
}

/** By how many ticks `a` is after `b`, right across their wrap. */
function ahead(a: number, b: number): number {
  return (a - b) | 0;
}

export class Peers {
  private readonly who = new Map<number, Peer>();
  private readonly tracks = new Map<number, Track>();
  /** The newest tick seen. */
  lastTick = 0;
  /** Sights taken in. */
  snapshots = 0;
  /** Records that could not be read: deltas of somebody whose pose was not known, or had become old. */
  unread = 0;
  private selfId = 0;

  /** Begins anew at WELCOME; `selfId` never becomes a peer. */
  reset(selfId: number, tick: number): void {
    this.who.clear();
    this.tracks.clear();
    this.selfId = selfId;
    this.lastTick = tick;
  }

  enter(entrants: readonly Entrant[]): void {
    for (const one of entrants) {
      const role = ROLES[one.role] ?? "guest";
      this.who.set(one.peer, { id: one.peer, role, userId: one.userId, name: one.name, avatar: one.avatar });
      if (one.peer !== this.selfId && !this.tracks.has(one.peer)) this.tracks.set(one.peer, new Track());
    }
  }

  leave(ids: readonly number[]): void {
    for (const id of ids) {
      this.who.delete(id);
      this.tracks.delete(id);
    }
  }

  sight({ tick, serverMs, records }: Sight, clock: ServerClock, now: number): void {
    const age = ahead(this.lastTick, tick);
    if (age > OLD_TICKS) return;
    if (age < 0) this.lastTick = tick;
    this.snapshots += 1;
    const serverNow = clock.serverNow(now);
    for (const record of records) {
      const track = this.tracks.get(record.peer);
      if (!track) continue;
      const pose = track.record(record, tick);
      if (pose === undefined) {
        this.unread += 1;
        continue;
      }
      const at = clock.unwrap(serverMs) - record.age * AGE_MS;
      if (track.buffer.push(at, fromWire(pose)) && record.age < OLDEST) track.delay.arrived(at, serverNow);
    }
  }

  /** Calls `show` with the pose of each peer in sight as it is to be drawn at `now` (ms of our clock). */
  shown(clock: ServerClock, now: number, show: (id: number, pose: Pose) => void): void {
    const serverNow = clock.serverNow(now);
    for (const [id, track] of this.tracks) {
      if (!this.sees(track)) continue;
      const pose = track.buffer.sample(serverNow - track.delay.ms);
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

  /** Whether the server tells us where somebody is at present. */
  inSight(id: number): boolean {
    const track = this.tracks.get(id);
    return track !== undefined && this.sees(track);
  }

  /** The newest pose received of a peer, not delayed. */
  newest(id: number): Pose | undefined {
    return this.tracks.get(id)?.buffer.newest;
  }

  /** How far behind the server the others are shown, in ms: the one who is shown soonest, 0 without any. */
  get delayMs(): number {
    const delays = [...this.tracks.values()].map(({ delay }) => delay.ms);
    return delays.length === 0 ? 0 : Math.min(...delays);
  }

  private sees({ tick }: Track): boolean {
    return tick !== undefined && ahead(this.lastTick, tick) < UNSEEN_TICKS;
  }
}
