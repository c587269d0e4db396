/**
 * What the page shows: one immutable value, and a way to be told when it changes.
 *
 * Rule: the session writes, the interface reads; nothing that changes with every frame is in here.
 */
import type { AvatarChoice, Config, WorldSummary } from "../config";
import type { ChatMessage } from "../matrix/timeline";
import type { Role } from "../netcode/messages";
import type { Ending } from "./endings";
import type { Phase } from "./machine";

/** Why nothing moves just now; `until` (Date.now()) is when it is tried again. */
export interface Waiting {
  readonly why: "busy" | "homeserver" | "gate" | "server" | "full";
  readonly until: number;
}

export interface Loading {
  readonly stage: "download" | "reading" | "textures" | "colliders" | "shaders" | "ready";
  /** 0–1 of the whole, or null while the size is unknown. */
  readonly part: number | null;
  readonly bytes: number;
  readonly total: number;
}

export interface Person {
  readonly id: number;
  readonly name: string;
  readonly userId: string;
  readonly role: Role;
  readonly self: boolean;
}

export interface Toast {
  readonly id: number;
  readonly kind: "info" | "good" | "warning";
  readonly text: string;
  /** A toast of the same key replaces the older one; null ones stand alone. */
  readonly key: string | null;
  readonly action: { readonly label: string; readonly run: () => void } | null;
}

export interface AppState {
  readonly page: "start" | "world";
  readonly phase: Phase;
  readonly config: Config | null;
  /** The gate does not answer: the start page and the entry card say so and try again. */
  readonly gateAway: boolean;
  readonly worlds: readonly WorldSummary[] | null;
  readonly world: WorldSummary | null;
  readonly avatars: readonly AvatarChoice[];
  readonly waiting: Waiting | null;
  readonly loading: Loading;
  readonly selfName: string;
  readonly selfUserId: string;
  readonly people: readonly Person[];
  readonly chat: readonly ChatMessage[];
  /** Messages that came while the chat was out of sight. */
  readonly unread: number;
  /** Why one cannot write, or null. */
  readonly chatClosed: string | null;
  /** Shown names of chat senders who are not in the world. */
  readonly names: ReadonlyMap<string, string>;
  readonly homeserverAway: boolean;
  /** UDP is blocked: what moves comes over a WebSocket. */
  readonly slower: boolean;
  readonly toasts: readonly Toast[];
  readonly hint: string | null;
  readonly leavingTo: { readonly title: string; readonly url: string; readonly host: string } | null;
  readonly panel: "chat" | "people" | null;
  readonly help: boolean;
  readonly ending: Ending | null;
  readonly notes: readonly string[];
}

export const INITIAL: AppState = {
  page: "start",
  phase: "title",
  config: null,
  gateAway: false,
  worlds: null,
  world: null,
  avatars: [],
  waiting: null,
  loading: { stage: "download", part: null, bytes: 0, total: 0 },
  selfName: "",
  selfUserId: "",
  people: [],
  chat: [],
  unread: 0,
  chatClosed: null,
  names: new Map(),
  homeserverAway: false,
  slower: false,
  toasts: [],
  hint: null,
  leavingTo: null,
  panel: null,
  help: false,
  ending: null,
  notes: [],
};

/** Notes kept for the hook and the help overlay. */
const MOST_NOTES = 50;
const TOAST_MS = 6_000;

export class Store {
  private state: AppState = INITIAL;
  private readonly listeners = new Set<() => void>();
  private toastId = 0;

  get(): AppState {
    return this.state;
  }

  set(change: Partial<AppState>): void {
    this.state = { ...this.state, ...change };
    for (const listener of this.listeners) listener();
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** A line for whoever looks closer. */
  note(line: string): void {
    this.set({ notes: [...this.state.notes, line].slice(-MOST_NOTES) });
  }

  /** Shows a line for a moment, or until its `key` is taken away when `stays`. */
  toast(text: string, options: { kind?: Toast["kind"]; key?: string; stays?: boolean; action?: Toast["action"] } = {}): void {
    this.toastId += 1;
    const id = this.toastId;
    const key = options.key ?? null;
    const others = this.state.toasts.filter((toast) => key === null || toast.key !== key);
    const toast: Toast = { id, kind: options.kind ?? "info", text, key, action: options.action ?? null };
    this.set({ toasts: [...others, toast].slice(-4) });
    if (!options.stays) setTimeout(() => this.dropToast(id), TOAST_MS);
  }

  dropToast(id: number): void {
    this.set({ toasts: this.state.toasts.filter((toast) => toast.id !== id) });
  }

  clearToast(key: string): void {
    if (this.state.toasts.some((toast) => toast.key === key)) {
      this.set({ toasts: this.state.toasts.filter((toast) => toast.key !== key) });
    }
  }
}
