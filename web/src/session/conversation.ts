/**
 * The protocol spoken over one transport: HELLO, PING, POSE out; everything else in.
 *
 * Rule: its timers are timers, never requestAnimationFrame, which stops in a hidden tab. What cannot be decoded
 * is counted and dropped. What silence means is `paths.ts`'s business.
 */
import { decodeServer, encode } from "../netcode/codec";
import type { ServerClock } from "../netcode/clock";
import { ProtocolError } from "../netcode/errors";
import { fitStr8 } from "../netcode/frame";
import { PROTOCOL_VERSION, type ChannelName, type ServerMessage, type Welcome } from "../netcode/messages";
import type { Peers } from "../netcode/peers";
import type { Pose } from "../netcode/pose";
import { toWire } from "../netcode/units";
import { DEAF, type Transport } from "./transport";

/** The server takes 6 s of silence for absence; one lost second costs nothing, in ms. */
const PING_MS = 1_000;
/** 20 Hz, as the server's tick. */
const POSE_MS = 50;
/** One who stands still repeats their pose this rarely, in case the last one was lost, in ms. */
const STILL_MS = 250;
/** From HELLO to WELCOME, in ms. */
const HANDSHAKE_MS = 6_000;
/** A server that sends this many malformed frames is not one of ours. */
const MOST_MALFORMED = 20;

export interface Body {
  pose(): Pose;
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
  /** POSE messages sent. */
  poses = 0;
  welcome: Welcome | null = null;
  private timers: ReturnType<typeof setInterval>[] = [];
  private handshake: ReturnType<typeof setTimeout> | undefined;
  private over = false;
  private malformed = 0;
  private seq = 0;
  private lastPose = "";
  private lastPoseAt = 0;

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
    for (const timer of this.timers) clearInterval(timer);
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
    this.transport.send(
      "events",
      encode({
        type: "HELLO",
        newest: PROTOCOL_VERSION,
        oldest: PROTOCOL_VERSION,
        client: fitStr8(client),
        avatar: fitStr8(avatar),
        pose: toWire(this.body.pose()),
      }),
    );
    this.timers = [setInterval(() => this.beat(), PING_MS), setInterval(() => this.sendPose(), POSE_MS)];
  }

  /** A sign of life, and a question to be answered at once; not before WELCOME. */
  beat(): void {
    if (this.welcome) this.ping(performance.now());
  }

  private ping(now: number): void {
    this.transport.send("events", encode({ type: "PING", clientMs: Math.floor(now) >>> 0 }));
  }

  private sendPose(): void {
    if (!this.welcome) return;
    const now = performance.now();
    const pose = toWire(this.body.pose());
    const key = JSON.stringify(pose);
    if (key === this.lastPose && now - this.lastPoseAt < STILL_MS) return;
    this.lastPose = key;
    this.lastPoseAt = now;
    this.seq = (this.seq + 1) & 0xffff;
    if (this.transport.send("poses", encode({ type: "POSE", seq: this.seq, lastTick: this.peers.lastTick, pose }))) this.poses += 1;
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
        clearTimeout(this.handshake);
        this.welcome = message;
        this.clock.start(message.serverMs, now);
        this.peers.reset(message.peer, message.tick, message.tickRate);
        this.ping(now);
        return this.handlers.welcomed(message);
      case "ENTER":
        this.peers.enter(message.entrants);
        return this.handlers.roster();
      case "LEAVE":
        this.peers.leave(message.peers);
        return this.handlers.roster();
      case "SNAPSHOT":
        return this.welcome ? this.peers.snapshot(message, this.clock, now) : undefined;
      case "PONG":
        return this.clock.pong(message.clientMs, message.serverMs, now);
      case "NOTICE":
        return this.handlers.notice(message.code, message.text);
      case "GOODBYE":
        this.close();
        return this.handlers.goodbye(message.code, message.reason);
    }
  }
}
