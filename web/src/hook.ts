/**
 * `window.__roomscale`: what the page knows, as numbers, for tests and for the curious.
 *
 * Rule: reading only, no tokens, and every value is computed when it is read, so that it costs nothing otherwise.
 */
import { senderName } from "./session/chat";
import type { PartsState } from "./session/parts";
import type { Store } from "./session/state";
import type { Visit } from "./session/visit";

type Triple = [number, number, number];

interface HookPeer {
  readonly name: string;
  readonly userId: string;
  readonly avatar: string;
  /** As shown; as received while nothing is drawn yet. */
  readonly position: Triple;
  readonly yaw: number;
  readonly clip: string;
}

export interface Hook {
  readonly phase: string;
  readonly world: { roomId: string; alias: string | null; name: string } | null;
  readonly self: {
    peerId: number;
    name: string;
    userId: string;
    position: Triple;
    yaw: number;
    grounded: boolean;
    speed: number;
  } | null;
  readonly peers: Record<number, HookPeer>;
  readonly chat: { sender: string; name: string; body: string; mine: boolean; state: string }[];
  readonly net: {
    state: string;
    /** What carries the visit: webrtc, websocket or none. */
    path: string;
    rttMs: number | null;
    tick: number;
    snapshots: number;
    poses: number;
    delayMs: number;
    homeserverAway: boolean;
  };
  readonly load: { bytes: number; total: number; done: boolean };
  /** The parts of the world's package; null before the scene stands. `wanted` is 0 for a scene that has none. */
  readonly parts: PartsState | null;
  /** Pixels on the longer side of the scene's largest texture. */
  readonly sharpest: number;
  /** Animations of the scene that play, and seconds of the longest sound that does. */
  readonly animations: number;
  readonly sound: number;
  /** How many textures and geometries the GPU holds. */
  readonly textures: number;
  readonly geometries: number;
  readonly colliders: number;
  readonly spawn: Triple | null;
  readonly fps: number;
  readonly drawCalls: number;
  readonly triangles: number;
  readonly notes: readonly string[];
  readonly problem: string | null;
}

declare global {
  interface Window {
    __roomscale?: Hook;
  }
}

/** Puts the hook in place; `visit` gives the visit of this page, once there is one. */
export function installHook(store: Store, visit: () => Visit | null): void {
  const getters: { [K in keyof Hook]: () => Hook[K] } = {
    phase: () => store.get().phase,
    world: () => {
      const { world } = store.get();
      return world && { roomId: world.roomId, alias: world.alias, name: world.name };
    },
    self: () => self(store, visit()),
    peers: () => peers(visit()),
    chat: () => chat(store),
    net: () => net(store, visit()),
    load: () => {
      const { bytes, total } = store.get().loading;
      return { bytes, total, done: (visit()?.surroundings.report ?? null) !== null };
    },
    parts: () => visit()?.surroundings.parts ?? null,
    sharpest: () => visit()?.world?.stats().sharpest ?? 0,
    animations: () => visit()?.world?.stats().animations ?? 0,
    sound: () => visit()?.world?.stats().sound ?? 0,
    textures: () => visit()?.world?.stats().textures ?? 0,
    geometries: () => visit()?.world?.stats().geometries ?? 0,
    colliders: () => visit()?.world?.stats().colliders ?? 0,
    spawn: () => visit()?.world?.stats().spawn ?? null,
    fps: () => visit()?.world?.stats().fps ?? 0,
    drawCalls: () => visit()?.world?.stats().drawCalls ?? 0,
    triangles: () => visit()?.world?.stats().triangles ?? 0,
    notes: () => [...store.get().notes, ...(visit()?.world?.stats().notes ?? [])],
    problem: () => store.get().ending?.code ?? null,
  };
  const hook = {};
  for (const [name, get] of Object.entries(getters)) Object.defineProperty(hook, name, { get, enumerable: true });
  window.__roomscale = hook as Hook;
}

function self(store: Store, visit: Visit | null): Hook["self"] {
  const state = visit?.world?.self();
  if (!state) return null;
  const { selfName, selfUserId } = store.get();
  return {
    peerId: visit?.welcome?.peer ?? 0,
    name: selfName,
    userId: selfUserId,
    position: [state.x, state.y, state.z],
    yaw: state.yaw,
    grounded: state.grounded,
    speed: state.speed,
  };
}

function peers(visit: Visit | null): Hook["peers"] {
  const all: Record<number, HookPeer> = {};
  for (const peer of visit?.peers.others() ?? []) {
    const shown = visit?.world?.peer(peer.id);
    const newest = visit?.peers.newest(peer.id);
    all[peer.id] = {
      name: peer.name,
      userId: peer.userId,
      avatar: peer.avatar,
      position: shown?.position ?? [newest?.x ?? NaN, newest?.y ?? NaN, newest?.z ?? NaN],
      yaw: shown?.yaw ?? newest?.yaw ?? NaN,
      clip: shown?.clip ?? "none",
    };
  }
  return all;
}

function chat(store: Store): Hook["chat"] {
  const { chat, people, names, selfUserId } = store.get();
  return chat.map(({ sender, body, state }) => ({
    sender,
    name: senderName(sender, people, names),
    body,
    mine: sender === selfUserId,
    state,
  }));
}

function net(store: Store, visit: Visit | null): Hook["net"] {
  const conversation = visit?.keeper?.conversation ?? null;
  const { phase, homeserverAway } = store.get();
  const state = phase === "inside" ? "connected" : phase === "reconnecting" || phase === "calling" ? "connecting" : "none";
  return {
    state,
    path: state === "none" ? "none" : (conversation?.transport.kind ?? "none"),
    rttMs: visit?.clock.rtt ?? null,
    tick: visit?.peers.lastTick ?? 0,
    snapshots: visit?.peers.snapshots ?? 0,
    poses: conversation?.poses ?? 0,
    delayMs: visit?.peers.delayMs ?? 0,
    homeserverAway,
  };
}
