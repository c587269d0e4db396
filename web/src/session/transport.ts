/**
 * One RTCPeerConnection to the world server, with its two negotiated channels.
 *
 * Rule: knows bytes and channels, not what they mean. It goes down once, tells so once, and is thrown away;
 * coming back is a new one. Nothing waits for gathering: the server learns our address from our packets.
 */
import { CHANNEL, type ChannelName } from "../netcode/messages";

export interface TransportHandlers {
  /** Both channels are open. */
  open(): void;
  message(channel: ChannelName, bytes: Uint8Array): void;
  /** It is over; `why` is for the notes, not for the visitor. */
  down(why: string): void;
}

/** Poses wait for nothing: with more than this many bytes unsent the next is skipped. */
const POSES_BACKLOG = 4_096;

export class Transport {
  private readonly pc: RTCPeerConnection;
  private readonly channels: Readonly<Record<ChannelName, RTCDataChannel>>;
  private opened = false;
  private closed = false;

  constructor(private readonly handlers: TransportHandlers) {
    this.pc = new RTCPeerConnection({ iceServers: [] });
    this.channels = {
      events: this.pc.createDataChannel("events", { negotiated: true, id: CHANNEL.events }),
      poses: this.pc.createDataChannel("poses", { negotiated: true, id: CHANNEL.poses, ordered: false, maxRetransmits: 0 }),
    };
    this.listen("events");
    this.listen("poses");
    this.pc.addEventListener("connectionstatechange", () => {
      const state = this.pc.connectionState;
      if (state === "failed" || state === "closed") this.down(`the connection is ${state}`);
    });
  }

  private listen(name: ChannelName): void {
    const channel = this.channels[name];
    channel.binaryType = "arraybuffer";
    channel.addEventListener("open", () => {
      const both = this.channels.events.readyState === "open" && this.channels.poses.readyState === "open";
      if (!both || this.opened || this.closed) return; // each channel tells; what both say counts once
      this.opened = true;
      this.handlers.open();
    });
    channel.addEventListener("message", ({ data }: MessageEvent<unknown>) => {
      if (this.closed) return;
      this.handlers.message(name, data instanceof ArrayBuffer ? new Uint8Array(data) : new Uint8Array(0));
    });
    channel.addEventListener("close", () => this.down(`the ${name} channel closed`));
  }

  /** Our offer's SDP. */
  async offer(): Promise<string> {
    await this.pc.setLocalDescription();
    return this.pc.localDescription?.sdp ?? "";
  }

  /** Takes the server's answer; raises when it is no SDP or answers another offer. */
  async accept(sdp: string): Promise<void> {
    await this.pc.setRemoteDescription({ type: "answer", sdp });
  }

  get state(): string {
    return this.pc.connectionState;
  }

  send(channel: ChannelName, bytes: Uint8Array<ArrayBuffer>): boolean {
    const target = this.channels[channel];
    if (this.closed || target.readyState !== "open") return false;
    if (channel === "poses" && target.bufferedAmount > POSES_BACKLOG) return false;
    try {
      target.send(bytes);
      return true;
    } catch {
      return false; // closing in this very moment; `close` follows
    }
  }

  private down(why: string): void {
    if (this.closed) return;
    this.close();
    this.handlers.down(why);
  }

  /** Ends it without telling the handlers. The server notices at once. */
  close(): void {
    this.closed = true;
    this.pc.close();
  }
}
