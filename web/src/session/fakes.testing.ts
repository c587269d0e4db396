/** A WebRTC connection whose other end is a test. Rule: it opens when an answer comes, and says what it is told to. */
import { decodeClient, encode } from "../netcode/codec";
import type { ChannelName, ClientMessage, ServerMessage } from "../netcode/messages";

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
    this.localDescription = { sdp: `v=0 offer ${FakeConnection.all.length}` };
    return Promise.resolve();
  }
  setRemoteDescription({ sdp }: { sdp: string }): Promise<void> {
    if (sdp === "nonsense") return Promise.reject(new Error("no SDP"));
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
    this.say({ type: "WELCOME", version: 2, peer: 7, tick: 100, tickRate: 20, serverMs: 5_000, capacity: 100, name: "Ada" });
  }
}
