/**
 * Which path to take to the world server, and when to look for another: WebRTC, or a WebSocket where UDP is blocked.
 *
 * Rule: pure; time is a parameter, in ms of any clock. `Race` decides between the two ways of one answer, `Watch` what
 * to do about the path in use; both only say what is to be done, and are told what came of it.
 */

export type PathKind = "webrtc" | "websocket";

/** WebRTC gets this long before the WebSocket is tried too, in ms. */
export const PATIENCE_MS = 3_000;
/** The same where the WebSocket was the path that worked last, in ms. */
export const IMPATIENCE_MS = 300;
/** From an answer to an open path, in ms. */
export const OPEN_MS = 10_000;
/** So much of the time between two looks counts at most, in ms: a page that builds a scene hears nothing. */
const BUSY_MS = 1_000;
/** So long without a packet, and a PING asks for one, in ms; and again after as long. */
export const PROBE_MS = 500;
/** So long without a packet (the answer to a PING included), and another path is looked for, in ms. */
export const SILENCE_MS: Readonly<Record<PathKind, number>> = { webrtc: 1_000, websocket: 2_000 };
/** The same when the network is known to have changed, counted from then, in ms. */
export const SUSPICION_MS = 250;
/** So long without a packet: the path is lost, and the visitor is told, in ms. */
export const LOST_MS = 3_000;
/** A restarted path that stays silent so long does not work, in ms. */
export const RESTART_MS = 1_500;
/** How often WebRTC is tried again while a WebSocket serves, in ms. */
export const RETRY_MS = 30_000;
/** Between two looks for another path while this one is silent, in ms. */
const AGAIN_MS = 500;
/** After a restart that was answered by a packet: that silence may have been mere loss, and come again, in ms. */
export const CALM_MS = 2_000;
/** No look for so long: the page slept, and its silence begins when it woke, in ms. */
const SLEPT_MS = 2_000;

type Runner = "waiting" | "running" | "failed" | "none";

export type RaceAct = { readonly do: "websocket" } | { readonly do: "lose"; readonly why: string } | null;

/** From an answer to the first of its paths that opens. Whoever runs it ends it then. */
export class Race {
  private webrtc: Runner = "running";
  private websocket: Runner;
  /** How long it has been waited for while the page could have heard, in ms. */
  private waited = 0;

  constructor(
    private lookedAt: number,
    /** The answer brought a key for the WebSocket. */
    key: boolean,
    private readonly patience: number,
  ) {
    this.websocket = key ? "waiting" : "none";
  }

  failed(kind: PathKind): void {
    if (kind === "webrtc") this.webrtc = "failed";
    else this.websocket = "failed";
  }

  /** What to do now; to be asked after each event and every few 100 ms. */
  next(now: number): RaceAct {
    this.waited += Math.min(now - this.lookedAt, BUSY_MS);
    this.lookedAt = now;
    if (this.websocket === "waiting" && (this.webrtc === "failed" || this.waited >= this.patience)) {
      this.websocket = "running";
      return { do: "websocket" };
    }
    if (this.webrtc === "failed" && this.websocket !== "running") return { do: "lose", why: "no path opened" };
    if (this.waited >= OPEN_MS) return { do: "lose", why: "no path opened in time" };
    return null;
  }
}

/** What takes its time, and is told to have ended. */
export type Quest =
  /** ICE restart: new credentials on the same connection, by ticket. */
  | "restart"
  /** A new call, while the path in use goes on; its first open path takes over. */
  | "seek"
  /** The same, by WebRTC only: the WebSocket in use works. */
  | "upgrade";

export type Act =
  | Quest
  /** Send a PING. */
  | "probe"
  /** This path is over. */
  | "lose";

/** Over the path in use, from its opening to its end. */
export class Watch {
  private heardAt: number;
  private lookedAt: number;
  private upgradeAt: number;
  private againAt = 0;
  private probedAt = -Infinity;
  private changedAt: number | null = null;
  private restartedAt: number | null = null;
  private busy: Quest | null = null;

  constructor(
    private readonly kind: PathKind,
    now: number,
    /** Whether this server keeps a connection over an ICE restart, as far as is known. */
    private restartable: boolean,
  ) {
    this.heardAt = this.lookedAt = now;
    this.upgradeAt = now + RETRY_MS;
  }

  /** The newest packet came at `at`. */
  heard(at: number): void {
    if (at <= this.heardAt) return;
    this.heardAt = at;
    if (this.restartedAt !== null && at > this.restartedAt) {
      this.restartedAt = null;
      this.againAt = at + CALM_MS;
    }
    if (this.changedAt !== null && at > this.changedAt + SUSPICION_MS) this.changedAt = null;
  }

  /** The browser says that it is online again, or on another kind of network. */
  changed(now: number): void {
    this.changedAt = now;
    this.againAt = now;
  }

  /** It has begun; an `upgrade` that runs is given up for it. */
  began(quest: Quest): void {
    this.busy = quest;
    this.changedAt = this.restartedAt = null;
  }

  /** It came to nothing; not again within `pause` ms. */
  ended(now: number, pause = 0): void {
    this.busy = null;
    this.againAt = now + Math.max(pause, AGAIN_MS);
    this.upgradeAt = now + RETRY_MS;
  }

  /** The restart was answered: this path has to be heard again soon. */
  restarted(now: number): void {
    this.busy = null;
    this.restartedAt = now;
  }

  /** This server cannot restart: look for new paths instead, at once. */
  cannotRestart(now: number): void {
    this.busy = null;
    this.restartable = false;
    this.againAt = now;
    this.changedAt ??= now - SUSPICION_MS;
  }

  /** What to do now; to be asked some times a second. */
  next(now: number): Act | null {
    if (now - this.lookedAt > SLEPT_MS) this.heardAt = Math.max(this.heardAt, now - PROBE_MS);
    this.lookedAt = now;
    const silent = now - this.heardAt;
    if (silent >= LOST_MS) return "lose";
    return this.quest(now, silent) ?? this.probe(now, silent);
  }

  private probe(now: number, silent: number): Act | null {
    if (silent < PROBE_MS || now - this.probedAt < PROBE_MS) return null;
    this.probedAt = now;
    return "probe";
  }

  private quest(now: number, silent: number): Quest | null {
    if (now < this.againAt || (this.busy && this.busy !== "upgrade")) return null;
    if (this.restartedAt !== null) return now - this.restartedAt >= RESTART_MS ? "seek" : null;
    if (this.inTrouble(now, silent)) return this.mayRestart ? "restart" : "seek";
    return !this.busy && this.kind === "websocket" && now >= this.upgradeAt ? "upgrade" : null;
  }

  private inTrouble(now: number, silent: number): boolean {
    if (silent >= SILENCE_MS[this.kind]) return true;
    if (this.changedAt === null) return false;
    // What costs nothing, or may lead out of the WebSocket, is done at once; a whole new call only for a silent path.
    if (this.mayRestart || this.kind === "websocket") return true;
    return this.heardAt <= this.changedAt && now - this.changedAt >= SUSPICION_MS;
  }

  private get mayRestart(): boolean {
    return this.kind === "webrtc" && this.restartable;
  }
}
