/**
 * The codec of netcode/PROTOCOL.md, versions 1 and 2: bytes to one typed message, and back.
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
import { readRecord, writeRecord } from "./records";

type Read<M> = { readonly channel: ChannelName; readonly read: (reader: Reader) => M };

const FROM_CLIENT: ReadonlyMap<number, Read<ClientMessage>> = new Map([
  [0x01, { channel: "events", read: readHello }],
  [0x02, { channel: "events", read: (r) => ({ type: "PING", clientMs: r.u32() }) }],
  [0x04, { channel: "events", read: readJump }],
  [0x11, { channel: "poses", read: readHere }],
  [0x10, { channel: "poses", read: (r) => ({ type: "POSE", seq: r.u16(), lastTick: r.u32(), pose: r.pose() }) }],
] satisfies [number, Read<ClientMessage>][]);

const FROM_SERVER: ReadonlyMap<number, Read<ServerMessage>> = new Map([
  [0x81, { channel: "events", read: readWelcome }],
  [0x82, { channel: "events", read: (r) => ({ type: "ENTER", entrants: several(r, readEntrant) }) }],
  [0x83, { channel: "events", read: (r) => ({ type: "LEAVE", peers: several(r, readPeer) }) }],
  [0x84, { channel: "events", read: (r) => ({ type: "PONG", clientMs: r.u32(), tick: r.u32(), serverMs: r.u32() }) }],
  [0x85, { channel: "events", read: (r) => ({ type: "NOTICE", code: r.u8(), text: r.str8() }) }],
  [0x86, { channel: "events", read: (r) => ({ type: "GOODBYE", code: r.u8(), reason: r.str8() }) }],
  [0x88, { channel: "events", read: (r) => ({ type: "CORRECT", corrections: counted(r), pose: r.pose() }) }],
  [0x91, { channel: "poses", read: readSight }],
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

/** How often something happened, modulo 16. */
function counted(r: Reader): number {
  const count = r.u8();
  want(count < 16, `count ${count}`);
  return count;
}

function readJump(r: Reader): ClientMessage {
  const reason = r.u8();
  want(reason >= 1 && reason <= 3, `reason ${reason}`);
  return { type: "JUMP", reason, jumps: counted(r), pose: r.pose() };
}

function readHere(r: Reader): ClientMessage {
  const [seq, at, era] = [r.u16(), r.u16(), r.u8()];
  return { type: "HERE", seq, at, jumps: era & 15, corrections: era >> 4, pose: r.pose() };
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

function readSight(r: Reader): ServerMessage {
  const interval = r.u8();
  want(interval > 0, "interval 0");
  const [lead, lastSeq, tick, serverMs, count] = [r.u8(), r.u16(), r.u32(), r.u32(), r.u8()];
  want(count <= MAX_RECORDS, `${count} records`);
  const records = Array.from({ length: count }, () => readRecord(r));
  return { type: "SIGHT", interval, lead, lastSeq, tick, serverMs, records };
}

/** Modulo 16, as `counted` reads it. */
function count(value: number): number {
  if (value < 0 || value > 15) throw new RangeError(`${value} does not fit 4 bits`);
  return value;
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
    case "JUMP":
      return new Writer(0x04).u8(message.reason).u8(count(message.jumps)).pose(message.pose).bytes();
    case "HERE": {
      const era = count(message.jumps) | (count(message.corrections) << 4);
      return new Writer(0x11).u16(message.seq).u16(message.at).u8(era).pose(message.pose).bytes();
    }
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
    case "CORRECT":
      return new Writer(0x88).u8(count(message.corrections)).pose(message.pose).bytes();
    case "SIGHT": {
      const head = new Writer(0x91).u8(message.interval).u8(message.lead).u16(message.lastSeq).u32(message.tick).u32(message.serverMs);
      return message.records.reduce(writeRecord, head.u8(message.records.length)).bytes();
    }
    case "SNAPSHOT":
      return message.records
        .reduce(
          (w, record) => w.u16(record.peer).pose(record.pose),
          new Writer(0x90).u32(message.tick).u32(message.serverMs).u16(message.lastSeq).u8(message.records.length),
        )
        .bytes();
  }
}
