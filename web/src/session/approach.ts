/**
 * One search for a path: an offer, its answer, and whichever of the answer's two ways opens first.
 *
 * Rule: what `Race` says is done here, and nothing is decided. Both ways are tried at once for a while; the loser is
 * closed before anything was said on it.
 */
import { Race } from "./paths";
import type { Answer } from "./signalling";
import type { Transport } from "./transport";
import { WebRtc } from "./webrtc";
import { SocketPath } from "./websocket";

/** How often the race is looked at, in ms. */
const LOOK_MS = 100;

export class Approach {
  private readonly webrtc: WebRtc;
  private socket: SocketPath | null = null;
  private timer: ReturnType<typeof setInterval> | undefined;
  private settle: (result: Transport | string) => void = () => undefined;
  private over = false;

  constructor(relays: readonly RTCIceServer[]) {
    this.webrtc = new WebRtc(relays);
  }

  /** Our offer's SDP. */
  offer(): Promise<string> {
    return this.webrtc.offer();
  }

  /** The open path of an answer, or why there is none. The WebSocket is tried after `patience` ms, if ever. */
  async run(answer: Answer, patience: number): Promise<Transport | string> {
    const race = new Race(performance.now(), answer.socket !== null && patience < Infinity, patience);
    const look = (): void => this.look(race, answer);
    const result = new Promise<Transport | string>((resolve) => (this.settle = resolve));
    if (this.over) return "given up";
    this.listen(this.webrtc, race, look);
    this.timer = setInterval(look, LOOK_MS);
    await this.webrtc.accept(answer.sdp).catch(() => race.failed("webrtc"));
    look();
    return result;
  }

  private listen(transport: Transport, race: Race, look: () => void): void {
    transport.handlers = {
      open: () => this.end(transport),
      message: () => undefined, // nothing is said before HELLO
      down: () => {
        race.failed(transport.kind);
        look();
      },
    };
  }

  private look(race: Race, answer: Answer): void {
    if (this.over) return;
    const act = race.next(performance.now());
    if (act?.do === "lose") return this.end(act.why);
    if (act?.do !== "websocket" || !answer.socket) return;
    this.socket = new SocketPath(answer.socket);
    this.listen(this.socket, race, () => this.look(race, answer));
  }

  private end(result: Transport | string): void {
    if (this.over) return;
    this.over = true;
    clearInterval(this.timer);
    for (const loser of [this.webrtc, this.socket]) if (loser !== result) loser?.close();
    this.settle(result);
  }

  /** Gives it up. A path that has opened is not this one's any more. */
  close(): void {
    this.end("given up");
  }
}
