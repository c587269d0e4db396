/** What the other side did wrong on the wire. Rule: whatever the bytes, decoding gives a message or this error. */

/** Why a frame is malformed; the names stand in PROTOCOL.md and in the vectors. */
export type ProtocolReason = "empty" | "size" | "type" | "short" | "long" | "text" | "value";

export class ProtocolError extends Error {
  override readonly name = "ProtocolError";

  constructor(
    readonly reason: ProtocolReason,
    detail: string,
  ) {
    super(`${reason}: ${detail}`);
  }
}
