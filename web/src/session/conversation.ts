/**
 * The protocol spoken over one transport: HELLO, PING, HERE and JUMP out; everything else in.
 *
 * Rule: its timers are timers, never requestAnimationFrame, which stops in a hidden tab. What cannot be decoded
 * is counted and dropped. What silence means is `paths.ts`'s business.
 */
import { decodeServer, encode } from "../netcode/codec";
import type { ServerClock } from "../netcode/clock";
import { ProtocolError } from "../netcode/errors";
import { fitStr8 } from "../netcode/frame";
import { JUMP, PROTOCOL_VERSION, type ChannelName, type ServerMessage, type Welcome, type WirePose } from "../netcode/messages";
import { Pacer } from "../netcode/pacing";
import type { Peers } from "../netcode/peers";
import type { Pose } from "../netcode/pose";
import { fromWire, toWire } from "../netcode/units";
import { DEAF, type Transport } from "./transport";

/** The server takes 6 s of silence for absence; one lost second costs nothing, in ms. */
const PING_MS = 1_000;
/** PINGs that come at a quarter of that, so that the clock is right soon. */
const FIRST_PINGS = 5;
/** One who stands still repeats their pose for so long at full rate, in case the last one was lost, in ms. */
const LINGER_MS = 400;
/** And then this rarely, in ms. */
const STILL_MS = 1_000;
/** Whoever is farther than this from where they said they were has jumped, in metres; and for each second since. */
const LEAP = 5;
const FASTEST = 10;
/** A frame drawn longer ago than this does not say when the pose was: the page is hidden, in ms. */
const OLD_FRAME_MS = 100;
/** From HELLO to WELCOME, in ms. */
const HANDSHAKE_MS = 6_000;
/** A server that sends this many malformed frames is not one of ours. */
const MOST_MALFORMED = 20;

export interface Body {
  pose(): Pose;
  /** When that pose was, by performance.now(): that of the last frame. */
  at(): number;
  /** The server has put us elsewhere. */
  place(pose: Pose): void;
  readonly avatar: string;
  /** Build id of this client. */
  readonly client: string;
}

export interface ConversationHandlers {
  welcomed(welcome: Welcome): void;
  /** Who is here has changed. */
  roster(): void;
  notice(code: number, text: string): void;
  goodbye(code: number, reason: string): void;
  lost(why: string): void;
}

export class Conversation {
  /** When the newest packet came, by performance.now(). */
  heardAt = 0;
  /** HERE messages sent. */
  poses = 0;
  welcome: Welcome | null = null;
  private beating: ReturnType<typeof setInterval> | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private probing: ReturnType<typeof setTimeout> | undefined;
  private handshake: ReturnType<typeof setTimeout> | undefined;
  private over = false;
  private malformed = 0;
  private pacer: Pacer | null = null;
  private seq = 0;
  private jumps = 0;
  private corrections = 0;
  /** The pose told last, and when; when it last was another than before. */
  private said: WirePose | null = null;
  private saidAt = 0;
  private movedAt = 0;

  /** Takes over a transport that has opened, and says HELLO. */
  constructor(
    readonly transport: Transport,
    private readonly body: Body,
    private readonly peers: Peers,
    private readonly clock: ServerClock,
    private readonly handlers: ConversationHandlers,
  ) {
    transport.handlers = {
      open: () => undefined,
      message: (channel, bytes) => this.received(channel, bytes),
      down: (why) => this.lose(why),
    };
    this.handshake = setTimeout(() => this.lose("no welcome came"), HANDSHAKE_MS);
    this.opened();
  }

  /** Ends it without telling the handlers. */
  close(): void {
    if (this.over) return;
    this.over = true;
    clearTimeout(this.handshake);
    clearInterval(this.beating);
    clearTimeout(this.timer);
    clearTimeout(this.probing);
    this.transport.handlers = DEAF;
    this.transport.close();
  }

  /** The same, and the server is to know at once that the visitor goes. */
  leave(): void {
    if (!this.over) this.transport.leave();
    this.close();
  }

  private lose(why: string): void {
    if (this.over) return;
    this.close();
    this.handlers.lost(why);
  }

  private opened(): void {
    this.heardAt = performance.now();
    const { avatar, client } = this.body;
    const pose = toWire(this.body.pose());
    const versions = { newest: PROTOCOL_VERSION, oldest: PROTOCOL_VERSION };
    this.transport.send("events", encode({ type: "HELLO", ...versions, client: fitStr8(client), avatar: fitStr8(avatar), pose }));
    [this.said, this.saidAt, this.movedAt] = [pose, this.heardAt, this.heardAt];
    this.beating = setInterval(() => this.beat(), PING_MS);
  }

  /** A sign of life, and a question to be answered at once; not before WELCOME. */
  beat(): void {
    if (this.welcome) this.ping(performance.now());
  }

  private ping(now: number): void {
    this.transport.send("events", encode({ type: "PING", clientMs: Math.floor(now) >>> 0 }));
  }

  /** So many pings in quick succession. */
  private probe(pings: number): void {
    this.ping(performance.now());
    if (pings > 1) this.probing = setTimeout(() => this.probe(pings - 1), PING_MS / 4);
  }

  /** Runs the timer of HERE, which the server's ticks set. */
  private pace(pacer: Pacer): void {
    if (this.over) return;
    const now = performance.now();
    if (pacer.due(now)) this.say(now);
    this.timer = setTimeout(() => this.pace(pacer), pacer.wait(performance.now()));
  }

  /** Where we are, if that is news, or has not been said for a while. */
  private say(now: number): void {
    const pose = toWire(this.body.pose());
    if (this.said === null || !same(pose, this.said)) {
      this.movedAt = now;
      if (this.said !== null && leapt(this.said, pose, now - this.saidAt)) this.jump(pose);
    } else if (now - this.movedAt > LINGER_MS && now - this.saidAt < STILL_MS) return;
    [this.said, this.saidAt] = [pose, now];
    this.seq = (this.seq + 1) & 0xffff;
    const drawn = this.body.at();
    const at = this.clock.serverMs(now - drawn < OLD_FRAME_MS ? drawn : now) & 0xffff;
    const { seq, jumps, corrections } = this;
    if (this.transport.send("poses", encode({ type: "HERE", seq, at, jumps, corrections, pose }))) this.poses += 1;
  }

  private jump(pose: WirePose): void {
    this.jumps = (this.jumps + 1) & 15;
    this.transport.send("events", encode({ type: "JUMP", reason: JUMP.respawn, jumps: this.jumps, pose }));
  }

  private received(channel: ChannelName, bytes: Uint8Array): void {
    let message: ServerMessage;
    try {
      message = decodeServer(channel, bytes);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.malformed += 1;
      if (this.malformed > MOST_MALFORMED) this.lose("too many malformed frames");
      return;
    }
    this.heardAt = performance.now();
    this.handle(message);
  }

  private handle(message: ServerMessage): void {
    const now = performance.now();
    switch (message.type) {
      case "WELCOME":
        return this.welcomed(message, now);
      case "ENTER":
        this.peers.enter(message.entrants);
        return this.handlers.roster();
      case "LEAVE":
        this.peers.leave(message.peers);
        return this.handlers.roster();
      case "SIGHT":
        this.pacer?.heard(message.lead, message.lastSeq, message.interval, now);
        return this.welcome ? this.peers.sight(message, this.clock, now) : undefined;
      case "SNAPSHOT":
        return; // version 1's, which we did not offer
      case "CORRECT":
        [this.corrections, this.said] = [message.corrections, message.pose];
        return this.body.place(fromWire(message.pose));
      case "PONG":
        return this.clock.pong(message.clientMs, message.serverMs, now);
      case "NOTICE":
        return this.handlers.notice(message.code, message.text);
      case "GOODBYE":
        this.close();
        return this.handlers.goodbye(message.code, message.reason);
    }
  }

  private welcomed(welcome: Welcome, now: number): void {
    clearTimeout(this.handshake);
    this.welcome = welcome;
    this.clock.start(welcome.serverMs, now);
    this.peers.reset(welcome.peer, welcome.tick);
    this.probe(FIRST_PINGS);
    this.pacer = new Pacer(1_000 / welcome.tickRate, now);
    this.pace(this.pacer);
    this.handlers.welcomed(welcome);
  }
}

function same(a: WirePose, b: WirePose): boolean {
  return (
    a.x === b.x && a.y === b.y && a.z === b.z && a.yaw === b.yaw && a.pitch === b.pitch && a.gesture === b.gesture && a.flags === b.flags
  );
}

/** Whether nobody walks from `a` to `b` in `ms`. */
function leapt(a: WirePose, b: WirePose, ms: number): boolean {
  return Math.hypot(a.x - b.x, a.y - b.y, a.z - b.z) / 1000 > LEAP + (FASTEST * ms) / 1000;
}
