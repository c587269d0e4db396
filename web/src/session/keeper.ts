/**
 * Keeps the visitor connected: calls, and when the path is lost calls again, until told to stop.
 *
 * Rule: with a ticket the way back leads through the gate, which works while the homeserver is away; without one, or
 * when it is spent, through Matrix. Whatever passes by itself is tried again with growing, bounded pauses.
 */
import { HomeserverAway, RateLimited } from "../matrix/errors";
import { pause } from "../matrix/sync";
import type { ServerClock } from "../netcode/clock";
import type { Welcome } from "../netcode/messages";
import type { Peers } from "../netcode/peers";
import { Approach } from "./approach";
import { callByMatrix, callByTicket, type Caller } from "./call";
import type { Body, Conversation } from "./conversation";
import { NO_LONGER_JOINED, refusalEnding, type Ending } from "./endings";
import { onNetworkChange } from "./network";
import { IMPATIENCE_MS, PATIENCE_MS, type PathKind } from "./paths";
import { backoff } from "./persist";
import type { Answer, Ticket } from "./signalling";
import type { Waiting } from "./state";
import { Stay, type Found, type Outcome } from "./stay";

export interface KeeperHandlers {
  welcomed(welcome: Welcome): void;
  roster(): void;
  notice(code: number, text: string): void;
  /** The path is lost, or was not found; it is being looked for. */
  lost(why: string): void;
  /** Something about the path, for the notes. */
  note(line: string): void;
  /** What carries the visit now. */
  path(kind: PathKind): void;
  waiting(waiting: Waiting | null): void;
  /** The room must be joined again before a call can succeed. */
  rejoin(): Promise<void>;
}

/** Somebody who stands in a world wants to be back: the pauses between attempts grow no longer than this, in ms. */
const LONGEST_PAUSE_MS = 3_000;
/** A path that broke this soon after WELCOME counts as a failed attempt, in ms. */
const SETTLED_MS = 5_000;

export class Keeper {
  /** What is spoken on the path in use. */
  conversation: Conversation | null = null;
  private ticket: Ticket | null = null;
  private interrupt = new AbortController();
  private stay: Stay | null = null;
  /** The call under way: a ticket is good once, so the next call waits for what this one brings. */
  private calling: Promise<unknown> = Promise.resolve();
  /** What worked last. */
  private kind: PathKind = "webrtc";
  /** Whether this server can restart ICE; unknown counts as yes, and is found out once. */
  restartable = true;

  constructor(
    private readonly caller: () => Caller,
    readonly body: Body,
    readonly peers: Peers,
    readonly clock: ServerClock,
    readonly handlers: KeeperHandlers,
  ) {}

  /** Runs until `signal` aborts (raises its reason) or the visit is over (returns why). */
  async run(signal: AbortSignal): Promise<Ending> {
    signal.addEventListener("abort", () => this.close());
    const stop = onNetworkChange(() => this.stay?.networkChanged());
    try {
      return await this.attempts(signal);
    } finally {
      stop();
    }
  }

  private async attempts(signal: AbortSignal): Promise<Ending> {
    let failures = 0;
    for (;;) {
      const began = performance.now();
      this.interrupt = new AbortController();
      const outcome = await this.attempt(AbortSignal.any([signal, this.interrupt.signal]));
      signal.throwIfAborted();
      if (outcome.kind === "end") return outcome.ending;
      if (outcome.kind === "rejoin") await this.handlers.rejoin();
      if (outcome.kind === "lost") this.handlers.lost(outcome.why);
      const settled = outcome.kind === "lost" && outcome.welcomed && performance.now() - began > SETTLED_MS;
      failures = settled ? 0 : failures + 1;
      // Lost out of the blue: at once. Otherwise as asked, or later and later.
      const ms = settled ? 0 : Math.max(outcome.kind === "later" ? outcome.ms : 0, Math.min(backoff(failures - 1), LONGEST_PAUSE_MS));
      if (ms > 1_000) this.handlers.waiting({ why: outcome.kind === "later" ? outcome.why : "server", until: Date.now() + ms });
      await pause(ms, signal);
      signal.throwIfAborted();
    }
  }

  /** Who calls has changed (a new guest): end what there is, and call anew by Matrix. */
  renew(): void {
    this.ticket = null;
    this.close();
  }

  /** The visitor goes, or comes as somebody else. */
  close(): void {
    this.conversation?.leave();
    this.interrupt.abort();
  }

  private async attempt(signal: AbortSignal): Promise<Outcome> {
    const found = await this.find("seek", signal);
    if (found.kind !== "path") return found;
    this.stay = new Stay(this, found.transport);
    try {
      return await this.stay.run(signal);
    } finally {
      this.stay = null;
    }
  }

  /** Looks for a path: an answer, and what opens of it. `upgrade`: only by ticket, and only WebRTC. */
  async find(how: "seek" | "upgrade", signal: AbortSignal): Promise<Found> {
    const approach = new Approach(this.caller().relays);
    const giveUp = (): void => approach.close();
    signal.addEventListener("abort", giveUp);
    try {
      const reply = await this.call(await approach.offer(), how === "upgrade", signal);
      if (reply.kind !== "answer") return reply;
      const patience = how === "upgrade" ? Infinity : this.kind === "websocket" ? IMPATIENCE_MS : PATIENCE_MS;
      const result = await approach.run(reply, patience);
      return typeof result === "string" ? lost(result) : { kind: "path", transport: result };
    } catch (error) {
      if (signal.aborted) return lost("called anew");
      if (error instanceof HomeserverAway) return { kind: "later", why: "homeserver", ms: 0 };
      if (error instanceof RateLimited) return { kind: "later", why: "busy", ms: error.retryAfterMs };
      throw error;
    } finally {
      signal.removeEventListener("abort", giveUp);
      approach.close();
    }
  }

  /** A conversation on this transport is the one in use. */
  uses(conversation: Conversation): void {
    this.conversation = conversation;
    this.kind = conversation.transport.kind;
  }

  /** Gets an answer to an offer, or says why there is none. */
  call(sdp: string, ticketOnly: boolean, signal: AbortSignal): Promise<({ kind: "answer" } & Answer) | Outcome> {
    const turn = this.calling.then(() => this.callNow(sdp, ticketOnly, signal));
    this.calling = turn.catch(() => undefined);
    return turn;
  }

  private async callNow(sdp: string, ticketOnly: boolean, signal: AbortSignal): Promise<({ kind: "answer" } & Answer) | Outcome> {
    signal.throwIfAborted();
    const caller = this.caller();
    const ticket = this.ticket;
    if (ticket && ticket.expiresAt > performance.now()) {
      const resumed = await callByTicket(ticket, caller.session, sdp, signal);
      if (resumed.kind === "later") return { kind: "later", why: "gate", ms: resumed.retryAfterMs };
      if (this.ticket === ticket) this.ticket = null;
      if (resumed.kind === "forbidden") return { kind: "end", ending: NO_LONGER_JOINED };
      if (resumed.kind === "answer") {
        this.ticket = resumed.ticket;
        return resumed;
      }
    }
    if (ticketOnly) return lost("no ticket");
    const reply = await callByMatrix(caller, sdp, signal);
    if (!reply) return { kind: "later", why: "server", ms: 0 };
    if (reply.kind === "refused") return this.refused(reply.reason, reply.retryAfterMs);
    this.ticket = reply.ticket;
    return reply;
  }

  private refused(reason: string, retryAfterMs: number): Outcome {
    if (reason === "org.roomscale.not_joined") return { kind: "rejoin" };
    const ending = refusalEnding(reason);
    if (ending) return { kind: "end", ending };
    return { kind: "later", why: reason === "org.roomscale.homeserver_away" ? "homeserver" : "busy", ms: retryAfterMs };
  }
}

function lost(why: string): Outcome {
  return { kind: "lost", why, welcomed: false };
}
