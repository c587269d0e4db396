/**
 * The protocol spoken over one transport: HELLO, PING and where we are out; everything else in.
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
import { toWire } from "../netcode/units";
import { DEAF, type Transport } from "./transport";
import { Whereabouts, type Place } from "./whereabouts";

/** The server takes 6 s of silence for absence; one lost second costs nothing, in ms. */
const PING_MS = 1_000;
/** PINGs that come at a quarter of that, so that the clock is right soon. */
const FIRST_PINGS = 5;
/** From HELLO to WELCOME, in ms. */
const HANDSHAKE_MS = 6_000;
/** A server that sends this many malformed frames is not one of ours. */
const MOST_MALFORMED = 20;

export interface Body extends Place {
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
  welcome: Welcome | null = null;
  private timers: ReturnType<typeof setInterval>[] = [];
  private handshake: ReturnType<typeof setTimeout> | undefined;
  private over = false;
  private malformed = 0;
  private whereabouts: Whereabouts | null = null;
  private probing: ReturnType<typeof setTimeout> | undefined;

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

  /** HERE messages sent. */
  get poses(): number {
    return this.whereabouts?.sent ?? 0;
  }

  /** Ends it without telling the handlers. */
  close(): void {
    if (this.over) return;
    this.over = true;
    clearTimeout(this.handshake);
    clearTimeout(this.probing);
    for (const timer of this.timers) clearInterval(timer);
    this.whereabouts?.stop();
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
    this.transport.send(
      "events",
      encode({
        type: "HELLO",
        newest: PROTOCOL_VERSION,
        oldest: PROTOCOL_VERSION,
        client: fitStr8(client),
        avatar: fitStr8(avatar),
        pose,
      }),
    );
    this.whereabouts = new Whereabouts(this.body, pose, this.clock, (channel, bytes) => this.transport.send(channel, bytes));
    this.timers = [setInterval(() => this.beat(), PING_MS)];
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
        this.peers.reset(message.peer, message.tick);
        this.probe(FIRST_PINGS);
        this.whereabouts?.start(message.tickRate);
        return this.handlers.welcomed(message);
      case "ENTER":
        this.peers.enter(message.entrants);
        return this.handlers.roster();
      case "LEAVE":
        this.peers.leave(message.peers);
        return this.handlers.roster();
      case "SIGHT":
        this.whereabouts?.heard(message);
        return this.welcome ? this.peers.sight(message, this.clock, now) : undefined;
      case "CORRECT":
        return this.whereabouts?.correct(message);
      case "SNAPSHOT":
        return; // version 1's, which we do not speak
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
