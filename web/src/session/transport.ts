/**
 * What the conversation asks of a path to the world server. `webrtc.ts` and `websocket.ts` are the two there are.
 *
 * Rule: knows bytes and channels, not what they mean. It opens once and goes down once, tells so once each, and is
 * thrown away; coming back is a new one.
 */
import type { ChannelName } from "../netcode/messages";
import type { PathKind } from "./paths";

export interface TransportHandlers {
  /** Both channels are open. */
  open(): void;
  message(channel: ChannelName, bytes: Uint8Array): void;
  /** It is over; `why` is for the notes, not for the visitor. */
  down(why: string): void;
}

export interface Transport {
  readonly kind: PathKind;
  /** Who is told; whoever takes the transport over sets it. */
  handlers: TransportHandlers;
  /** Whether it went out; a pose that would have to wait does not. */
  send(channel: ChannelName, bytes: Uint8Array<ArrayBuffer>): boolean;
  /** Ends it without telling the handlers. */
  close(): void;
  /** The same, and the server is to know at once that the visitor goes. */
  leave(): void;
}

/** Handlers of a transport that nobody listens to (yet, or any more). */
export const DEAF: TransportHandlers = { open: () => undefined, message: () => undefined, down: () => undefined };
