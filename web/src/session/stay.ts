/**
 * Being connected: the path in use, and the search for a better or a living one, until there is none left.
 *
 * Rule: `Watch` decides, this file does. A path is left when another one is open, never before; only when it is silent
 * for too long is it given up, and a search that is under way then goes on.
 */
import { Conversation } from "./conversation";
import { goodbyeEnding, type Ending } from "./endings";
import type { Keeper } from "./keeper";
import { Watch, type Quest } from "./paths";
import type { Waiting } from "./state";
import type { Transport } from "./transport";
import { WebRtc } from "./webrtc";

/** How a stay, or the search for one, went. */
export type Outcome =
  | { readonly kind: "lost"; readonly why: string; readonly welcomed: boolean }
  | { readonly kind: "later"; readonly why: Waiting["why"]; readonly ms: number }
  | { readonly kind: "rejoin" }
  | { readonly kind: "end"; readonly ending: Ending };

export type Found = { readonly kind: "path"; readonly transport: Transport } | Outcome;

/** How often the path is looked at, in ms. */
const LOOK_MS = 250;

export class Stay {
  private conversation!: Conversation;
  private watch!: Watch;
  private readonly timer = setInterval(() => this.look(), LOOK_MS);
  private finish: (outcome: Outcome) => void = () => undefined;
  private quest: AbortController | null = null;
  private life = new AbortController();
  private welcomed = false;
  /** Why the path in use was given up, while a search still goes on. */
  private gone: string | null = null;

  constructor(
    private readonly keeper: Keeper,
    first: Transport,
  ) {
    this.take(first);
  }

  /** Until no path is left, the server says GOODBYE, or `signal` aborts. */
  async run(signal: AbortSignal): Promise<Outcome> {
    const over = new Promise<Outcome>((resolve) => (this.finish = resolve));
    const abort = (): void => this.finish({ kind: "lost", why: "called anew", welcomed: false });
    signal.addEventListener("abort", abort);
    if (signal.aborted) abort();
    try {
      return await over;
    } finally {
      signal.removeEventListener("abort", abort);
      clearInterval(this.timer);
      this.life.abort();
      this.quest?.abort();
      this.conversation.close();
    }
  }

  /** The browser says that the network has changed. */
  networkChanged(): void {
    this.watch.changed(performance.now());
    this.conversation.beat();
    this.look();
  }

  /** Moves to a path that has opened. The others notice nothing: the server keeps the participant. */
  private take(transport: Transport): void {
    const { keeper } = this;
    const { handlers } = keeper;
    const former = this.conversation as Conversation | undefined;
    const conversation = new Conversation(transport, keeper.body, keeper.peers, keeper.clock, {
      welcomed: (welcome) => {
        this.welcomed = true;
        handlers.waiting(null);
        handlers.path(transport.kind);
        handlers.welcomed(welcome);
      },
      roster: () => handlers.roster(),
      notice: (code, text) => handlers.notice(code, text),
      goodbye: (code, reason) => {
        const ending = goodbyeEnding(code, reason);
        this.finish(ending ? { kind: "end", ending } : { kind: "lost", why: reason || "the server stops", welcomed: true });
      },
      lost: (why) => this.lose(why),
    });
    this.conversation = conversation;
    this.watch = new Watch(transport.kind, performance.now(), keeper.restartable);
    this.gone = null;
    former?.close();
    keeper.uses(conversation);
  }

  private look(): void {
    if (this.gone !== null) return;
    const now = performance.now();
    this.watch.heard(this.conversation.heardAt);
    const act = this.conversation.welcome ? this.watch.next(now) : null; // before it, the handshake has a timer
    if (act === null) return;
    if (act === "probe") this.conversation.beat();
    else if (act === "lose") this.lose("no packet for three seconds");
    else this.begin(act);
  }

  private lose(why: string): void {
    this.conversation.close();
    if (this.quest === null) return this.finish({ kind: "lost", why, welcomed: this.welcomed });
    this.gone = why;
    this.keeper.handlers.lost(why);
  }

  private begin(quest: Quest): void {
    this.quest?.abort(); // an upgrade that has become pointless
    const own = new AbortController();
    this.quest = own;
    this.watch.began(quest);
    this.keeper.handlers.note(`path: ${quest}`);
    const signal = AbortSignal.any([this.life.signal, own.signal]);
    const work = quest === "restart" ? this.restart(signal) : this.search(quest, signal);
    void work.then(
      (outcome) => this.came(own, outcome),
      () => this.came(own, { kind: "lost", why: "a search failed", welcomed: false }),
    );
  }

  /** A quest has ended: with a new path, with an outcome of its own, or null when the path in use is to go on. */
  private came(own: AbortController, outcome: Found | null): void {
    if (outcome?.kind === "path" && (this.life.signal.aborted || own.signal.aborted)) return outcome.transport.close();
    if (this.quest !== own) return;
    this.quest = null;
    if (outcome?.kind === "path") return this.take(outcome.transport);
    if (outcome?.kind === "end" || outcome?.kind === "rejoin") return this.finish(outcome);
    if (this.gone !== null) {
      return this.finish(outcome?.kind === "later" ? outcome : { kind: "lost", why: this.gone, welcomed: this.welcomed });
    }
    if (outcome !== null) this.watch.ended(performance.now(), outcome.kind === "later" ? outcome.ms : 0);
  }

  private search(quest: "seek" | "upgrade", signal: AbortSignal): Promise<Found> {
    return this.keeper.find(quest, signal);
  }

  /** ICE restart: new credentials for the same connection, so that nobody says HELLO. */
  private async restart(signal: AbortSignal): Promise<Found | null> {
    const { transport } = this.conversation;
    if (!(transport instanceof WebRtc)) return null;
    const reply = await this.keeper.call(await transport.restart(), true, signal);
    if (this.gone !== null || reply.kind === "later" || reply.kind === "end") return reply.kind === "answer" ? null : reply;
    if (reply.kind === "answer" && transport.isOurs(reply.sdp)) {
      await transport.accept(reply.sdp);
      this.watch.restarted(performance.now());
    } else {
      if (reply.kind === "answer") this.keeper.restartable = false;
      this.watch.cannotRestart(performance.now());
    }
    return null;
  }
}
