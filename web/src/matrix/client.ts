/**
 * The calls of the client-server API that a visitor needs, each in one place.
 *
 * Rule: a method is one request; waiting, repeating and deciding are the session's. Specification: Matrix
 * client-server API v1.11 and later, sections named at each method.
 */
import { HomeserverAway } from "./errors";
import { record, text, type Json } from "./json";
import type { MatrixHttp } from "./http";

/** Who a tab is on its homeserver. */
export interface Identity {
  readonly userId: string;
  readonly deviceId: string;
  readonly token: string;
}

/** A state or timeline event as it came, checked only for being an event at all. */
export interface RawEvent {
  readonly type: string;
  readonly sender: string;
  readonly eventId: string;
  readonly stateKey: string | undefined;
  readonly timestamp: number;
  readonly content: Json;
  readonly unsigned: Json;
  /** Room versions before 11 name a redaction's target here. */
  readonly redacts: string | undefined;
}

const enc = encodeURIComponent;
let transactions = 0;

/** A transaction id that no other tab or earlier load of this page has used. */
export function transactionId(): string {
  transactions += 1;
  return `rs.${Date.now().toString(36)}.${randomToken(8)}.${transactions}`;
}

/** `bytes` random bytes in URL-safe base64 (crypto.randomUUID is missing outside secure contexts). */
export function randomToken(bytes: number): string {
  const random = crypto.getRandomValues(new Uint8Array(bytes));
  return btoa(String.fromCharCode(...random)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** The event, if the value has the shape of one. */
export function rawEvent(value: unknown): RawEvent | undefined {
  const event = record(value);
  const type = text(event?.["type"], 255);
  const sender = text(event?.["sender"], 255);
  if (!event || type === undefined || sender === undefined) return undefined;
  const timestamp = event["origin_server_ts"];
  return {
    type,
    sender,
    eventId: text(event["event_id"], 255) ?? "",
    stateKey: text(event["state_key"], 255),
    timestamp: typeof timestamp === "number" && Number.isFinite(timestamp) ? timestamp : 0,
    content: record(event["content"]) ?? {},
    unsigned: record(event["unsigned"]) ?? {},
    redacts: text(event["redacts"], 255),
  };
}

export class MatrixClient {
  constructor(readonly http: MatrixHttp) {}

  /** Acts as `identity` from now on. */
  use(identity: Identity): void {
    this.http.token = identity.token;
  }

  /** A guest account (section "Guest access"); its one device is the homeserver's to name. */
  async registerGuest(signal?: AbortSignal): Promise<Identity> {
    this.http.token = null;
    const answer = await this.http.call("POST", "/v3/register", { query: { kind: "guest" }, body: {}, signal });
    const userId = text(answer["user_id"], 255);
    const token = text(answer["access_token"], 4_096);
    if (userId === undefined || token === undefined) throw new HomeserverAway("its guest account has no id or token");
    return { userId, token, deviceId: text(answer["device_id"], 255) ?? "guest_device" };
  }

  async setDisplayName(userId: string, name: string, signal?: AbortSignal): Promise<void> {
    await this.http.call("PUT", `/v3/profile/${enc(userId)}/displayname`, { body: { displayname: name }, signal });
  }

  /** Joins; `via` are the servers to ask when ours is not in the room. */
  async join(room: string, via: readonly string[], signal?: AbortSignal): Promise<void> {
    await this.http.call("POST", `/v3/join/${enc(room)}`, {
      body: {},
      query: { via, server_name: via }, // the older name of the same parameter
      signal,
      timeoutMs: 60_000, // a first join over federation takes its time
    });
  }

  async leave(roomId: string, keepalive = false): Promise<void> {
    await this.http.call("POST", `/v3/rooms/${enc(roomId)}/leave`, { body: {}, keepalive });
  }

  /**
   * The room's `m.room.create`. Asked for by itself: Synapse 1.163 leaves it out of a sync whose filter names the
   * room, because the event of a room of version 12 bears no room id.
   */
  async createEvent(roomId: string, signal?: AbortSignal): Promise<RawEvent> {
    const answer = await this.http.call("GET", `/v3/rooms/${enc(roomId)}/state/m.room.create`, { query: { format: "event" }, signal });
    const event = rawEvent(answer) ?? rawEvent({ type: "m.room.create", sender: "", content: answer });
    if (!event) throw new HomeserverAway("the room's create event cannot be read");
    return { ...event, type: "m.room.create", stateKey: "" };
  }

  /** Sends a message event; the same `txn` again is the same message. Returns its event id. */
  async send(room: string, type: string, txn: string, content: Json, signal?: AbortSignal): Promise<string> {
    const path = `/v3/rooms/${enc(room)}/send/${enc(type)}/${enc(txn)}`;
    return text((await this.http.call("PUT", path, { body: content, signal }))["event_id"], 255) ?? "";
  }

  /** The homeserver's TURN servers as it names them (section "Voice over IP"). */
  turnServer(signal?: AbortSignal): Promise<Json> {
    return this.http.call("GET", "/v3/voip/turnServer", { signal });
  }

  /** Sends one to-device message (section "Send-to-Device messaging"). */
  async toDevice(type: string, userId: string, deviceId: string, content: Json, signal?: AbortSignal): Promise<void> {
    const path = `/v3/sendToDevice/${enc(type)}/${enc(transactionId())}`;
    await this.http.call("PUT", path, { body: { messages: { [userId]: { [deviceId]: content } } }, signal });
  }
}
