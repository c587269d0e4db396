/**
 * The phases of a visit, and what leads from one to the next.
 *
 * Rule: everything that moves a visit on is a row of this table, and nothing else is; `next` is pure. A row that is
 * missing means that the event has come too late, and is ignored.
 *
 * title ─enter→ joining ─joined→ loading ─loaded→ calling ─welcomed→ inside ─lost→ reconnecting ─welcomed→ inside;
 * `restart` (a new guest is needed) leads back to joining, or, once inside, to reconnecting; `end` ends any of them.
 */

export type Phase = "title" | "joining" | "loading" | "calling" | "inside" | "reconnecting" | "ended";

export type Step =
  /** The visitor pressed Enter. */
  | "enter"
  /** The room is joined and its state read. */
  | "joined"
  /** The scene stands. */
  | "loaded"
  /** WELCOME: a participant. */
  | "welcomed"
  /** The path to the world server is gone, or silent. */
  | "lost"
  /** The homeserver no longer knows this guest. */
  | "restart"
  /** It is over, and a page says why. */
  | "end";

const TABLE: Readonly<Record<Phase, Partial<Record<Step, Phase>>>> = {
  title: { enter: "joining", end: "ended" },
  joining: { joined: "loading", restart: "joining", end: "ended" },
  loading: { loaded: "calling", restart: "joining", end: "ended" },
  calling: { welcomed: "inside", lost: "calling", restart: "joining", end: "ended" },
  inside: { lost: "reconnecting", restart: "inside", end: "ended" },
  reconnecting: { welcomed: "inside", lost: "reconnecting", restart: "reconnecting", end: "ended" },
  ended: { enter: "joining" },
};

/** The phase after `step`, or null when it means nothing in `phase`. */
export function next(phase: Phase, step: Step): Phase | null {
  return TABLE[phase][step] ?? null;
}

/** The phases in which the visitor stands in the scene. */
export function standing(phase: Phase): boolean {
  return phase === "inside" || phase === "reconnecting";
}
