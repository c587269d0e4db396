/**
 * The messages of netcode/PROTOCOL.md, versions 1 and 2, as types.
 *
 * Rule: numbers stay in wire units here (millimetres, 1/65536 turn); `units.ts` turns them into metres and radians.
 */

/** What this client speaks; version 1's POSE and SNAPSHOT are read and written for the vectors alone. */
export const PROTOCOL_VERSION = 2;
/** Bytes in one message: it fits one UDP packet together with SCTP, DTLS, UDP and IPv6 headers. */
export const MAX_MESSAGE = 1_200;
/** Records in one SNAPSHOT or SIGHT. */
export const MAX_RECORDS = 64;
/** A Delta is read against a pose of the same peer that is at most so many ticks older. */
export const REFERENCE_TICKS = 80;
/** Milliseconds in one step of a record's age. */
export const AGE_MS = 16;
/** Bytes of UTF-8 in a str8. */
export const MAX_STR8 = 255;

/** The two data channels, by their negotiated stream id. */
export const CHANNEL = { events: 0, poses: 1 } as const;
export type ChannelName = keyof typeof CHANNEL;

/** What a participant may be in the world; the gate decides it. */
export const ROLES = ["guest", "visitor", "builder", "moderator", "owner"] as const;
export type Role = (typeof ROLES)[number];

/** Codes of a NOTICE; one that is not here has only its text. */
export const NOTICE = { homeserverAway: 1, homeserverBack: 2, goingDownSoon: 3, text: 255 } as const;

/** Codes of a GOODBYE; one that is not here is treated like `left`. */
export const GOODBYE = {
  left: 1,
  kicked: 2,
  banned: 3,
  worldFull: 4,
  replaced: 5,
  protocolError: 6,
  version: 7,
  serverStopping: 8,
  silent: 9,
} as const;

/** A pose in wire units. */
export interface WirePose {
  /** Millimetres, i24. */
  readonly x: number;
  readonly y: number;
  readonly z: number;
  /** 1/65536 turn, u16. */
  readonly yaw: number;
  /** 90/127 degrees, i8. */
  readonly pitch: number;
  readonly gesture: number;
  readonly flags: number;
}

/** 0x01, events, client to server, first of all messages. */
export interface Hello {
  readonly type: "HELLO";
  readonly newest: number;
  readonly oldest: number;
  readonly client: string;
  readonly avatar: string;
  readonly pose: WirePose;
}

/** 0x02, events, client to server, once a second from a timer. */
export interface Ping {
  readonly type: "PING";
  readonly clientMs: number;
}

/** Why a JUMP says to be somewhere else all at once. */
export const JUMP = { respawn: 1, portal: 2, seat: 3 } as const;

/** 0x04, events, client to server: I am there now, not by walking; `jumps` counts them, modulo 16. */
export interface Jump {
  readonly type: "JUMP";
  readonly reason: number;
  readonly jumps: number;
  readonly pose: WirePose;
}

/** 0x11, poses, client to server: where I am, and when that was on the server's clock. */
export interface Here {
  readonly type: "HERE";
  readonly seq: number;
  /** Milliseconds modulo 65,536. */
  readonly at: number;
  /** JUMPs sent, modulo 16. */
  readonly jumps: number;
  /** Of the last CORRECT. */
  readonly corrections: number;
  readonly pose: WirePose;
}

/** 0x10, poses, client to server, version 1: where I am; `seq` grows by one with each, modulo 65,536. */
export interface PoseUpdate {
  readonly type: "POSE";
  readonly seq: number;
  readonly lastTick: number;
  readonly pose: WirePose;
}

/** 0x81, events, server to client: who you are here, and what time it is. */
export interface Welcome {
  readonly type: "WELCOME";
  readonly version: number;
  readonly peer: number;
  readonly tick: number;
  /** Hz. */
  readonly tickRate: number;
  readonly serverMs: number;
  readonly capacity: number;
  readonly name: string;
}

export interface Entrant {
  readonly peer: number;
  readonly role: number;
  readonly userId: string;
  readonly name: string;
  readonly avatar: string;
}

/** 0x82, events, server to client: these are here now; a known peer is replaced. */
export interface Enter {
  readonly type: "ENTER";
  readonly entrants: readonly Entrant[];
}

/** 0x83, events, server to client: these are gone. */
export interface Leave {
  readonly type: "LEAVE";
  readonly peers: readonly number[];
}

/** 0x84, events, server to client: the answer to PING. */
export interface Pong {
  readonly type: "PONG";
  readonly clientMs: number;
  readonly tick: number;
  readonly serverMs: number;
}

/** 0x85, events, server to client: something to tell the visitor. */
export interface Notice {
  readonly type: "NOTICE";
  readonly code: number;
  readonly text: string;
}

/** 0x86, events, server to client, last of all messages. */
export interface Goodbye {
  readonly type: "GOODBYE";
  readonly code: number;
  readonly reason: string;
}

export interface PoseRecord {
  readonly peer: number;
  readonly pose: WirePose;
}

/** 0x88, events, server to client: you are not there but here. */
export interface Correct {
  readonly type: "CORRECT";
  /** How many were sent, modulo 16. */
  readonly corrections: number;
  readonly pose: WirePose;
}

/** One other participant in a SIGHT, wholly. */
export interface Keyframe extends WirePose {
  readonly peer: number;
  /** How old the pose is, in AGE_MS; 15: so much or more. */
  readonly age: number;
}

/** One other participant in a SIGHT whose last pose is known: the low bits of where they are. */
export interface Delta {
  readonly peer: number;
  /** Centimetres modulo 2,048; y modulo 256. */
  readonly x: number;
  readonly y: number;
  readonly z: number;
  /** 180/127 degrees. */
  readonly pitch: number;
  /** 1/256 turn. */
  readonly yaw: number;
  /** The flag: 0 or 1. */
  readonly speaking: number;
  readonly age: number;
}

/** 0x91, poses, server to client: news of some of those in sight. */
export interface Sight {
  readonly type: "SIGHT";
  /** Ticks from one SIGHT to the next. */
  readonly interval: number;
  /** Milliseconds by which our newest HERE came before the tick; 255: nothing is known. */
  readonly lead: number;
  readonly lastSeq: number;
  readonly tick: number;
  readonly serverMs: number;
  readonly records: readonly (Keyframe | Delta)[];
}

/** 0x90, poses, server to client, version 1, each tick: where the others are. */
export interface Snapshot {
  readonly type: "SNAPSHOT";
  readonly tick: number;
  readonly serverMs: number;
  readonly lastSeq: number;
  readonly records: readonly PoseRecord[];
}

export type ClientMessage = Hello | Ping | PoseUpdate | Jump | Here;
export type ServerMessage = Welcome | Enter | Leave | Pong | Notice | Goodbye | Snapshot | Correct | Sight;
export type Message = ClientMessage | ServerMessage;
