/**
 * One visit to one world, from Enter to the last page.
 *
 * Rule: this is the only place that moves the phase (through `machine.ts`) and that knows all the parts; each part
 * knows only what it is given. Whatever goes wrong ends in a waiting that is shown, or in an `Ending`.
 */
import { fetchConfig, readLink, type AvatarChoice, type Config, type WorldSummary } from "../config";
import { randomToken } from "../matrix/client";
import { MatrixHttp } from "../matrix/http";
import { GuestPool } from "../matrix/identity";
import type { Holder } from "../matrix/holder";
import type { SyncBatch } from "../matrix/sync";
import { ServerClock } from "../netcode/clock";
import { NOTICE, type Welcome } from "../netcode/messages";
import { Peers } from "../netcode/peers";
import type { Pose } from "../netcode/pose";
import type { World } from "../world";
import { Announcer } from "./announcer";
import type { Caller } from "./call";
import { Chat } from "./chat";
import { Company } from "./company";
import { endingOf, NO_LONGER_JOINED, Over, type Ending } from "./endings";
import { Keeper } from "./keeper";
import { next, standing, type Step } from "./machine";
import { Membership } from "./membership";
import { Relays } from "./relays";
import { Room } from "./room";
import type { Loading, Store, Waiting } from "./state";
import { Surroundings } from "./surroundings";

export interface VisitParts {
  readonly store: Store;
  readonly config: Config;
  readonly summary: WorldSummary;
  readonly via: readonly string[];
  readonly avatars: readonly AvatarChoice[];
  readonly holder: Holder;
  readonly storage: { readonly local: Storage; readonly session: Storage };
  /** Build id of this client. */
  readonly build: string;
  /** Starts the 3D part; asked for once. */
  readonly world: () => Promise<World>;
  readonly goTo: (path: string) => void;
}

/** How long leaving may hold up the way through a portal, in ms. */
const LEAVE_MS = 600;

export class Visit {
  readonly peers = new Peers();
  readonly clock = new ServerClock();
  readonly chat: Chat;
  keeper: Keeper | null = null;
  readonly surroundings: Surroundings;
  private readonly life = new AbortController();
  private readonly http: MatrixHttp;
  private readonly membership: Membership;
  private following = new AbortController();
  private readonly session = randomToken(18);
  private readonly room: Room;
  private avatar: AvatarChoice | null = null;
  private name = "";
  private readonly announce: Announcer;
  private readonly relays: Relays;
  private company: Company | null = null;

  constructor(private readonly parts: VisitParts) {
    const { config, store, summary } = parts;
    this.announce = new Announcer(store, () => parts.goTo(location.pathname + location.search));
    this.http = new MatrixHttp(config.homeserver);
    const pool = new GuestPool(config.homeserver, parts.holder, parts.storage);
    this.membership = new Membership(this.http, pool, summary.roomId, parts.via, {
      waiting: (waiting) => this.wait(waiting),
      batch: (batch) => this.take(batch),
      homeserverAway: (away) => this.homeserver(away),
      unknownToken: () => void this.anew(),
      note: (line) => store.note(line),
    });
    this.relays = new Relays(() => this.membership.client.turnServer(this.life.signal));
    this.room = new Room(this.membership, store, summary);
    const handlers = {
      loading: (loading: Loading) => store.set({ loading }),
      waiting: (waiting: Waiting | null) => this.wait(waiting),
      inside: () => this.welcome !== null,
      note: (line: string) => store.note(line),
    };
    this.surroundings = new Surroundings(this.http, () => this.room.world, this.announce, handlers, this.life.signal);
    const { client, roomId } = this.membership;
    this.chat = new Chat(store, () => ({ client, roomId, userId: this.membership.identity?.userId ?? "" }), this.life.signal);
  }

  get world(): World | null {
    return this.surroundings.world;
  }

  /** What the world server said when it took us in; null while we are on the way. */
  get welcome(): Welcome | null {
    return this.keeper?.conversation?.welcome ?? null;
  }

  /** The whole of it; returns when the visit is over. Called from within the click on Enter. */
  async enter(name: string, avatar: AvatarChoice | null): Promise<void> {
    if (!this.step("enter")) return;
    this.name = name;
    this.avatar = avatar;
    try {
      const world = this.parts.world();
      world.catch(() => undefined); // raised again where it is awaited
      world.then((ready) => ready.unlockAudio(), () => undefined); // still within the click, if the code is here already
      await this.join();
      await this.load(world);
      this.end(await this.keep());
    } catch (error) {
      if (!this.life.signal.aborted) this.end(endingOf(error, (line) => this.parts.store.note(line)));
    }
  }

  /** The page goes: tell everybody, at once. */
  pageHides(): void {
    this.life.abort();
    this.keeper?.close();
    if (this.parts.store.get().phase !== "ended") this.membership.leaveNow();
  }

  private step(step: Step): boolean {
    const { store } = this.parts;
    const phase = next(store.get().phase, step);
    if (phase === null) return false;
    store.set({ phase });
    return true;
  }

  private wait(waiting: Waiting | null): void {
    this.parts.store.set({ waiting });
  }

  private async join(): Promise<void> {
    this.following = new AbortController();
    await this.membership.open(this.name, AbortSignal.any([this.life.signal, this.following.signal]));
    const selfUserId = this.membership.identity?.userId ?? "";
    this.parts.store.set({ selfUserId });
    this.room.read();
    this.relays.servers(performance.now()); // asked for while the scene loads
    this.step("joined");
  }

  private async load(opening: Promise<World>): Promise<void> {
    const { store } = this.parts;
    const world = await this.surroundings.load(opening);
    world.setSelf(this.avatar ? { avatarUrl: this.avatar.url } : {});
    world.enter();
    world.setInputEnabled(false);
    world.onPortal((uri, title) => void this.portal(uri, title));
    world.onHint((hint) => store.set({ hint }));
    const company = new Company(this.peers, this.clock, this.parts.avatars, world);
    this.company = company;
    world.onFrame((now) => company.frame(now));
    this.step("loaded");
    this.surroundings.renew(); // the room may have named another while this one was loading
  }

  private keep(): Promise<Ending> {
    const { world } = this;
    const { store } = this.parts;
    if (!world) throw new Error("the scene stands before anybody is called");
    const { company } = this;
    const body = { pose: () => world.self(), at: () => company?.drawnAt ?? 0, place: (pose: Pose) => world.enter(pose), avatar: this.avatar?.id ?? "", client: `roomscale-web ${this.parts.build}` };
    const caller = (): Caller => ({
      client: this.membership.client,
      self: this.membership.identity ?? { userId: "", deviceId: "", token: "" },
      server: this.room.world.server,
      roomId: this.membership.roomId,
      session: this.session,
      listen: this.membership.listen,
      relays: this.relays.servers(performance.now()),
    });
    this.keeper = new Keeper(caller, body, this.peers, this.clock, {
      welcomed: (welcome) => this.welcomed(welcome),
      roster: () => this.roster(),
      notice: (code, text) => this.notice(code, text),
      lost: (why) => this.lost(why),
      note: (line) => store.note(line),
      path: (kind) => store.set({ slower: kind === "websocket" }),
      waiting: (waiting) => this.wait(waiting),
      rejoin: () => this.membership.join(this.life.signal),
    });
    return this.keeper.run(this.life.signal);
  }

  private welcomed(welcome: Welcome): void {
    const { store } = this.parts;
    const back = store.get().phase === "reconnecting";
    if (!this.step("welcomed")) return;
    this.world?.setInputEnabled(true);
    store.set({ selfName: welcome.name, waiting: null });
    this.announce.connected(back);
    if (back) void this.lookForNewerClient();
    this.roster();
    this.surroundings.renew();
  }

  /** The world server may have been renewed while we were away, and its client with it. */
  private async lookForNewerClient(): Promise<void> {
    const { client } = await fetchConfig(this.life.signal).catch(() => this.parts.config);
    if (client !== this.parts.build) this.announce.newClient();
  }

  private roster(): void {
    const { store } = this.parts;
    const { selfName, selfUserId } = store.get();
    const others = this.peers.others();
    this.company?.dress();
    const own = this.peers.self();
    const self = { id: own?.id ?? 0, name: selfName, userId: selfUserId, role: own?.role ?? "guest", self: true } as const;
    store.set({ people: [self, ...others.map((peer) => ({ ...peer, self: false }))] });
  }

  private notice(code: number, text: string): void {
    if (code === NOTICE.homeserverAway) return this.homeserver(true);
    if (code === NOTICE.homeserverBack) return this.homeserver(false);
    this.announce.notice(code, text);
  }

  private lost(why: string): void {
    const { store } = this.parts;
    store.note(`connection: ${why}`);
    if (this.step("lost") && store.get().phase === "reconnecting") this.announce.lost();
  }

  private homeserver(away: boolean): void {
    const { store } = this.parts;
    if (store.get().homeserverAway === away) return;
    store.set({ homeserverAway: away });
    if (standing(store.get().phase)) this.announce.homeserver(away);
  }

  private take(batch: SyncBatch): void {
    this.chat.take(batch);
    if (!this.room.isRead) return;
    if (batch.left && this.welcome === null) {
      return this.end(NO_LONGER_JOINED);
    }
    if ([...batch.state, ...batch.timeline].some((event) => event.stateKey === "")) this.changed();
  }

  /** The room's state has changed under our feet. */
  private changed(): void {
    const before = this.room.world.server;
    try {
      this.room.read();
    } catch (error) {
      return error instanceof Over && error.ending.code === "moved" ? this.end(error.ending) : undefined;
    }
    this.surroundings.renew();
    const { server } = this.room.world;
    if (server.userId !== before.userId || server.deviceId !== before.deviceId) this.keeper?.renew();
  }

  /** The homeserver no longer knows our guest: be another one, in the same place. */
  private async anew(): Promise<void> {
    if (!this.step("restart")) return;
    this.membership.forget();
    this.following.abort();
    try {
      await this.join();
      this.keeper?.renew();
    } catch (error) {
      if (!this.life.signal.aborted) this.end(endingOf(error, (line) => this.parts.store.note(line)));
    }
  }

  private async portal(uri: string, title: string): Promise<void> {
    const { store, config } = this.parts;
    const destination = readLink(uri, config.serverName);
    if (!destination) return this.announce.deadPortal();
    if (destination.kind === "web") return store.set({ leavingTo: { title, url: destination.url, host: destination.host } });
    this.announce.goingTo(title);
    this.world?.setInputEnabled(false);
    await this.leave();
    this.parts.goTo(destination.path);
  }

  /** Ends the visit quietly and leaves the room. */
  async leave(): Promise<void> {
    this.keeper?.close();
    this.life.abort();
    await this.membership.leave(LEAVE_MS);
  }

  private end(ending: Ending): void {
    if (!this.step("end")) return;
    this.life.abort();
    this.keeper?.close();
    this.world?.setInputEnabled(false);
    if (ending.code !== "replaced") this.membership.leaveNow();
    this.parts.store.set({ ending, waiting: null, toasts: [], panel: null, people: [] });
  }
}
