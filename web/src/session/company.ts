/**
 * The others in the picture: those in sight, how they look and where they are.
 *
 * Rule: everybody here has a name in the list of people; only whom the server lets us see has a body, so that a
 * thousand people cost what a few dozen do.
 */
import type { AvatarChoice } from "../config";
import type { ServerClock } from "../netcode/clock";
import type { Peers } from "../netcode/peers";
import type { PeerLook, World } from "../world";

/** How often it is looked for those who came into sight, or went out of it, in ms. */
const LOOK_MS = 200;

export class Company {
  /** When the last frame was drawn, by performance.now(). */
  drawnAt = 0;
  private lookedAt = 0;
  private inSight = "";

  constructor(
    private readonly peers: Peers,
    private readonly clock: ServerClock,
    private readonly avatars: readonly AvatarChoice[],
    private readonly world: World,
  ) {}

  /** A frame is drawn at `now` (ms of our clock): our own body has moved, the others are to be moved. */
  frame(now: number): void {
    this.drawnAt = now;
    if (now - this.lookedAt >= LOOK_MS) {
      this.lookedAt = now;
      if (this.ids().join() !== this.inSight) this.dress();
    }
    this.peers.shown(this.clock, now, (id, pose) => this.world.movePeer(id, pose));
  }

  /** Somebody came, went, or changed. */
  dress(): void {
    const ids = this.ids();
    this.inSight = ids.join();
    this.world.setPeers(new Map(ids.map((id) => [id, this.look(id)])));
  }

  private ids(): number[] {
    return this.peers.others().flatMap(({ id }) => (this.peers.inSight(id) ? [id] : []));
  }

  private look(id: number): PeerLook {
    const peer = this.peers.get(id);
    const name = peer?.name ?? "";
    const url = this.avatars.find((avatar) => avatar.id === peer?.avatar)?.url;
    return url === undefined ? { name } : { name, avatarUrl: url };
  }
}
