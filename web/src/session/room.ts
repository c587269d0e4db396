/**
 * The room as a world: what its state says now, and what the page shows of it.
 *
 * Rule: state is read whole each time, and what can be no world (any more) raises `Over`; the last reading that could stays.
 */
import type { WorldSummary } from "../config";
import type { WorldState } from "../matrix/world_state";
import { Over, worldProblem } from "./endings";
import type { Membership } from "./membership";
import type { Store } from "./state";

export class Room {
  private state: WorldState | null = null;

  constructor(
    private readonly membership: Membership,
    private readonly store: Store,
    private readonly summary: WorldSummary,
  ) {}

  get isRead(): boolean {
    return this.state !== null;
  }

  /** The last reading. */
  get world(): WorldState {
    if (!this.state) throw new Error("the room's state is read before anything needs it");
    return this.state;
  }

  /** Reads the state as the sync has brought it. */
  read(): void {
    const result = this.membership.world();
    if ("problem" in result) throw new Over(worldProblem(result.problem, (room) => `/w/${encodeURIComponent(room)}`));
    const { world } = result;
    const muted = world.powerOf(this.membership.identity?.userId ?? "") < world.messageLevel;
    const closed = world.encrypted
      ? "This room is encrypted: guests can be here, but not read or write its messages."
      : muted
        ? "You may read here, but not write."
        : null;
    const { store, summary } = this;
    store.set({ chatClosed: closed, world: { ...summary, name: world.name, topic: world.topic || summary.topic } });
    this.state = world;
  }
}
