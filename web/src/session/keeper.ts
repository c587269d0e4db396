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
import { callByMatrix, callByTicket, type Caller } from "./call";
import { Conversation, type Body } from "./conversation";
import { goodbyeEnding, NO_LONGER_JOINED, refusalEnding, type Ending } from "./endings";
import { backoff } from "./persist";
import type { Ticket } from "./signalling";
import type { Waiting } from "./state";

export interface KeeperHandlers {
  welcomed(welcome: Welcome): void;
  roster(): void;
  notice(code: number, text: string): void;
  /** The path is lost, or was not found; it is being looked for. */
  lost(why: string): void;
  waiting(waiting: Waiting | null): void;
  /** The room must be joined again before a call can succeed. */
  rejoin(): Promise<void>;
}

/** How one attempt went. */
type Outcome =
  | { readonly kind: "lost"; readonly why: string; readonly welcomed: boolean }
  | { readonly kind: "later"; readonly why: Waiting["why"]; readonly ms: number }
  | { readonly kind: "rejoin" }
  | { readonly kind: "end"; readonly ending: Ending };

/** Somebody who stands in a world wants to be back: the pauses between attempts grow no longer than this, in ms. */
const LONGEST_PAUSE_MS = 3_000;
/** A path that broke this soon after WELCOME counts as a failed attempt, in ms. */
const SETTLED_MS = 5_000;

export class Keeper {
  conversation: Conversation | null = null;
  private ticket: Ticket | null = null;
  private interrupt = new AbortController();

  constructor(
    private readonly caller: () => Caller,
    private readonly body: Body,
    readonly peers: Peers,
    readonly clock: ServerClock,
    private readonly handlers: KeeperHandlers,
  ) {}

  /** Runs until `signal` aborts (raises its reason) or the visit is over (returns why). */
  async run(signal: AbortSignal): Promise<Ending> {
    let failures = 0;
    signal.addEventListener("abort", () => this.conversation?.close());
    for (;;) {
      const began = performance.now();
      this.interrupt = new AbortController();
      const outcome = await this.attempt(AbortSignal.any([signal, this.interrupt.signal]), signal);
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
    this.conversation?.close();
    this.interrupt.abort();
  }

  close(): void {
    this.conversation?.close();
  }

  private async attempt(signal: AbortSignal, outer: AbortSignal): Promise<Outcome> {
    let finish: (outcome: Outcome) => void = () => undefined;
    const over = new Promise<Outcome>((resolve) => (finish = resolve));
    const conversation = this.begin(finish);
    signal.addEventListener("abort", () => finish({ kind: "lost", why: "called anew", welcomed: false }));
    try {
      const failed = await this.call(conversation, signal);
      return failed ?? (await over);
    } catch (error) {
      if (error instanceof HomeserverAway) return { kind: "later", why: "homeserver", ms: 0 };
      if (error instanceof RateLimited) return { kind: "later", why: "busy", ms: error.retryAfterMs };
      outer.throwIfAborted();
      if (signal.aborted) return { kind: "lost", why: "called anew", welcomed: false };
      throw error;
    } finally {
      outer.throwIfAborted();
      conversation.close();
    }
  }

  private begin(finish: (outcome: Outcome) => void): Conversation {
    const conversation = new Conversation(this.body, this.peers, this.clock, {
      welcomed: (welcome) => {
        this.handlers.waiting(null);
        this.handlers.welcomed(welcome);
      },
      roster: () => this.handlers.roster(),
      notice: (code, text) => this.handlers.notice(code, text),
      goodbye: (code, reason) => {
        const ending = goodbyeEnding(code, reason);
        finish(ending ? { kind: "end", ending } : { kind: "lost", why: reason || "the server stops", welcomed: true });
      },
      lost: (why) => finish({ kind: "lost", why, welcomed: conversation.welcome !== null }),
    });
    this.conversation = conversation;
    return conversation;
  }

  /** Gets an answer to the conversation's offer; returns why there is none, or null once it is accepted. */
  private async call(conversation: Conversation, signal: AbortSignal): Promise<Outcome | null> {
    const caller = this.caller();
    const sdp = await conversation.transport.offer();
    const ticket = this.ticket;
    if (ticket && ticket.expiresAt > performance.now()) {
      const resumed = await callByTicket(ticket, caller.session, sdp, signal);
      if (resumed.kind === "later") return { kind: "later", why: "gate", ms: resumed.retryAfterMs };
      this.ticket = null;
      if (resumed.kind === "forbidden") return { kind: "end", ending: NO_LONGER_JOINED };
      if (resumed.kind === "answer") {
        this.ticket = resumed.ticket;
        await conversation.accept(resumed.sdp);
        return null;
      }
    }
    const reply = await callByMatrix(caller, sdp, signal);
    if (!reply) return { kind: "later", why: "server", ms: 0 };
    if (reply.kind === "refused") return this.refused(reply.reason, reply.retryAfterMs);
    this.ticket = reply.ticket;
    await conversation.accept(reply.sdp);
    return null;
  }

  private refused(reason: string, retryAfterMs: number): Outcome {
    if (reason === "org.roomscale.not_joined") return { kind: "rejoin" };
    const ending = refusalEnding(reason);
    if (ending) return { kind: "end", ending };
    return { kind: "later", why: reason === "org.roomscale.homeserver_away" ? "homeserver" : "busy", ms: retryAfterMs };
  }
}
