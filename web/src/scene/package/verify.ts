/**
 * Whether a file is the one that a manifest names.
 *
 * Rule: size and SHA-256 both count. Browsers hash on pages of https and of this machine alone; on others only the size can
 * be looked at, and whoever asks is told so. (There the page itself came unguarded, from where the file comes.)
 */

export type Verdict = "whole" | "unhashed" | "wrong";

/** Looks at the bytes of a file. `digest`: null where the browser has none. */
export async function verdict(
  bytes: ArrayBuffer,
  expected: { readonly sha256: string; readonly bytes: number },
  digest: SubtleCrypto | null = (globalThis.crypto as Crypto | undefined)?.subtle ?? null,
): Promise<Verdict> {
  if (bytes.byteLength !== expected.bytes) return "wrong";
  if (digest === null) return "unhashed";
  const hash = new Uint8Array(await digest.digest("SHA-256", bytes));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("") === expected.sha256 ? "whole" : "wrong";
}
