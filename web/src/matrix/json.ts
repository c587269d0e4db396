/**
 * Reading JSON that somebody else wrote.
 *
 * Rule: nothing from a homeserver or a room's state is believed to have a type; each reader returns a value of
 * that type or `undefined`, and never throws.
 */

export type Json = Readonly<Record<string, unknown>>;

/** The value if it is a JSON object (not null, not an array). */
export function record(value: unknown): Json | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
}

/** The value as an object, or an empty one. */
export function recordOr(value: unknown): Json {
  return record(value) ?? {};
}

/** The value if it is an array; otherwise an empty one. */
export function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The value if it is a string of at most `most` UTF-16 units. */
export function text(value: unknown, most = 1_000): string | undefined {
  return typeof value === "string" && value.length <= most ? value : undefined;
}

/** The value if it is an integer within [least, most]. Floats, and numbers written as strings, are not. */
export function integer(value: unknown, least: number, most: number): number | undefined {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= least && value <= most
    ? value
    : undefined;
}

// Control characters, and the ones that turn the writing direction or stand for nothing visible: they let one
// name pass for another. (Line breaks are kept by `cleanBody`.)
const HIDDEN = /[\u0000-\u001f\u007f-\u009f\u061c\u180e\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb]/gu;
const HIDDEN_IN_BODY = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;

/** A name fit to be shown on one line: no control or direction characters, spaces joined, at most `most` characters. */
export function cleanName(value: string, most = 48): string {
  const line = value.slice(0, 4 * most).replace(HIDDEN, " ").replace(/\s+/gu, " ").trim();
  return [...line].slice(0, most).join("");
}

/** A message's text: line breaks stay, control and direction characters go, at most `most` characters. */
export function cleanBody(value: string, most = 4_000): string {
  const cleaned = value.slice(0, 4 * most).replace(HIDDEN_IN_BODY, "").trim();
  const characters = [...cleaned];
  return characters.length <= most ? cleaned : characters.slice(0, most).join("") + "…";
}
