import { describe, expect, it } from "vitest";
import {
  CALM_MS,
  IMPATIENCE_MS,
  LOST_MS,
  OPEN_MS,
  PATIENCE_MS,
  PROBE_MS,
  Race,
  RESTART_MS,
  RETRY_MS,
  SILENCE_MS,
  SUSPICION_MS,
  Watch,
  type Act,
  type PathKind,
  type RaceAct,
} from "./paths";

/** Looks each 100 ms after `from` until `until`; what was to be done, and when. */
function raced(race: Race, from: number, until: number): [number, RaceAct][] {
  const acts: [number, RaceAct][] = [];
  for (let now = from + 100; now <= until; now += 100) {
    const act = race.next(now);
    if (act) acts.push([now, act]);
  }
  return acts;
}

describe("the race for the first path", () => {
  it("leaves WebRTC alone for three seconds, then tries the WebSocket too, once", () => {
    const race = new Race(1_000, true, PATIENCE_MS);
    expect(raced(race, 1_000, 1_000 + PATIENCE_MS + 500)).toEqual([[1_000 + PATIENCE_MS, { do: "websocket" }]]);
  });

  it("does not count the time in which the page built a scene, and could not hear that WebRTC is open", () => {
    const race = new Race(0, true, PATIENCE_MS);
    raced(race, 0, 500);
    expect(race.next(500 + 4_000)).toBeNull();
    expect(race.next(500 + 15_000)).toBeNull();
    expect(raced(race, 15_500, 20_000)).toEqual([[15_500 + 500, { do: "websocket" }]]);
  });

  it("does not wait where WebRTC has failed, and hardly where the WebSocket worked last", () => {
    const race = new Race(0, true, PATIENCE_MS);
    race.failed("webrtc");
    expect(race.next(10)).toEqual({ do: "websocket" });
    expect(raced(new Race(0, true, IMPATIENCE_MS), 0, 1_000)).toEqual([[IMPATIENCE_MS, { do: "websocket" }]]);
  });

  it("is lost when both have failed, when there is no key for a second one, or after ten seconds", () => {
    const both = new Race(0, true, PATIENCE_MS);
    raced(both, 0, PATIENCE_MS);
    both.failed("websocket");
    expect(both.next(PATIENCE_MS + 1)).toBeNull(); // WebRTC may still open
    both.failed("webrtc");
    expect(both.next(PATIENCE_MS + 2)).toMatchObject({ do: "lose" });
    const keyless = new Race(0, false, PATIENCE_MS);
    expect(raced(keyless, 0, PATIENCE_MS)).toEqual([]);
    keyless.failed("webrtc");
    expect(keyless.next(PATIENCE_MS)).toMatchObject({ do: "lose" });
    const slow = new Race(0, true, PATIENCE_MS);
    raced(slow, 0, OPEN_MS - 100);
    expect(slow.next(OPEN_MS - 1)).toBeNull();
    expect(slow.next(OPEN_MS)).toMatchObject({ do: "lose" });
  });
});

/** Looks each 50 ms from `from` to `until`; hears a packet at each look while `hears`; what was to be done, and when first. */
function watched(watch: Watch, from: number, until: number, hears: (now: number) => boolean = () => false): Map<Act, number> {
  const acts = new Map<Act, number>();
  for (let now = from; now <= until; now += 50) {
    if (hears(now)) watch.heard(now);
    const act = watch.next(now);
    if (act === null) continue;
    if (!acts.has(act)) acts.set(act, now);
    if (act !== "probe" && act !== "lose") watch.began(act);
  }
  return acts;
}
const always = (): boolean => true;

describe("the watch over the path in use", () => {
  it("does nothing about a path that is heard", () => {
    expect(watched(new Watch("webrtc", 0, true), 0, 100_000, always).size).toBe(0);
  });

  it("asks for a packet after half a second, restarts ICE after one, and gives up after three", () => {
    const acts = watched(new Watch("webrtc", 0, true), 0, LOST_MS);
    expect([...acts]).toEqual([
      ["probe", PROBE_MS],
      ["restart", SILENCE_MS.webrtc],
      ["lose", LOST_MS],
    ]);
  });

  it("a server that answers only each second to a probe is no silence", () => {
    const watch = new Watch("webrtc", 0, true);
    let answerAt = 0;
    const acts = new Set<Act>();
    for (let now = 0; now < 20_000; now += 50) {
      if (answerAt && now >= answerAt) {
        watch.heard(now);
        answerAt = 0;
      }
      const act = watch.next(now);
      if (act === "probe") answerAt ||= now + 150;
      if (act) acts.add(act);
    }
    expect([...acts]).toEqual(["probe"]);
  });

  it.each<[PathKind, boolean]>([
    ["webrtc", false],
    ["websocket", true],
  ])("looks for a new path at once where a restart is of no use (%s)", (kind, restartable) => {
    const acts = watched(new Watch(kind, 0, restartable), 0, LOST_MS - 50);
    expect([...acts.keys()]).toEqual(["probe", "seek"]);
    expect(acts.get("seek")).toBe(SILENCE_MS[kind]);
  });

  it("gives a restarted path a moment to be heard, then looks for a new one", () => {
    const watch = new Watch("webrtc", 0, true);
    watched(watch, 0, 1_000);
    watch.restarted(1_200);
    const acts = watched(watch, 1_250, LOST_MS - 50);
    expect(acts.get("seek")).toBe(1_200 + RESTART_MS);
    const heard = new Watch("webrtc", 0, true);
    watched(heard, 0, 1_000);
    heard.restarted(1_200);
    expect([...watched(heard, 1_250, 60_000, always)]).toEqual([]);
  });

  it("does not restart at each loss of a packet", () => {
    const watch = new Watch("webrtc", 0, true);
    watched(watch, 0, 1_000);
    watch.restarted(1_000);
    watch.heard(1_100);
    expect(watched(watch, 1_150, 4_000).get("restart")).toBe(1_100 + CALM_MS);
  });

  it("turns to a new path when the server turns out not to restart", () => {
    const watch = new Watch("webrtc", 0, true);
    watched(watch, 0, 1_000);
    watch.cannotRestart(1_150);
    expect(watched(watch, 1_150, 2_000).get("seek")).toBe(1_150);
  });

  it("tries again, not too often, when a search came to nothing, and heeds the pause that was asked for", () => {
    const watch = new Watch("webrtc", 0, false);
    watched(watch, 0, 1_000);
    watch.ended(1_100);
    expect(watched(watch, 1_150, 2_000).get("seek")).toBe(1_600);
    watch.ended(2_000, 900);
    expect(watched(watch, 2_050, 2_950).get("seek")).toBe(2_900);
  });

  it("a changed network restarts ICE at once, though the path is heard", () => {
    const watch = new Watch("webrtc", 0, true);
    watched(watch, 0, 5_000, always);
    watch.changed(5_010);
    expect(watched(watch, 5_010, 5_010, always).get("restart")).toBe(5_010);
  });

  it("a changed network costs a server that cannot restart nothing while the path is heard", () => {
    const watch = new Watch("webrtc", 0, false);
    watch.changed(5_010);
    expect(watched(watch, 5_010, 9_000, always).size).toBe(0);
    watch.changed(9_000);
    const acts = watched(watch, 9_050, 10_000);
    expect(acts.get("seek")).toBe(9_000 + SUSPICION_MS);
  });

  it("a changed network may let UDP through: a WebSocket looks for a path at once", () => {
    const watch = new Watch("websocket", 0, true);
    watch.changed(100);
    expect(watched(watch, 100, 100, always).get("seek")).toBe(100);
  });

  it("a WebSocket tries WebRTC each half minute, and a path in use is not touched by its failing", () => {
    const watch = new Watch("websocket", 0, true);
    expect(watched(watch, 0, RETRY_MS, always).get("upgrade")).toBe(RETRY_MS);
    watch.ended(RETRY_MS + 10_000);
    expect(watched(watch, RETRY_MS + 10_050, 2 * RETRY_MS + 11_000, always).get("upgrade")).toBe(2 * RETRY_MS + 10_000);
  });

  it("gives a try at WebRTC up when its own path falls silent", () => {
    const watch = new Watch("websocket", 0, true);
    watched(watch, 0, RETRY_MS, always);
    const acts = watched(watch, RETRY_MS + 50, RETRY_MS + LOST_MS - 50);
    expect(acts.get("seek")).toBe(RETRY_MS + SILENCE_MS.websocket);
  });

  it("a page that slept begins to count when it wakes", () => {
    const watch = new Watch("webrtc", 0, true);
    expect(watch.next(0)).toBeNull();
    expect(watch.next(600_000)).toBe("probe");
    expect(watched(watch, 600_050, 600_000 + LOST_MS).get("restart")).toBe(600_000 + SILENCE_MS.webrtc - PROBE_MS);
  });
});
