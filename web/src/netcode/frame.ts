/**
 * Fields of one frame over a DataView: integers little-endian, str8, pose.
 *
 * Rule: `Reader` reads what strangers sent and raises ProtocolError; `Writer` writes what we made and raises
 * RangeError, because a value that does not fit is a mistake of ours.
 */
import { ProtocolError } from "./errors";
import { MAX_MESSAGE, MAX_STR8, type WirePose } from "./messages";

/** Bytes of a pose. */
export const POSE_BODY = 14;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

export class Reader {
  private at = 1; // the type byte is read already
  private readonly view: DataView;

  constructor(private readonly bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  private skip(size: number): number {
    const at = this.at;
    if (at + size > this.bytes.byteLength) {
      throw new ProtocolError("short", `${size} more bytes wanted at ${at}, the frame has ${this.bytes.byteLength}`);
    }
    this.at = at + size;
    return at;
  }

  u8(): number {
    return this.view.getUint8(this.skip(1));
  }

  i8(): number {
    return this.view.getInt8(this.skip(1));
  }

  u16(): number {
    return this.view.getUint16(this.skip(2), true);
  }

  u32(): number {
    return this.view.getUint32(this.skip(4), true);
  }

  i24(): number {
    const at = this.skip(3);
    return this.view.getUint16(at, true) | (this.view.getInt8(at + 2) << 16);
  }

  str8(): string {
    const size = this.u8();
    const at = this.skip(size);
    try {
      return utf8.decode(this.bytes.subarray(at, at + size));
    } catch {
      throw new ProtocolError("text", "a text is not UTF-8");
    }
  }

  pose(): WirePose {
    return {
      x: this.i24(),
      y: this.i24(),
      z: this.i24(),
      yaw: this.u16(),
      pitch: this.i8(),
      gesture: this.u8(),
      flags: this.u8(),
    };
  }

  /** Nothing may follow. */
  end(): void {
    const rest = this.bytes.byteLength - this.at;
    if (rest !== 0) throw new ProtocolError("long", `${rest} bytes follow the message`);
  }
}

export class Writer {
  private readonly buffer = new ArrayBuffer(MAX_MESSAGE);
  private readonly view = new DataView(this.buffer);
  private at = 0;

  constructor(type: number) {
    this.u8(type);
  }

  private place(value: number, least: number, most: number, size: number): number {
    if (!Number.isInteger(value) || value < least || value > most) throw new RangeError(`${value} does not fit ${size} bytes`);
    return this.room(size);
  }

  private room(size: number): number {
    const at = this.at;
    if (at + size > MAX_MESSAGE) throw new RangeError(`a message of more than ${MAX_MESSAGE} bytes`);
    this.at = at + size;
    return at;
  }

  u8(value: number): this {
    this.view.setUint8(this.place(value, 0, 0xff, 1), value);
    return this;
  }

  i8(value: number): this {
    this.view.setInt8(this.place(value, -0x80, 0x7f, 1), value);
    return this;
  }

  u16(value: number): this {
    this.view.setUint16(this.place(value, 0, 0xffff, 2), value, true);
    return this;
  }

  u32(value: number): this {
    this.view.setUint32(this.place(value, 0, 0xffff_ffff, 4), value, true);
    return this;
  }

  i24(value: number): this {
    const at = this.place(value, -0x80_0000, 0x7f_ffff, 3);
    this.view.setUint16(at, value & 0xffff, true);
    this.view.setInt8(at + 2, value >> 16);
    return this;
  }

  str8(value: string): this {
    const bytes = encoder.encode(value);
    if (bytes.byteLength > MAX_STR8) throw new RangeError(`a text of ${bytes.byteLength} bytes does not fit str8`);
    this.u8(bytes.byteLength);
    new Uint8Array(this.buffer).set(bytes, this.room(bytes.byteLength));
    return this;
  }

  pose(pose: WirePose): this {
    return this.i24(pose.x).i24(pose.y).i24(pose.z).u16(pose.yaw).i8(pose.pitch).u8(pose.gesture).u8(pose.flags);
  }

  bytes(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.buffer.slice(0, this.at));
  }
}

/** The text cut so that its UTF-8 fits a str8, never inside a character. */
export function fitStr8(text: string): string {
  let fitted = text;
  while (encoder.encode(fitted).byteLength > MAX_STR8) fitted = [...fitted].slice(0, -1).join("");
  return fitted;
}
