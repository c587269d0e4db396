// A crowd of clients in one process, for any server: joins them, walks them along the trace, and notes what they see.
// Called as `node X_load.mjs SPEC`; the benchmark then says "join FIRST COUNT", "begin" and "end" (see load.py, whose
// twin this is).
// Rule: what is measured is written down the same way for every server; what differs is `enter` alone.

import { readFileSync, writeFileSync } from "node:fs";

import { every, leash, say } from "./child.mjs";
import { Crowd } from "./crowd.mjs";

const TICK_US = 50_000; // 20 Hz, as everything here
const SLOTS = 10; // visitors send in ten groups, 5 ms apart, so that poses come spread over the tick
const AT_ONCE = 8; // joins under way

/** Microseconds of CLOCK_MONOTONIC, which Python's time.monotonic_ns reads too. */
const microseconds = () => Number(process.hrtime.bigint() / 1000n);

/** What a client tells of itself. */
class Visitor {
  constructor(index, log, watching) {
    this.index = index;
    this.watching = watching;
    this.#log = log;
  }

  #log;
  #known = new Map();
  walk = null; // set by `enter`'s result

  /** A snapshot or patch came. */
  snapshot(bytes) {
    this.#log.snapshots += 1;
    this.#log.bytes += bytes;
  }

  /** A watcher was shown the flags of another. */
  saw(subject, flags) {
    const before = this.#known.get(subject);
    if (before === flags) return;
    this.#known.set(subject, flags);
    if (before !== undefined) this.#log.seen.push([this.index, subject, flags, microseconds()]);
  }

  /** The connection is gone. */
  gone() {
    this.#log.gone += 1;
  }
}

const fresh = () => ({ snapshots: 0, bytes: 0, poses: 0, gone: 0, sent: [], seen: [] });

/**
 * Run. `enter(server, visitor)` connects one client to `spec.server` and resolves, once it is inside, to a function
 * `(pose, tick) => void` that sends a pose.
 */
export function load(enter) {
  const spec = JSON.parse(readFileSync(process.argv[2], "utf8"));
  const crowd = new Crowd(spec.trace);
  const watchers = new Set(spec.watchers);
  const log = fresh();
  const visitors = [];
  const flags = new Map();

  const join = async (first, count) => {
    const entered = [];
    let next = first;
    const worker = async () => {
      while (next < first + count) {
        const visitor = new Visitor(next++, log, watchers.has(next - 1));
        visitor.walk = await enter(spec.server, visitor);
        visitors.push(visitor);
        entered.push(microseconds());
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    const now = microseconds();
    say({ joined: entered.length, presence: entered.reduce((sum, at) => sum + (now - at), 0) / 1e6 });
  };

  let slot = 0;
  const send = () => {
    slot = (slot + 1) % SLOTS;
    const tick = Math.floor((microseconds() - spec.epoch) / TICK_US);
    for (const visitor of visitors) {
      if (visitor.index % SLOTS !== slot) continue;
      const pose = crowd.at(visitor.index, tick);
      visitor.walk(pose, tick);
      log.poses += 1;
      if (flags.get(visitor.index) !== pose.flags) {
        flags.set(visitor.index, pose.flags);
        log.sent.push([visitor.index, pose.flags, microseconds()]);
      }
    }
  };
  every(TICK_US / SLOTS / 1000, send);

  const fail = (error) => {
    process.stderr.write(`${error?.stack ?? error}\n`);
    process.exit(1);
  };
  leash((line) => {
    const [word, ...numbers] = line.split(" ");
    if (word === "join") join(...numbers.map(Number)).catch(fail);
    else if (word === "begin") say({ began: Object.assign(log, fresh()).poses });
    else if (word === "end") {
      writeFileSync(spec.result, JSON.stringify(log));
      say({ ended: true });
    }
  });
  say({ ready: true });
}
