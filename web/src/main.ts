/**
 * Where the page begins: reads the address, asks the gate, shows the interface, and makes the visit.
 *
 * Rule: wiring only. What is remembered between visits (name, look) is read and written here and nowhere else.
 */
import { h, render } from "preact";
import {
  fetchAvatars,
  fetchConfig,
  fetchWorld,
  fetchWorlds,
  GateAway,
  readRoute,
  UnknownWorld,
  type Config,
  type Route,
} from "./config";
import { installHook } from "./hook";
import { createHolder } from "./matrix/holder";
import { cleanName } from "./matrix/json";
import { NO_WEBGL, NO_WEBRTC, UNKNOWN_WORLD, type Ending } from "./session/endings";
import { backoff } from "./session/persist";
import { Store } from "./session/state";
import { Visit } from "./session/visit";
import type { Actions, Remembered } from "./ui/actions";
import { App } from "./ui/app";
import type { World } from "./world";

/** How often the visitor counts of the start page and the entry card are asked for, in ms. */
const REFRESH_MS = 8_000;
/** Coming through a portal one enters at once, if the page opens within this, in ms. */
const THROUGH_PORTAL_MS = 60_000;
const THROUGH_PORTAL = "roomscale.portal";
const REMEMBERED = "roomscale.self";

const store = new Store();
const canvas = document.querySelector<HTMLCanvasElement>("#world");
const root = document.querySelector<HTMLElement>("#app");
let visit: Visit | null = null;
let route: Route = { page: "start" };

function remembered(): Remembered {
  try {
    const stored = JSON.parse(localStorage.getItem(REMEMBERED) ?? "{}") as Partial<Record<keyof Remembered, unknown>>;
    const name = typeof stored.name === "string" ? cleanName(stored.name) : "";
    return { name, avatar: typeof stored.avatar === "string" ? stored.avatar : "" };
  } catch {
    return { name: "", avatar: "" };
  }
}

function remember(self: Remembered): void {
  try {
    localStorage.setItem(REMEMBERED, JSON.stringify(self));
  } catch {
    // private browsing: asked again next time
  }
}

/** What this browser lacks, or null. */
function incapable(): Ending | null {
  if (typeof RTCPeerConnection === "undefined") return NO_WEBRTC;
  const probe = document.createElement("canvas").getContext("webgl2");
  if (!probe) return NO_WEBGL;
  probe.getExtension("WEBGL_lose_context")?.loseContext();
  return null;
}

/** The 3D part, in chunks of its own, fetched while the visitor types their name. */
async function openWorld(): Promise<World> {
  const { createWorld } = await import("./canvas");
  if (!canvas) throw new Error("the page has no canvas");
  return createWorld(canvas);
}

function goTo(path: string): void {
  try {
    sessionStorage.setItem(THROUGH_PORTAL, JSON.stringify({ at: Date.now() }));
  } catch {
    // then Enter is to be pressed again
  }
  location.assign(path);
}

/** Whether the page was opened by a portal just now. */
function cameThroughPortal(): boolean {
  try {
    const stored = sessionStorage.getItem(THROUGH_PORTAL);
    sessionStorage.removeItem(THROUGH_PORTAL);
    const { at } = JSON.parse(stored ?? "{}") as { at?: unknown };
    return typeof at === "number" && Date.now() - at < THROUGH_PORTAL_MS;
  } catch {
    return false;
  }
}

function enter(name: string, avatarId: string): void {
  const { config, world, avatars, phase } = store.get();
  if (!config || !world || phase !== "title") return;
  const shown = cleanName(name) || `Guest ${100 + Math.floor(Math.random() * 900)}`;
  const avatar = avatars.find((one) => one.id === avatarId) ?? avatars[0] ?? null;
  remember({ name: cleanName(name), avatar: avatarId });
  visit = new Visit({
    store,
    config,
    summary: world,
    via: route.page === "world" ? route.via : [],
    avatars,
    holder: createHolder(),
    storage: { local: localStorage, session: sessionStorage },
    build: config.client,
    world: openWorld,
    goTo,
  });
  void visit.enter(shown, avatar);
}

const actions: Actions = {
  enter,
  remembered,
  say: (text) => visit?.chat.say(text),
  retry: (message) => visit?.chat.retry(message),
  leave: () => void Promise.resolve(visit?.leave()).then(() => location.assign("/")),
  wave: () => visit?.world?.gesture(1),
  copyLink: () =>
    navigator.clipboard?.writeText(location.origin + location.pathname + location.search).then(
      () => true,
      () => false,
    ) ?? Promise.resolve(false),
  steer: (on, focus = true) => {
    const { phase } = store.get();
    visit?.world?.setInputEnabled(on && (phase === "inside" || phase === "reconnecting"));
    if (on && focus) canvas?.focus({ preventScroll: true });
  },
  goTo: (path) => location.assign(path),
  again: () => (store.get().ending?.action === "again" ? goTo(location.pathname + location.search) : location.reload()),
};

/** Repeats `ask` until the gate answers; shows that it does not meanwhile. */
async function askGate<T>(ask: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      const answer = await ask();
      if (store.get().gateAway) store.set({ gateAway: false });
      return answer;
    } catch (error) {
      if (!(error instanceof GateAway)) throw error;
      store.set({ gateAway: true });
      await new Promise((resolve) => setTimeout(resolve, backoff(attempt)));
    }
  }
}

async function startPage(): Promise<never> {
  for (;;) {
    if (!document.hidden) store.set({ worlds: await askGate(() => fetchWorlds()) });
    await new Promise((resolve) => setTimeout(resolve, REFRESH_MS));
  }
}

async function worldPage(config: Config, reference: string): Promise<void> {
  const lacking = incapable();
  if (lacking) return store.set({ ending: lacking, phase: "ended" });
  const [world, avatars] = await Promise.all([
    askGate(() => fetchWorld(reference)),
    fetchAvatars().catch(() => []), // the world draws a stand-in
  ]);
  store.set({ world, avatars, config });
  document.title = `${world.name} · Roomscale`;
  void import("./canvas"); // warm: it is needed as soon as Enter is pressed
  if (cameThroughPortal()) {
    const { name, avatar } = remembered();
    return enter(name, avatar);
  }
  while (store.get().phase === "title") {
    await new Promise((resolve) => setTimeout(resolve, REFRESH_MS));
    if (document.hidden || store.get().phase !== "title") continue;
    const again = await askGate(() => fetchWorld(reference));
    if (store.get().phase === "title") store.set({ world: again });
  }
}

async function begin(): Promise<void> {
  installHook(store, () => visit);
  store.set({ page: location.pathname.startsWith("/w/") ? "world" : "start" });
  if (root) render(h(App, { ui: { store, actions } }), root);
  const config = await askGate(() => fetchConfig());
  store.set({ config });
  route = readRoute(location.pathname, location.search, config.serverName);
  store.set({ page: route.page });
  if (route.page === "start") return startPage();
  return worldPage(config, route.reference);
}

addEventListener("pagehide", () => visit?.pageHides());
addEventListener("pageshow", (event) => {
  if (event.persisted && visit) location.reload(); // out of the back-forward cache: what was left is gone
});

begin().catch((error: unknown) => {
  const ending = error instanceof UnknownWorld ? UNKNOWN_WORLD : null;
  if (!ending) store.note(error instanceof Error ? error.message : String(error));
  store.set({ phase: "ended", ending: ending ?? { ...UNKNOWN_WORLD, code: "internal", title: "Something went wrong", text: "Load the page again." } });
});
