/** The vectors of netcode/vectors bind this codec and the Python one to PROTOCOL.md. */
import { describe, expect, it } from "vitest";
import { decodeClient, decodeServer, encode } from "./codec";
import { ProtocolError } from "./errors";
import { fitStr8, Reader } from "./frame";
import type { ChannelName, Delta, Message, WirePose } from "./messages";
import { poseOf } from "./records";
import { fromWire, toWire } from "./units";

interface Vector {
  readonly name: string;
  readonly from: "client" | "server";
  readonly channel: ChannelName;
  readonly hex: string;
  readonly message?: unknown;
  readonly error?: string;
}

interface UnitVector {
  readonly name: string;
  readonly metres: [number, number, number];
  readonly yaw: number;
  readonly pitch: number;
  readonly wire: { x: number; y: number; z: number; yaw: number; pitch: number };
}

interface ReferenceVector {
  readonly name: string;
  readonly known: WirePose | null;
  readonly delta: Delta;
  readonly pose: WirePose | null;
}

const files = import.meta.glob<Vector[]>("../../../netcode/vectors/v?-*.json", { eager: true, import: "default" });
const units = import.meta.glob<UnitVector[]>("../../../netcode/vectors/units/*.json", { eager: true, import: "default" });
const references = import.meta.glob<ReferenceVector[]>("../../../netcode/vectors/references/*.json", { eager: true, import: "default" });
const vectors = Object.values(files).flat();
const good = vectors.filter((vector) => vector.message !== undefined);
const malformed = vectors.filter((vector) => vector.error !== undefined);

/** Vectors name fields in snake_case, TypeScript in camelCase. */
function camel(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(camel);
  if (typeof value !== "object" || value === null) return value;
  const key = (name: string): string => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [key(name), camel(inner)]));
}

function bytes(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

function hex(data: Uint8Array): string {
  return Array.from(data, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

const decode = (vector: Vector): Message =>
  (vector.from === "client" ? decodeClient : decodeServer)(vector.channel, bytes(vector.hex));

describe("the vectors", () => {
  it("are there", () => {
    expect(good.length).toBeGreaterThan(15);
    expect(malformed.length).toBeGreaterThan(20);
    expect(new Set(good.map((vector) => (vector.message as Message).type)).size).toBe(14);
  });

  it.each(good)("decode: $name", (vector) => {
    expect(decode(vector)).toEqual(camel(vector.message));
  });

  it.each(good)("encode: $name", (vector) => {
    expect(hex(encode(camel(vector.message) as Message))).toBe(vector.hex);
  });

  it.each(malformed)("refuse: $name", (vector) => {
    let raised: unknown;
    try {
      decode(vector);
    } catch (error) {
      raised = error;
    }
    expect(raised).toBeInstanceOf(ProtocolError);
    expect((raised as ProtocolError).reason).toBe(vector.error);
  });

  it.each(Object.values(references).flat())("deltas: $name", ({ known, delta, pose }) => {
    expect(poseOf(delta, known ?? undefined) ?? null).toEqual(pose);
  });

  it.each(Object.values(units).flat())("units: $name", ({ metres, yaw, pitch, wire }) => {
    const [x, y, z] = metres;
    const sent = toWire({ x, y, z, yaw, pitch, gesture: 0, flags: 0 });
    expect(sent).toEqual({ ...wire, gesture: 0, flags: 0 });
    expect(toWire(fromWire(sent))).toEqual(sent);
  });
});

describe("whatever the bytes", () => {
  it("decoding gives a message or a ProtocolError", () => {
    let state = 12_345;
    const random = (): number => (state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0) / 2 ** 32;
    for (let round = 0; round < 5_000; round += 1) {
      const vector = good[Math.floor(random() * good.length)];
      if (!vector) throw new Error("no vectors");
      const data = bytes(vector.hex).slice(0, Math.floor(random() * (vector.hex.length / 2 + 1)));
      for (let i = 0; i < 3; i += 1) if (data.length > 0) data[Math.floor(random() * data.length)] = Math.floor(random() * 256);
      for (const channel of ["events", "poses"] as const) {
        for (const read of [decodeClient, decodeServer]) {
          try {
            read(channel, data);
          } catch (error) {
            expect(error).toBeInstanceOf(ProtocolError);
          }
        }
      }
    }
  });

  it("a frame inside a larger buffer is read at its own offset", () => {
    const whole = new Uint8Array([9, 9, 0x85, 1, 2, 0x68, 0x69, 9]);
    expect(decodeServer("events", whole.subarray(2, 7))).toEqual({ type: "NOTICE", code: 1, text: "hi" });
    expect(() => new Reader(whole.subarray(7)).u8()).toThrow(ProtocolError);
  });
});

describe("what we send", () => {
  it("is kept within its fields: far away becomes the border, no number becomes 0", () => {
    const wire = toWire({ x: 1e9, y: -Infinity, z: NaN, yaw: 7 * Math.PI, pitch: 9, gesture: 300, flags: 15 });
    expect(wire).toEqual({ x: 0x7fffff, y: -0x7fffff, z: 0, yaw: 32_768, pitch: 127, gesture: 300 & 0xff, flags: 15 });
  });

  it("a name is cut between characters, never inside one", () => {
    const cut = fitStr8("é".repeat(127) + "👩‍🚀");
    expect(cut).toBe("é".repeat(127));
    expect(new TextEncoder().encode(fitStr8("😀".repeat(100))).length).toBeLessThanOrEqual(255);
  });

  it("raises when a field does not fit, for that is our mistake", () => {
    expect(() => encode({ type: "PING", clientMs: 2 ** 32 })).toThrow(RangeError);
    expect(() => encode({ type: "PING", clientMs: 0.5 })).toThrow(RangeError);
  });
});
