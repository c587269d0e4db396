/**
 * From a room's state to a world that can be opened.
 *
 * Rule: state is hostile until read here. The result is a `WorldState`, or one named problem; unknown keys are
 * ignored, wrong types count as missing, and nothing is fetched.
 */
import type { RawEvent } from "./client";
import { cleanBody, cleanName, integer, record, recordOr, text, type Json } from "./json";
import { parseMxc, type Mxc } from "./media";

export const WORLD = "org.matrix.msc3815.world";
export const SERVER = "org.roomscale.server";
/** State that a visitor reads; the sync filter lets through nothing else. */
export const STATE_TYPES = [
  "m.room.create",
  "m.room.name",
  "m.room.topic",
  "m.room.canonical_alias",
  "m.room.power_levels",
  "m.room.encryption",
  "m.room.tombstone",
  WORLD,
  SERVER,
] as const;

/** Whom to call: the one user (and device of theirs) whose answers count. */
export interface WorldServer {
  readonly userId: string;
  readonly deviceId: string;
}

export interface WorldState {
  readonly name: string;
  readonly topic: string;
  readonly alias: string | null;
  readonly scene: Mxc;
  /** The manifest of the package whose entry the scene is; null for a scene without parts. */
  readonly manifest: Mxc | null;
  readonly thumbnail: Mxc | null;
  readonly server: WorldServer;
  readonly encrypted: boolean;
  /** Power needed to write a message. */
  readonly messageLevel: number;
  readonly powerOf: (userId: string) => number;
}

export type WorldProblem =
  | { readonly kind: "not_a_world" }
  | { readonly kind: "no_scene" }
  | { readonly kind: "bad_scene" }
  | { readonly kind: "no_server" }
  | { readonly kind: "moved"; readonly roomId: string; readonly reason: string };

export type WorldResult = { readonly world: WorldState } | { readonly problem: WorldProblem };

const USER_ID = /^@[^:\s\u0000-\u001f]{0,200}:[A-Za-z0-9.:[\]-]{1,255}$/;

/** Reads a room's state events into a world, or says what is wrong with them. */
export function readWorldState(events: Iterable<RawEvent>): WorldResult {
  const state = new Map<string, RawEvent>();
  for (const event of events) if (event.stateKey === "") state.set(event.type, event);
  const content = (type: string): Json => state.get(type)?.content ?? {};

  if (content("m.room.create")["type"] !== WORLD) return { problem: { kind: "not_a_world" } };
  const tombstone = text(content("m.room.tombstone")["replacement_room"], 255);
  if (tombstone !== undefined && tombstone.startsWith("!")) {
    const reason = cleanBody(text(content("m.room.tombstone")["body"], 10_000) ?? "", 300);
    return { problem: { kind: "moved", roomId: tombstone, reason } };
  }
  const world = content(WORLD);
  if (world["scene_url"] === undefined) return { problem: { kind: "no_scene" } };
  const scene = parseMxc(world["scene_url"]);
  if (!scene) return { problem: { kind: "bad_scene" } };
  const server = worldServer(content(SERVER));
  if (!server) return { problem: { kind: "no_server" } };

  const powers = content("m.room.power_levels");
  return {
    world: {
      name: worldName(world, content("m.room.name"), content("m.room.canonical_alias")),
      topic: cleanBody(text(content("m.room.topic")["topic"], 20_000) ?? "", 400),
      alias: text(content("m.room.canonical_alias")["alias"], 255) ?? null,
      scene,
      manifest: parseMxc(recordOr(world["org.roomscale.package"])["url"]) ?? null,
      thumbnail: parseMxc(world["thumbnail_url"]) ?? parseMxc(world["scene_preview_url"]) ?? null,
      server,
      encrypted: state.has("m.room.encryption"),
      messageLevel: messageLevel(powers),
      powerOf: (userId) => powerOf(userId, powers, state.get("m.room.create")),
    },
  };
}

function worldServer(content: Json): WorldServer | undefined {
  const userId = text(content["user_id"], 255);
  const deviceId = text(content["device_id"], 255);
  if (userId === undefined || !USER_ID.test(userId) || deviceId === undefined) return undefined;
  // "*" would send the call to all devices of that user, "" to none.
  return deviceId === "" || deviceId === "*" ? undefined : { userId, deviceId };
}

function worldName(world: Json, room: Json, alias: Json): string {
  for (const candidate of [room["name"], world["scene_name"], alias["alias"]]) {
    const name = cleanName(text(candidate, 10_000) ?? "", 80);
    if (name !== "") return name;
  }
  return "A world with no name";
}

/** Room versions before 10 let a level be a string; integers are all that is read here. */
function level(value: unknown): number | undefined {
  return integer(value, -Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
}

function messageLevel(powers: Json): number {
  return level(recordOr(powers["events"])["m.room.message"]) ?? level(powers["events_default"]) ?? 0;
}

function powerOf(userId: string, powers: Json, create: RawEvent | undefined): number {
  const version = Number(text(create?.content["room_version"], 32) ?? "1");
  const additional = create?.content["additional_creators"];
  const creators = [create?.sender, ...(Array.isArray(additional) ? (additional as unknown[]) : [])];
  if (version >= 12 && creators.includes(userId)) return Number.POSITIVE_INFINITY;
  const users = record(powers["users"]);
  const own = users && Object.hasOwn(users, userId) ? level(users[userId]) : undefined;
  return own ?? level(powers["users_default"]) ?? 0;
}
