/**
 * The codec of netcode/PROTOCOL.md, version 1: bytes to one typed message, and back.
 *
 * Rule: decoding gives a message or raises one ProtocolError, whatever the bytes. The vectors in netcode/vectors
 * bind this file and the Python codec to the same document.
 */
import { ProtocolError } from "./errors";
import { Reader, Writer } from "./frame";
import {
  MAX_MESSAGE,
  MAX_RECORDS,
  ROLES,
  type ChannelName,
  type ClientMessage,
  type Entrant,
  type Message,
  type PoseRecord,
  type ServerMessage,
} from "./messages";

type Read<M> = { readonly channel: ChannelName; readonly read: (reader: Reader) => M };

const FROM_CLIENT: ReadonlyMap<number, Read<ClientMessage>> = new Map([
  [0x01, { channel: "events", read: readHello }],
  [0x02, { channel: "events", read: (r) => ({ type: "PING", clientMs: r.u32() }) }],
  [0x10, { channel: "poses", read: (r) => ({ type: "POSE", seq: r.u16(), lastTick: r.u32(), pose: r.pose() }) }],
] satisfies [number, Read<ClientMessage>][]);

const FROM_SERVER: ReadonlyMap<number, Read<ServerMessage>> = new Map([
  [0x81, { channel: "events", read: readWelcome }],
  [0x82, { channel: "events", read: (r) => ({ type: "ENTER", entrants: several(r, readEntrant) }) }],
  [0x83, { channel: "events", read: (r) => ({ type: "LEAVE", peers: several(r, readPeer) }) }],
  [0x84, { channel: "events", read: (r) => ({ type: "PONG", clientMs: r.u32(), tick: r.u32(), serverMs: r.u32() }) }],
  [0x85, { channel: "events", read: (r) => ({ type: "NOTICE", code: r.u8(), text: r.str8() }) }],
  [0x86, { channel: "events", read: (r) => ({ type: "GOODBYE", code: r.u8(), reason: r.str8() }) }],
  [0x90, { channel: "poses", read: readSnapshot }],
] satisfies [number, Read<ServerMessage>][]);

/** Decodes a frame that the server sent on `channel`. */
export function decodeServer(channel: ChannelName, bytes: Uint8Array): ServerMessage {
  return decode(FROM_SERVER, channel, bytes);
}

/** Decodes a frame that a client sent on `channel` (tests, and tools that listen in). */
export function decodeClient(channel: ChannelName, bytes: Uint8Array): ClientMessage {
  return decode(FROM_CLIENT, channel, bytes);
}

function decode<M>(table: ReadonlyMap<number, Read<M>>, channel: ChannelName, bytes: Uint8Array): M {
  const type = bytes[0];
  if (type === undefined) throw new ProtocolError("empty", "a frame of no bytes");
  if (bytes.byteLength > MAX_MESSAGE) throw new ProtocolError("size", `a frame of ${bytes.byteLength} bytes`);
  const entry = table.get(type);
  if (!entry || entry.channel !== channel) throw new ProtocolError("type", `type ${type} on ${channel}`);
  const reader = new Reader(bytes);
  const message = entry.read(reader);
  reader.end();
  return message;
}

function want(good: boolean, detail: string): void {
  if (!good) throw new ProtocolError("value", detail);
}

function readPeer(r: Reader): number {
  const peer = r.u16();
  want(peer !== 0, "peer 0 is nobody");
  return peer;
}

function several<T>(r: Reader, read: (r: Reader) => T): T[] {
  const count = r.u8();
  want(count > 0, "a list of nobody");
  return Array.from({ length: count }, () => read(r));
}

function readHello(r: Reader): ClientMessage {
  const [newest, oldest, client, avatar, pose] = [r.u16(), r.u16(), r.str8(), r.str8(), r.pose()];
  want(1 <= oldest && oldest <= newest, "oldest version above newest, or 0");
  want(/^[!-~]*$/.test(avatar), "an avatar is printable ASCII without spaces");
  return { type: "HELLO", newest, oldest, client, avatar, pose };
}

function readWelcome(r: Reader): ServerMessage {
  const [version, peer, tick, tickRate] = [r.u16(), readPeer(r), r.u32(), r.u8()];
  want(tickRate > 0, "tick rate 0");
  return { type: "WELCOME", version, peer, tick, tickRate, serverMs: r.u32(), capacity: r.u16(), name: r.str8() };
}

function readEntrant(r: Reader): Entrant {
  const [peer, role] = [readPeer(r), r.u8()];
  want(role < ROLES.length, `role ${role}`);
  return { peer, role, userId: r.str8(), name: r.str8(), avatar: r.str8() };
}

function readSnapshot(r: Reader): ServerMessage {
  const [tick, serverMs, lastSeq, count] = [r.u32(), r.u32(), r.u16(), r.u8()];
  want(count <= MAX_RECORDS, `${count} records`);
  const records: PoseRecord[] = [];
  for (let i = 0; i < count; i += 1) records.push({ peer: readPeer(r), pose: r.pose() });
  return { type: "SNAPSHOT", tick, serverMs, lastSeq, records };
}

/** Encodes a message; raises RangeError when a field does not fit, which is a mistake of ours. */
export function encode(message: Message): Uint8Array<ArrayBuffer> {
  switch (message.type) {
    case "HELLO":
      return new Writer(0x01)
        .u16(message.newest)
        .u16(message.oldest)
        .str8(message.client)
        .str8(message.avatar)
        .pose(message.pose)
        .bytes();
    case "PING":
      return new Writer(0x02).u32(message.clientMs).bytes();
    case "POSE":
      return new Writer(0x10).u16(message.seq).u32(message.lastTick).pose(message.pose).bytes();
    case "WELCOME":
      return new Writer(0x81)
        .u16(message.version)
        .u16(message.peer)
        .u32(message.tick)
        .u8(message.tickRate)
        .u32(message.serverMs)
        .u16(message.capacity)
        .str8(message.name)
        .bytes();
    case "ENTER":
      return message.entrants
        .reduce(
          (w, one) => w.u16(one.peer).u8(one.role).str8(one.userId).str8(one.name).str8(one.avatar),
          new Writer(0x82).u8(message.entrants.length),
        )
        .bytes();
    case "LEAVE":
      return message.peers.reduce((w, peer) => w.u16(peer), new Writer(0x83).u8(message.peers.length)).bytes();
    case "PONG":
      return new Writer(0x84).u32(message.clientMs).u32(message.tick).u32(message.serverMs).bytes();
    case "NOTICE":
      return new Writer(0x85).u8(message.code).str8(message.text).bytes();
    case "GOODBYE":
      return new Writer(0x86).u8(message.code).str8(message.reason).bytes();
    case "SNAPSHOT":
      return message.records
        .reduce(
          (w, record) => w.u16(record.peer).pose(record.pose),
          new Writer(0x90).u32(message.tick).u32(message.serverMs).u16(message.lastSeq).u8(message.records.length),
        )
        .bytes();
  }
}
