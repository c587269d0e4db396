/**
 * Connections whose other end is a test: a WebRTC one, which opens when an answer comes, and a WebSocket.
 *
 * Rule: they open when told to, and say what they are told to.
 */
import { decodeClient, encode } from "../netcode/codec";
import type { ChannelName, ClientMessage, ServerMessage } from "../netcode/messages";

export const WELCOME: ServerMessage = { type: "WELCOME", version: 2, peer: 7, tick: 100, tickRate: 20, serverMs: 5_000, capacity: 100, name: "Ada" };
export const PONG: ServerMessage = { type: "PONG", clientMs: 0, tick: 1, serverMs: 1 };

export class FakeChannel extends EventTarget {
  readyState = "connecting";
  bufferedAmount = 0;
  binaryType = "";
  readonly sent: ClientMessage[] = [];
  constructor(readonly label: ChannelName) {
    super();
  }
  send(bytes: Uint8Array): void {
    this.sent.push(decodeClient(this.label, bytes));
  }
}

export class FakeConnection extends EventTarget {
  static all: FakeConnection[] = [];
  readonly channels = new Map<string, FakeChannel>();
  connectionState = "new";
  localDescription: { sdp: string } | null = null;
  remoteDescription: { sdp: string } | null = null;
  restarts = 0;
  /** Whether packets get through. */
  static udp = true;
  constructor() {
    super();
    FakeConnection.all.push(this);
  }
  createDataChannel(label: ChannelName): FakeChannel {
    const channel = new FakeChannel(label);
    this.channels.set(label, channel);
    return channel;
  }
  setLocalDescription(): Promise<void> {
    this.localDescription = { sdp: `v=0 offer ${FakeConnection.all.indexOf(this)}.${this.restarts}` };
    return Promise.resolve();
  }
  restartIce(): void {
    this.restarts += 1;
  }
  setRemoteDescription({ sdp }: { sdp: string }): Promise<void> {
    if (sdp === "nonsense") return Promise.reject(new Error("no SDP"));
    const again = this.remoteDescription !== null;
    this.remoteDescription = { sdp };
    if (again || !FakeConnection.udp) return Promise.resolve();
    for (const channel of this.channels.values()) channel.readyState = "open";
    for (const channel of this.channels.values()) channel.dispatchEvent(new Event("open"));
    return Promise.resolve();
  }
  close(): void {
    this.connectionState = "closed";
  }
  channel(name: ChannelName): FakeChannel {
    const channel = this.channels.get(name);
    if (!channel) throw new Error(`no channel ${name}`);
    return channel;
  }
  say(message: ServerMessage): void {
    const name = message.type === "SIGHT" ? "poses" : "events";
    this.channel(name).dispatchEvent(new MessageEvent("message", { data: encode(message).buffer }));
  }
  welcome(): void {
    this.say(WELCOME);
  }
}

export class FakeSocket extends EventTarget {
  static readonly OPEN = 1;
  static all: FakeSocket[] = [];
  readyState = 0;
  bufferedAmount = 0;
  binaryType = "";
  readonly sent: Uint8Array[] = [];
  constructor(readonly url: string) {
    super();
    FakeSocket.all.push(this);
  }
  send(bytes: Uint8Array): void {
    this.sent.push(bytes);
  }
  close(): void {
    this.readyState = 3;
  }
  /** The server takes the key. */
  open(): void {
    this.readyState = FakeSocket.OPEN;
    this.dispatchEvent(new Event("open"));
    this.come([3]);
  }
  come(bytes: readonly number[] | Uint8Array): void {
    this.dispatchEvent(new MessageEvent("message", { data: new Uint8Array(bytes).buffer }));
  }
  say(message: ServerMessage): void {
    this.come([message.type === "SIGHT" ? 1 : 0, ...encode(message)]);
  }
  frames(): ClientMessage[] {
    const frames = this.sent.filter((bytes) => (bytes[0] ?? 9) < 2);
    return frames.map((bytes) => decodeClient(bytes[0] === 0 ? "events" : "poses", bytes.subarray(1)));
  }
  receipts(): number[] {
    const receipts = this.sent.filter((bytes) => bytes[0] === 2);
    return receipts.map((bytes) => new DataView(bytes.buffer).getUint32(1, true));
  }
}
