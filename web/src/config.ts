/**
 * Where this client is: its gate's configuration, and which world the address bar names.
 *
 * Rule: everything is asked of our own origin; a link, wherever it comes from, becomes a path of this gate, an
 * https address that the visitor is asked about, or nothing.
 */
import { integer, list, record, recordOr, text } from "./matrix/json";

export interface Config {
  /** Base URL for /_matrix, no slash at its end. */
  readonly homeserver: string;
  /** The homeserver's name, as in aliases. */
  readonly serverName: string;
  /** Oldest and newest protocol version that the world server speaks. */
  readonly protocol: readonly [number, number];
  /** Build id of the client that the gate serves. */
  readonly client: string;
}

/** The gate did not answer, or not as a gate does. */
export class GateAway extends Error {
  override readonly name = "GateAway";
}

/** A world that the gate does not serve. */
export class UnknownWorld extends Error {
  override readonly name = "UnknownWorld";
}

export interface WorldSummary {
  readonly roomId: string;
  readonly alias: string | null;
  readonly name: string;
  readonly topic: string;
  readonly thumbnail: string | null;
  readonly visitors: number;
  readonly link: string;
}

export interface AvatarChoice {
  readonly id: string;
  readonly name: string;
  readonly url: string;
  /** A portrait, if the gate has one. */
  readonly picture: string | null;
}

const GATE_TIMEOUT_MS = 10_000;

async function getJson(path: string, signal?: AbortSignal): Promise<unknown> {
  const timeout = AbortSignal.timeout(GATE_TIMEOUT_MS);
  let response: Response;
  try {
    response = await fetch(path, { signal: signal ? AbortSignal.any([signal, timeout]) : timeout, credentials: "omit" });
  } catch {
    signal?.throwIfAborted();
    throw new GateAway("the world server cannot be reached");
  }
  if (response.status === 404) throw new UnknownWorld(path);
  if (!response.ok) throw new GateAway(`the world server answers with status ${response.status}`);
  try {
    return (await response.json()) as unknown;
  } catch {
    throw new GateAway("the world server's answer is not JSON");
  }
}

export async function fetchConfig(signal?: AbortSignal): Promise<Config> {
  const answer = recordOr(await getJson("/api/config", signal));
  const homeserver = text(answer["homeserver"], 2_000);
  const serverName = text(answer["server_name"], 255);
  if (homeserver === undefined || serverName === undefined) throw new GateAway("the gate's configuration has no homeserver");
  const [oldest, newest] = list(answer["protocol"]);
  return {
    homeserver: homeserverBase(homeserver),
    serverName,
    protocol: [integer(oldest, 1, 65_535) ?? 1, integer(newest, 1, 65_535) ?? 1],
    client: text(answer["client"], 100) ?? "",
  };
}

/** The base URL to use: our own origin when the gate says that its homeserver is behind it under another name. */
function homeserverBase(url: string): string {
  const base = new URL(url, location.href);
  if (base.protocol !== "https:" && base.protocol !== "http:") throw new GateAway("the homeserver's address is no web address");
  const loopback = (host: string): boolean => host === "localhost" || host === "127.0.0.1" || host === "[::1]";
  // Opened as http://localhost:8080 while the gate calls itself 127.0.0.1:8080: one and the same, but two origins.
  const same = loopback(base.hostname) && loopback(location.hostname) && base.port === location.port;
  return (same ? location.origin : base.origin + base.pathname).replace(/\/+$/, "");
}

export async function fetchWorlds(signal?: AbortSignal): Promise<WorldSummary[]> {
  const answer = recordOr(await getJson("/api/worlds", signal));
  return list(answer["worlds"]).flatMap((world) => worldSummary(world) ?? []);
}

/** One world, by room id or alias; raises UnknownWorld when the gate serves none of that name. */
export async function fetchWorld(reference: string, signal?: AbortSignal): Promise<WorldSummary> {
  const answer = recordOr(await getJson(`/api/worlds/${encodeURIComponent(reference)}`, signal));
  const summary = worldSummary(answer["world"] ?? answer);
  if (!summary) throw new GateAway("the gate's answer is not a world");
  return summary;
}

function worldSummary(value: unknown): WorldSummary | undefined {
  const world = record(value);
  const roomId = text(world?.["room_id"], 255);
  if (!world || roomId === undefined || !roomId.startsWith("!")) return undefined;
  return {
    roomId,
    alias: text(world["alias"], 255) ?? null,
    name: text(world["name"], 255) ?? "A world",
    topic: text(world["topic"], 2_000) ?? "",
    thumbnail: ownPath(world["thumbnail"]),
    visitors: integer(world["visitors"], 0, 1_000_000) ?? 0,
    link: ownPath(world["link"]) ?? `/w/${encodeURIComponent(roomId)}`,
  };
}

export async function fetchAvatars(signal?: AbortSignal): Promise<AvatarChoice[]> {
  return list(await getJson("/avatars/index.json", signal))
    .slice(0, 32)
    .flatMap((value) => {
      const avatar = record(value);
      const [id, url] = [text(avatar?.["id"], 64), ownPath(avatar?.["url"])];
      if (!avatar || id === undefined || !/^[!-~]+$/.test(id) || url === null) return [];
      return [{ id, url, name: text(avatar["name"], 48) ?? id, picture: ownPath(avatar["picture"]) }];
    });
}

/** A path of our own origin, or null: the gate's answers never lead elsewhere. */
export function ownPath(value: unknown): string | null {
  const path = text(value, 2_000);
  return path !== undefined && /^\/(?![/\\])/.test(path) ? path : null;
}

export type Route = { readonly page: "start" } | { readonly page: "world"; readonly reference: string; readonly via: readonly string[] };

/** What the address names: `/w/plaza`, `/w/%23plaza:server`, `/w/!room:server?via=server`; all else is the start page. */
export function readRoute(pathname: string, search: string, serverName: string): Route {
  const match = /^\/w\/([^/]+)\/?$/.exec(pathname);
  if (!match?.[1]) return { page: "start" };
  let name: string;
  try {
    name = decodeURIComponent(match[1]);
  } catch {
    return { page: "start" };
  }
  const via = new URLSearchParams(search).getAll("via").filter((server) => server.length <= 255);
  const reference = /^[!#]/.test(name) ? name : `#${name}:${serverName}`;
  return { page: "world", reference, via: via.slice(0, 5) };
}

export type Destination =
  | { readonly kind: "world"; readonly path: string }
  | { readonly kind: "web"; readonly url: string; readonly host: string };

/** Where a link leads: `matrix:` URIs and matrix.to to a world of this gate, https out into the web, others nowhere. */
export function readLink(uri: string, serverName: string): Destination | null {
  if (uri.length > 2_000) return null;
  let url: URL;
  try {
    url = new URL(uri);
  } catch {
    return null;
  }
  if (url.protocol === "matrix:") return matrixUri(url, serverName);
  if (url.protocol !== "https:" || url.username !== "" || url.password !== "") return null;
  if (url.hostname === "matrix.to") return matrixTo(url, serverName);
  return { kind: "web", url: url.href, host: url.host };
}

function matrixUri(url: URL, serverName: string): Destination | null {
  const [kind, id, more] = url.pathname.split("/");
  if (!id || (more !== undefined && more !== "")) return null;
  const sigil = kind === "r" ? "#" : kind === "roomid" ? "!" : null;
  return sigil === null ? null : worldPath(sigil + safeDecode(id), url.searchParams, serverName);
}

function matrixTo(url: URL, serverName: string): Destination | null {
  const [, id, query] = /^#\/([^?/]+)(?:\?(.*))?$/.exec(url.hash) ?? [];
  const name = id === undefined ? "" : safeDecode(id);
  return /^[!#]./.test(name) ? worldPath(name, new URLSearchParams(query ?? ""), serverName) : null;
}

function worldPath(name: string, query: URLSearchParams, serverName: string): Destination {
  const local = `:${serverName}`;
  const short = name.startsWith("#") && name.endsWith(local) ? name.slice(1, -local.length) : name;
  const via = query.getAll("via").slice(0, 5).map((server) => `via=${encodeURIComponent(server)}`);
  return { kind: "world", path: `/w/${encodeURIComponent(short)}${via.length > 0 ? "?" + via.join("&") : ""}` };
}

function safeDecode(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
