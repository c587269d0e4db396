import { describe, expect, it } from "vitest";
import { rawEvent, type RawEvent } from "./client";
import { cleanBody, cleanName, integer } from "./json";
import { parseMxc } from "./media";
import { readWorldState, SERVER, WORLD, type WorldResult } from "./world_state";

function event(type: string, content: unknown, more: object = {}): RawEvent {
  const read = rawEvent({ type, content, sender: "@owner:h", state_key: "", event_id: "$1", ...more });
  if (!read) throw new Error("not an event");
  return read;
}

const create = event("m.room.create", { type: WORLD, room_version: "11" });
const scene = event(WORLD, { scene_url: "mxc://h/abc" });
const server = event(SERVER, { user_id: "@roomscale:h", device_id: "ROOMSCALE" });
const problem = (result: WorldResult): string => ("problem" in result ? result.problem.kind : "none");
const world = (...events: RawEvent[]): Extract<WorldResult, { world: unknown }>["world"] => {
  const result = readWorldState(events);
  if (!("world" in result)) throw new Error(result.problem.kind);
  return result.world;
};

describe("a world's state", () => {
  it("names the manifest of its package, or none", () => {
    const named = (value: unknown) => world(create, server, event(WORLD, { scene_url: "mxc://h/a", "org.roomscale.package": value })).manifest;
    expect(named({ url: "mxc://h/m", sha256: "x" })?.id).toBe("m");
    for (const value of [undefined, null, "mxc://h/m", [], {}, { url: 7 }, { url: "https://h/m" }, { url: "mxc://h/../m" }]) expect(named(value)).toBeNull();
  });

  it("is read when it is whole", () => {
    const read = world(create, scene, server, event("m.room.name", { name: "Plaza" }));
    expect(read).toMatchObject({
      name: "Plaza",
      scene: { server: "h", id: "abc" },
      server: { userId: "@roomscale:h", deviceId: "ROOMSCALE" },
      thumbnail: null,
      encrypted: false,
    });
  });

  it("takes either spelling of the thumbnail", () => {
    expect(world(create, server, event(WORLD, { scene_url: "mxc://h/a", scene_preview_url: "mxc://h/t" })).thumbnail?.id).toBe("t");
    expect(world(create, server, event(WORLD, { scene_url: "mxc://h/a", thumbnail_url: "mxc://h/u" })).thumbnail?.id).toBe("u");
  });

  it.each([
    ["no create event", [scene, server], "not_a_world"],
    ["a chat room", [event("m.room.create", {}), scene, server], "not_a_world"],
    ["no world event", [create, server], "no_scene"],
    ["a scene that is no mxc", [create, server, event(WORLD, { scene_url: "https://evil.example/x.glb" })], "bad_scene"],
    ["a scene that is script", [create, server, event(WORLD, { scene_url: "javascript:alert(1)" })], "bad_scene"],
    ["a scene that is a number", [create, server, event(WORLD, { scene_url: 7 })], "bad_scene"],
    ["a scene that climbs", [create, server, event(WORLD, { scene_url: "mxc://h/../../admin" })], "bad_scene"],
    ["no server", [create, scene], "no_server"],
    ["a server that is no user", [create, scene, event(SERVER, { user_id: "roomscale", device_id: "X" })], "no_server"],
    ["a server with every device", [create, scene, event(SERVER, { user_id: "@a:h", device_id: "*" })], "no_server"],
    ["content that is a list", [create, scene, event(SERVER, [])], "no_server"],
    ["a tombstone", [create, scene, server, event("m.room.tombstone", { replacement_room: "!new:h" })], "moved"],
  ])("%s: %s", (_name, events, expected) => {
    expect(problem(readWorldState(events))).toBe(expected);
  });

  it("counts wrong types as missing", () => {
    const powers = event("m.room.power_levels", { users: { "@a:h": "100" }, users_default: 1.5, events_default: "0", events: [] });
    const read = world(create, scene, server, powers, event("m.room.name", { name: { a: 1 } }), event("m.room.topic", { topic: null }));
    expect(read.powerOf("@a:h")).toBe(0);
    expect(read.messageLevel).toBe(0);
    expect(read.name).toBe("A world with no name");
    expect(read.topic).toBe("");
  });

  it("ignores state under other keys", () => {
    const forged = event(SERVER, { user_id: "@evil:h", device_id: "X" }, { state_key: "@evil:h" });
    expect(world(create, scene, server, forged).server.userId).toBe("@roomscale:h");
  });

  it("knows the power of creators in rooms of version 12, and only there", () => {
    const twelve = event("m.room.create", { type: WORLD, room_version: "12", additional_creators: ["@co:h"] });
    expect(world(twelve, scene, server).powerOf("@owner:h")).toBe(Number.POSITIVE_INFINITY);
    expect(world(twelve, scene, server).powerOf("@co:h")).toBe(Number.POSITIVE_INFINITY);
    expect(world(create, scene, server).powerOf("@owner:h")).toBe(0);
    const powers = event("m.room.power_levels", { users: { "@x:h": -1 } });
    expect(world(create, scene, server, powers).powerOf("__proto__")).toBe(0);
    expect(world(create, scene, server, powers).powerOf("@x:h")).toBe(-1);
  });

  it("whatever the state, gives a world or a problem", () => {
    const junk = [null, 1, 1.5, "x", [], {}, { a: [] }, true, "mxc://h/abc", "\u202e", { replacement_room: [] }];
    for (const type of ["m.room.create", WORLD, SERVER, "m.room.power_levels", "m.room.tombstone", "m.room.name", "m.room.topic"]) {
      for (const value of junk) {
        for (const content of [value, { type: value, scene_url: value, user_id: value, users: value, name: value, events: value, body: value }]) {
          expect(Object.keys(readWorldState([create, scene, server, event(type, content)]))).toHaveLength(1);
        }
      }
    }
  });
});

describe("mxc addresses", () => {
  it.each(["mxc://localhost/a-Z_9", "mxc://localhost:8448/x", "mxc://[::1]:80/x", "mxc://matrix.example.org/x"])("takes %s", (mxc) => {
    const read = parseMxc(mxc);
    expect(read && `mxc://${read.server}/${read.id}`).toBe(mxc);
  });

  it.each([
    "", "mxc://", "mxc:///x", "mxc://h/", "mxc://h/a/b", "mxc://h/../x", "mxc://h/..", "mxc://h/a?b", "mxc://h/a#b", "mxc://h/%2e%2e",
    "MXC://h/x", "mxc://u@h/x", "mxc://h /x", "mxc://h/x\n", " mxc://h/x", "mxc://a..b/x", "mxc://h/" + "x".repeat(700), "http://h/x", "javascript:1",
  ])("refuses %j", (mxc) => expect(parseMxc(mxc)).toBeUndefined());

  it.each([null, 3, {}, [], ["mxc://h/x"]])("refuses %j", (value) => expect(parseMxc(value)).toBeUndefined());
});

describe("text from others", () => {
  it("loses what hides or turns it", () => {
    expect(cleanName("\u202eadmin\u0000\u200b  x ")).toBe("admin x");
    expect(cleanName("a".repeat(100))).toHaveLength(48);
    expect(cleanName("😀".repeat(60))).toBe("😀".repeat(48));
    expect(cleanBody("a\r\nb\u202ec\u0007")).toBe("a\nbc");
    expect(cleanBody("x".repeat(5_000))).toHaveLength(4_001);
  });

  it("numbers are integers or nothing", () => {
    expect([1.5, "3", NaN, Infinity, -1, 11, null].map((value) => integer(value, 0, 10))).toEqual(Array(7).fill(undefined));
    expect(integer(10, 0, 10)).toBe(10);
  });
});
