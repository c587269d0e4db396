/**
 * Being in the room: a guest, a name, the join, and the sync that follows.
 *
 * Rule: `open` succeeds or raises what no waiting mends. From then on the room's state is kept here, and to-device
 * messages go to whoever listens; a token that is no longer one is told once, through `onUnknownToken`.
 */
import { MatrixClient, type Identity, type RawEvent } from "../matrix/client";
import { MatrixError } from "../matrix/errors";
import type { MatrixHttp } from "../matrix/http";
import type { GuestPool } from "../matrix/identity";
import { syncLoop, type SyncBatch } from "../matrix/sync";
import { readWorldState, type WorldResult } from "../matrix/world_state";
import type { ToDevice } from "./call";
import { persist } from "./persist";
import type { Waiting } from "./state";

export interface MembershipHandlers {
  waiting(waiting: Waiting | null): void;
  batch(batch: SyncBatch): void;
  homeserverAway(away: boolean): void;
  unknownToken(): void;
  note(line: string): void;
}

export class Membership {
  readonly client: MatrixClient;
  identity: Identity | null = null;
  private readonly state = new Map<string, RawEvent>();
  private readonly listeners = new Set<(message: ToDevice) => void>();

  constructor(
    private readonly http: MatrixHttp,
    private readonly pool: GuestPool,
    readonly roomId: string,
    private readonly via: readonly string[],
    private readonly handlers: MembershipHandlers,
  ) {
    this.client = new MatrixClient(http);
  }

  /** Gets a guest, names them, joins, and returns once the room's state is here. */
  async open(name: string, signal: AbortSignal): Promise<void> {
    const waiting = (now: Waiting | null): void => this.handlers.waiting(now);
    for (;;) {
      this.identity = await persist(() => this.pool.take(() => this.client.registerGuest(signal)), waiting, signal);
      this.client.use(this.identity);
      try {
        await persist(() => this.name(this.identity?.userId ?? "", name, signal), waiting, signal);
        await this.join(signal);
        const create = await persist(() => this.client.createEvent(this.roomId, signal), waiting, signal);
        this.state.set(create.type, create);
        return await this.follow(signal);
      } catch (error) {
        if (!(error instanceof MatrixError && error.unknownToken)) throw error;
        this.forget(); // the homeserver no longer knows this guest: be another
      }
    }
  }

  /** Joins (again): after a kick, or when the world server says that we are not in. */
  async join(signal: AbortSignal): Promise<void> {
    await persist(() => this.client.join(this.roomId, this.via, signal), (now) => this.handlers.waiting(now), signal);
  }

  forget(): void {
    if (this.identity) this.pool.forget(this.identity);
    this.identity = null;
  }

  /** Each to-device message from now on, until the returned function is called. */
  readonly listen = (listener: (message: ToDevice) => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** The world as the room's state has it now. */
  world(): WorldResult {
    return readWorldState(this.state.values());
  }

  /** Leaves as the page goes: the request outlives it. */
  leaveNow(): void {
    if (this.identity) void this.client.leave(this.roomId, true).catch(() => undefined);
  }

  /** Leaves, and waits at most `ms` for the homeserver to say so. */
  async leave(ms: number): Promise<void> {
    const late = new Promise<void>((resolve) => setTimeout(resolve, ms));
    await Promise.race([this.client.leave(this.roomId, true).catch(() => undefined), late]);
  }

  private async name(userId: string, name: string, signal: AbortSignal): Promise<void> {
    try {
      await this.client.setDisplayName(userId, name, signal);
    } catch (error) {
      if (!(error instanceof MatrixError) || error.unknownToken) throw error;
      this.handlers.note(`the homeserver did not take the name: ${error.message}`);
    }
  }

  /** Starts the sync; resolves with its first batch that has the room in it. */
  private follow(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      let inside = false;
      const batch = (batch: SyncBatch): void => {
        this.take(batch);
        if (!inside && batch.holdsRoom) {
          inside = true;
          resolve();
        }
      };
      const away = (gone: boolean): void => this.handlers.homeserverAway(gone);
      syncLoop(this.http, this.roomId, { batch, away }, signal).then(
        () => reject(signal.reason as Error),
        (error: unknown) => (inside ? this.handlers.unknownToken() : reject(error as Error)),
      );
    });
  }

  private take(batch: SyncBatch): void {
    for (const event of [...batch.state, ...batch.timeline]) {
      if (event.stateKey === "") this.state.set(event.type, event);
    }
    this.handlers.batch(batch);
    for (const message of batch.toDevice) for (const listener of [...this.listeners]) listener(message);
  }
}
