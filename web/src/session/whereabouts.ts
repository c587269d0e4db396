/**
 * Where we are, as we say it: HERE at the server's pace, JUMP when we did not walk there; and CORRECT obeyed.
 *
 * Rule: its timer is a timer, never requestAnimationFrame, which stops in a hidden tab; each pose is stamped with the
 * moment of the frame that it was drawn in.
 */
import type { ServerClock } from "../netcode/clock";
import { encode } from "../netcode/codec";
import { JUMP, type ChannelName, type Correct, type Sight, type WirePose } from "../netcode/messages";
import { Pacer } from "../netcode/pacing";
import { type Pose, PoseFlag } from "../netcode/pose";
import { fromWire, toWire } from "../netcode/units";

/** One who stands still repeats their pose for so long at full rate, in case the last one was lost, in ms. */
const LINGER_MS = 400;
/** And then this rarely, in ms. */
const STILL_MS = 1_000;
/** Whoever is farther than this from where they said they were has jumped, in metres; and for each second since. */
const LEAP = 5;
const FASTEST = 10;
/** Whoever sits down did not walk there, however near; said no more often than the server grants jumps, in ms. */
const SEAT_EVERY_MS = 2_000;
/** A frame drawn longer ago than this does not say when the pose was: the page is hidden, in ms. */
const OLD_FRAME_MS = 100;

/** Our own body, as far as the server is concerned. */
export interface Place {
  pose(): Pose;
  /** When that pose was, by performance.now(): that of the last frame. */
  at(): number;
  /** The server has put us elsewhere. */
  place(pose: Pose): void;
}

export class Whereabouts {
  /** HERE messages sent. */
  sent = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private pacer: Pacer | null = null;
  private seq = 0;
  private jumps = 0;
  private corrections = 0;
  private saidAt = performance.now();
  private movedAt = this.saidAt;
  private jumpedAt = -Infinity;

  constructor(
    private readonly body: Place,
    /** The pose told last: HELLO's at first. */
    private said: WirePose,
    private readonly clock: ServerClock,
    private readonly send: (channel: ChannelName, bytes: Uint8Array<ArrayBuffer>) => boolean,
  ) {}

  /** WELCOME has come: from now on it is said where we are, until `stop`. */
  start(tickRate: number): void {
    this.pacer = new Pacer(1_000 / tickRate, performance.now());
    this.pace(this.pacer);
  }

  stop(): void {
    clearTimeout(this.timer);
  }

  /** How our poses arrive, and how often they are wanted. */
  heard({ lead, lastSeq, interval }: Sight): void {
    this.pacer?.heard(lead, lastSeq, interval, performance.now());
  }

  correct({ corrections, pose }: Correct): void {
    [this.corrections, this.said] = [corrections, pose];
    this.body.place(fromWire(pose));
  }

  private pace(pacer: Pacer): void {
    const now = performance.now();
    if (pacer.due(now)) this.say(now);
    this.timer = setTimeout(() => this.pace(pacer), pacer.wait(performance.now()));
  }

  /** Where we are, if that is news, or has not been said for a while. */
  private say(now: number): void {
    const pose = toWire(this.body.pose());
    if (!same(pose, this.said)) {
      this.movedAt = now;
      const sits = seated(pose) && !seated(this.said);
      if (leapt(this.said, pose, now - this.saidAt) || (sits && now - this.jumpedAt >= SEAT_EVERY_MS)) this.jump(pose, now);
    } else if (now - this.movedAt > LINGER_MS && now - this.saidAt < STILL_MS) return;
    [this.said, this.saidAt] = [pose, now];
    this.seq = (this.seq + 1) & 0xffff;
    const drawn = this.body.at();
    const at = this.clock.serverMs(now - drawn < OLD_FRAME_MS ? drawn : now) & 0xffff;
    const { seq, jumps, corrections } = this;
    if (this.send("poses", encode({ type: "HERE", seq, at, jumps, corrections, pose }))) this.sent += 1;
  }

  /** On a seat it was the seat; else we were put to where we began. (A portal opens another page, and that says HELLO.) */
  private jump(pose: WirePose, now: number): void {
    this.jumps = (this.jumps + 1) & 15;
    this.jumpedAt = now;
    const reason = seated(pose) ? JUMP.seat : JUMP.respawn;
    this.send("events", encode({ type: "JUMP", reason, jumps: this.jumps, pose }));
  }
}

function same(a: WirePose, b: WirePose): boolean {
  const place = a.x === b.x && a.y === b.y && a.z === b.z;
  return place && a.yaw === b.yaw && a.pitch === b.pitch && a.gesture === b.gesture && a.flags === b.flags;
}

function seated({ flags }: WirePose): boolean {
  return (flags & PoseFlag.seated) !== 0;
}

/** Whether nobody walks from `a` to `b` in `ms`. */
function leapt(a: WirePose, b: WirePose, ms: number): boolean {
  return Math.hypot(a.x - b.x, a.y - b.y, a.z - b.z) / 1_000 > LEAP + (FASTEST * ms) / 1_000;
}
