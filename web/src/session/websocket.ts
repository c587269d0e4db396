/**
 * The same frames over a WebSocket of the gate, where UDP is blocked (netcode/PROTOCOL.md, "Over a WebSocket").
 *
 * Rule: the key goes into the first message, never into the address. Each message that comes is acknowledged soon: by
 * that the server knows what lies in queues between us, and sends poses only when they would not wait there.
 */
import { CHANNEL, type ChannelName } from "../netcode/messages";
import type { SocketKey } from "./signalling";
import { DEAF, type Transport, type TransportHandlers } from "./transport";

const RECEIPT = 2;
const KEY = 3;
const LEAVE = 4;
const CHANNELS: readonly ChannelName[] = ["events", "poses"];
/** Poses wait for nothing: with more than this many bytes unsent the next is skipped. */
const POSES_BACKLOG = 256;
/** What came is acknowledged at the latest after this long, in ms. */
const RECEIPT_MS = 50;

export class SocketPath implements Transport {
  readonly kind = "websocket";
  handlers: TransportHandlers = DEAF;
  private readonly socket: WebSocket;
  private opened = false;
  private closed = false;
  private received = 0;
  private receiptAt = -Infinity;
  private receiptTimer: ReturnType<typeof setTimeout> | undefined;

  constructor({ path, key }: SocketKey) {
    this.socket = new WebSocket(location.origin.replace(/^http/, "ws") + path);
    this.socket.binaryType = "arraybuffer";
    this.socket.addEventListener("open", () => this.put(KEY, new TextEncoder().encode(key)));
    this.socket.addEventListener("message", ({ data }: MessageEvent<unknown>) => this.take(data));
    this.socket.addEventListener("close", ({ code }: CloseEvent) => this.down(`the WebSocket closed (${code})`));
  }

  private take(data: unknown): void {
    if (this.closed) return;
    const bytes = data instanceof ArrayBuffer ? new Uint8Array(data) : new Uint8Array(0);
    const kind = bytes[0];
    if (!this.opened) {
      if (kind !== KEY || bytes.length !== 1) return this.down("the WebSocket speaks another language");
      this.opened = true;
      return this.handlers.open();
    }
    const channel = kind === undefined ? undefined : CHANNELS[kind];
    if (channel === undefined) return this.down("the WebSocket speaks another language");
    this.received += 1;
    this.acknowledge();
    this.handlers.message(channel, bytes.subarray(1));
  }

  /** Says how many have come: now, or with the next ones. */
  private acknowledge(): void {
    if (this.receiptTimer !== undefined) return;
    const wait = this.receiptAt + RECEIPT_MS - performance.now();
    if (wait <= 0) this.receipt();
    else this.receiptTimer = setTimeout(() => this.receipt(), wait);
  }

  private receipt(): void {
    this.receiptTimer = undefined;
    this.receiptAt = performance.now();
    const count = new Uint8Array(4);
    new DataView(count.buffer).setUint32(0, this.received >>> 0, true);
    this.put(RECEIPT, count);
  }

  send(channel: ChannelName, bytes: Uint8Array<ArrayBuffer>): boolean {
    if (!this.opened || (channel === "poses" && this.socket.bufferedAmount > POSES_BACKLOG)) return false;
    return this.put(CHANNEL[channel], bytes);
  }

  private put(kind: number, bytes: Uint8Array): boolean {
    if (this.closed || this.socket.readyState !== WebSocket.OPEN) return false;
    const message = new Uint8Array(1 + bytes.length);
    message[0] = kind;
    message.set(bytes, 1);
    this.socket.send(message);
    return true;
  }

  private down(why: string): void {
    if (this.closed) return;
    this.close();
    this.handlers.down(why);
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.receiptTimer);
    this.socket.close();
  }

  leave(): void {
    this.put(LEAVE, new Uint8Array(0));
    this.close();
  }
}
