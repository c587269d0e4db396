/**
 * One RTCPeerConnection to the world server, with its two negotiated channels.
 *
 * Rule: nothing waits for gathering: the server learns our address from our packets. A restart (new ICE credentials,
 * JSEP 4.1.18) keeps the connection only if the server's certificate is still the same: then it kept DTLS and SCTP.
 */
import { CHANNEL, type ChannelName } from "../netcode/messages";
import { DEAF, type Transport, type TransportHandlers } from "./transport";

/** Poses wait for nothing: with more than this many bytes unsent the next is skipped. */
const POSES_BACKLOG = 4_096;

/** The certificate's fingerprint in an SDP; undefined when there is none. */
export function fingerprint(sdp: string): string | undefined {
  return /^a=fingerprint:(\S+ [0-9a-f:]+)\s*$/im.exec(sdp)?.[1]?.toUpperCase();
}

/** A connection with the help of these TURN servers, or without if the browser does not understand them. */
function connection(relays: readonly RTCIceServer[]): RTCPeerConnection {
  try {
    return new RTCPeerConnection({ iceServers: [...relays] });
  } catch {
    return new RTCPeerConnection({ iceServers: [] });
  }
}

export class WebRtc implements Transport {
  readonly kind = "webrtc";
  handlers: TransportHandlers = DEAF;
  private readonly pc: RTCPeerConnection;
  private readonly channels: Readonly<Record<ChannelName, RTCDataChannel>>;
  private opened = false;
  private closed = false;

  constructor(relays: readonly RTCIceServer[]) {
    this.pc = connection(relays);
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

  /** The SDP of an offer that restarts ICE. What is under way goes on, on the old path while that works. */
  async restart(): Promise<string> {
    this.pc.restartIce();
    return this.offer();
  }

  /** Whether an answer to a restart is of the same connection: a server may have made a new one, of no use here. */
  isOurs(sdp: string): boolean {
    const before = fingerprint(this.pc.remoteDescription?.sdp ?? "");
    return before !== undefined && fingerprint(sdp) === before;
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

  close(): void {
    this.closed = true;
    this.pc.close();
  }

  /** A closed connection is noticed by the server at once. */
  leave(): void {
    this.close();
  }
}
