/**
 * One visit to one world, from Enter to the last page.
 *
 * Rule: this is the only place that moves the phase (through `machine.ts`) and that knows all the parts; each part
 * knows only what it is given. Whatever goes wrong ends in a waiting that is shown, or in an `Ending`.
 */
import { fetchConfig, readLink, type AvatarChoice, type Config, type WorldSummary } from "../config";
import { randomToken } from "../matrix/client";
import { HomeserverAway, MatrixError } from "../matrix/errors";
import { MatrixHttp } from "../matrix/http";
import { GuestPool } from "../matrix/identity";
import type { Holder } from "../matrix/holder";
import { sameMedia, type Mxc } from "../matrix/media";
import type { SyncBatch } from "../matrix/sync";
import type { WorldState } from "../matrix/world_state";
import { ServerClock } from "../netcode/clock";
import { NOTICE, type Welcome } from "../netcode/messages";
import { Peers } from "../netcode/peers";
import type { Pose } from "../netcode/pose";
import { chooseLevel, thisDevice } from "../scene/package/level";
import type { LoadReport, World } from "../world";
import { Announcer } from "./announcer";
import type { Caller } from "./call";
import { Chat } from "./chat";
import { Company } from "./company";
import { matrixEnding, NO_LONGER_JOINED, SERVER_LOST, worldProblem, type Ending } from "./endings";
import { SceneFollower } from "./following";
import { Keeper } from "./keeper";
import { next, standing, type Step } from "./machine";
import { Membership } from "./membership";
import { Parts } from "./parts";
import { Relays } from "./relays";
import { loadScene, Over } from "./scene";
import type { Store, Waiting } from "./state";

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

/** The level of detail for this device, unless the address says another. */
function levelOf(world: World): number {
  return chooseLevel(thisDevice(world.stats().largestTexture), new URLSearchParams(location.search).get("level"));
}

/** How long leaving may hold up the way through a portal, in ms. */
const LEAVE_MS = 600;

export class Visit {
  readonly peers = new Peers();
  readonly clock = new ServerClock();
  readonly chat: Chat;
  keeper: Keeper | null = null;
  world: World | null = null;
  report: LoadReport | null = null;
  sharper: Parts | null = null;
  private readonly life = new AbortController();
  private readonly http: MatrixHttp;
  private readonly membership: Membership;
  private following = new AbortController();
  private readonly session = randomToken(18);
  private state: WorldState | null = null;
  private shown: { readonly scene: Mxc; readonly stage: number } | null = null;
  private follower: SceneFollower | null = null;
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
    this.chat = new Chat(store, () => this.room(), this.life.signal);
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
      if (!this.life.signal.aborted) this.end(this.endingOf(error));
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

  private room(): { client: Membership["client"]; roomId: string; userId: string } {
    return { client: this.membership.client, roomId: this.membership.roomId, userId: this.membership.identity?.userId ?? "" };
  }

  private async join(): Promise<void> {
    this.following = new AbortController();
    await this.membership.open(this.name, AbortSignal.any([this.life.signal, this.following.signal]));
    const selfUserId = this.membership.identity?.userId ?? "";
    this.parts.store.set({ selfUserId });
    this.state = this.readState();
    this.relays.servers(performance.now()); // asked for while the scene loads
    this.step("joined");
  }

  private readState(): WorldState {
    const result = this.membership.world();
    if ("problem" in result) throw new Over(worldProblem(result.problem, (room) => `/w/${encodeURIComponent(room)}`));
    const { world } = result;
    const { store, summary } = this.parts;
    const muted = world.powerOf(this.membership.identity?.userId ?? "") < world.messageLevel;
    const closed = world.encrypted
      ? "This room is encrypted: guests can be here, but not read or write its messages."
      : muted
        ? "You may read here, but not write."
        : null;
    store.set({ chatClosed: closed, world: { ...summary, name: world.name, topic: world.topic || summary.topic } });
    return world;
  }

  private async load(world: Promise<World>): Promise<void> {
    const { store } = this.parts;
    const { scene } = this.current();
    const report = await loadScene(
      this.http,
      scene,
      world,
      { loading: (loading) => store.set({ loading }), waiting: (waiting) => this.wait(waiting) },
      this.life.signal,
    );
    this.world = await world;
    this.sharper = new Parts(this.http, this.world, levelOf(this.world), (line) => store.note(line), this.life.signal);
    this.reported(report, scene);
    this.world.setSelf(this.avatar ? { avatarUrl: this.avatar.url } : {});
    this.world.enter();
    this.world.setInputEnabled(false);
    this.world.onPortal((uri, title) => void this.portal(uri, title));
    this.world.onHint((hint) => store.set({ hint }));
    const company = new Company(this.peers, this.clock, this.parts.avatars, this.world);
    this.company = company;
    this.world.onFrame((now) => company.frame(now));
    const { world: standing, http, announce, life } = this;
    const handlers = { shown: (report: LoadReport, shown: Mxc) => this.reported(report, shown), note: (line: string) => store.note(line) };
    this.follower = new SceneFollower(http, standing, scene, announce, handlers, life.signal);
    this.step("loaded");
    void this.follower.follow(this.current().scene); // it may have changed while this one was loading
  }

  private reported(report: LoadReport, scene: Mxc): void {
    this.report = report;
    this.shown = { scene, stage: report.stage };
    this.sharpen();
    for (const note of report.notes) this.parts.store.note(note);
  }

  /** Parts come once one is inside, for the scene that stands; while another is on its way, none do. */
  private sharpen(): void {
    const { shown, state, sharper } = this;
    if (shown === null || state === null || !this.keeper?.conversation?.welcome) return;
    if (sameMedia(shown.scene, state.scene)) sharper?.begin(shown.stage, shown.scene, state.manifest);
    else sharper?.end();
  }

  private current(): WorldState {
    if (!this.state) throw new Error("the room's state is read before anything needs it");
    return this.state;
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
      server: this.current().server,
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
    this.sharpen();
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
    if (!this.state) return;
    if (batch.left && !this.keeper?.conversation?.welcome) {
      return this.end(NO_LONGER_JOINED);
    }
    if ([...batch.state, ...batch.timeline].some((event) => event.stateKey === "")) this.changed();
  }

  /** The room's state has changed under our feet. */
  private changed(): void {
    const before = this.current();
    try {
      this.state = this.readState();
    } catch (error) {
      return error instanceof Over && error.ending.code === "moved" ? this.end(error.ending) : undefined;
    }
    const { scene, server } = this.state;
    this.sharpen();
    void this.follower?.follow(scene);
    if (server.userId !== before.server.userId || server.deviceId !== before.server.deviceId) this.keeper?.renew();
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
      if (!this.life.signal.aborted) this.end(this.endingOf(error));
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

  private endingOf(error: unknown): Ending {
    if (error instanceof Over) return error.ending;
    if (error instanceof MatrixError) return matrixEnding(error);
    this.parts.store.note(error instanceof Error ? `${error.name}: ${error.message}` : String(error));
    return error instanceof HomeserverAway ? { ...SERVER_LOST, text: error.message } : SERVER_LOST;
  }
}
