/**
 * What a browser shows of two who walk and run, as the Python simulation told it over bad links both ways: 100 ms there
 * and back, up to 30 ms more each way, 5% lost (`tests/netcode/recording.py`, which wrote the recording).
 */
import { describe, expect, it } from "vitest";
import { ServerClock } from "./clock";
import { decodeServer } from "./codec";
import type { ChannelName } from "./messages";
import { Peers } from "./peers";
import type { Pose } from "./pose";
import file from "../../../netcode/recordings/errands.json";

interface Recording {
  readonly counts_from: number;
  readonly peers: Readonly<Record<string, number>>;
  /** [ms, x, y, z]: where each one truly was, millimetres, every 20 ms. */
  readonly truth: Readonly<Record<string, readonly (readonly [number, number, number, number])[]>>;
  /** [ms, channel, hex]: what arrived. */
  readonly frames: readonly (readonly [number, ChannelName, string])[];
}
type Place = readonly [number, number, number];
interface Frame {
  readonly now: number;
  readonly shown: Pose;
}

const recording = file as unknown as Recording;
/** A display of 60 Hz, in ms. */
const FRAME_MS = 1000 / 60;
/** What is shown is compared with the truth so long ago, in ms. */
const AGO_MS = 150;

/** Where somebody truly was, in metres. */
function truth(name: string, ms: number): Place {
  const notes = recording.truth[name] ?? [];
  const step = (notes[1]?.[0] ?? 0) - (notes[0]?.[0] ?? 0);
  const at = (ms - (notes[0]?.[0] ?? 0)) / step;
  const [a, b] = [notes[Math.floor(at)], notes[Math.floor(at) + 1]];
  if (!a || !b) throw new Error(`no truth of ${name} at ${ms} ms`);
  const mix = (i: 1 | 2 | 3): number => (a[i] + (b[i] - a[i]) * (at - Math.floor(at))) / 1000;
  return [mix(1), mix(2), mix(3)];
}

function apart({ x, y, z }: Pose, [a, b, c]: Place): number {
  return Math.hypot(x - a, y - b, z - c);
}

/** All frames in which somebody is shown, as the browser's client would show them. */
function play(): { frames: Record<string, Frame[]>; peers: Peers; unreadAtFirst: number } {
  const [clock, peers] = [new ServerClock(), new Peers()];
  let unreadAtFirst = 0;
  const frames: Record<string, Frame[]> = { walker: [], runner: [] };
  const names = new Map(Object.entries(recording.peers).map(([name, id]) => [id, name]));
  let next = 0;
  const end = recording.frames.at(-1)?.[0] ?? 0;
  for (let now = 0; now < end; now += FRAME_MS) {
    for (let frame = recording.frames[next]; frame && frame[0] <= now; frame = recording.frames[(next += 1)]) {
      const [at, channel, hex] = frame;
      const message = decodeServer(channel, Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16)));
      if (message.type === "WELCOME") {
        clock.start(message.serverMs, at);
        peers.reset(message.peer, message.tick);
      } else if (message.type === "ENTER") peers.enter(message.entrants);
      else if (message.type === "PONG") clock.pong(message.clientMs, message.serverMs, at);
      else if (message.type === "SIGHT") peers.sight(message, clock, at);
    }
    if (now < 1_000) unreadAtFirst = peers.unread;
    peers.shown(clock, now, (id, shown) => frames[names.get(id) ?? ""]?.push({ now, shown }));
  }
  return { frames, peers, unreadAtFirst };
}

describe("a recorded walk over a bad network", () => {
  const { frames, peers, unreadAtFirst } = play();
  const counted = (name: string): Frame[] => (frames[name] ?? []).filter(({ now }) => now >= recording.counts_from);

  it.each([
    ["walker", 0.15],
    ["runner", 0.3],
  ] as const)("shows the %s where they were 150 ms ago, within %f m in 99% of frames", (name, most) => {
    const errors = counted(name).map(({ now, shown }) => apart(shown, truth(name, now - AGO_MS)));
    expect(errors.length).toBeGreaterThan(2_000);
    expect(errors.filter((error) => error <= most).length / errors.length).toBeGreaterThanOrEqual(0.99);
    expect(Math.max(...errors)).toBeLessThan(1);
  });

  it.each(["walker", "runner"])("never lets the %s jump from one frame to the next", (name) => {
    const all = counted(name).map(({ shown }) => shown);
    const steps = all.slice(1).map((shown, i) => apart(shown, [all[i]?.x ?? NaN, all[i]?.y ?? NaN, all[i]?.z ?? NaN]));
    expect(Math.max(...steps)).toBeLessThan(0.25); // 15 m/s: a jump while running, and a correction on top
  });

  it("was read without a record lost to another's loss, once ENTER had come", () => {
    expect(peers.unread).toBe(unreadAtFirst);
    expect(unreadAtFirst).toBeLessThan(8);
    expect(peers.snapshots).toBeGreaterThan(700);
  });
});
