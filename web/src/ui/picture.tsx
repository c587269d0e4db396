/** A world's picture; where there is none, or it does not load, a dusk of the world's own colours. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";

/** A number from 0 to `below` − 1 that is always the same for the same text (FNV-1a). */
export function hashOf(text: string, below: number): number {
  let hash = 0x811c9dc5;
  for (const character of text) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x0100_0193) >>> 0;
  return hash % below;
}

export function Picture(props: { src: string | null; seed: string; alt?: string; class?: string }): JSX.Element {
  const [broken, setBroken] = useState(false);
  const name = `picture ${props.class ?? ""}`;
  if (props.src === null || broken) return <div class={`${name} dusk dusk-${hashOf(props.seed, 4)}`} aria-hidden="true" />;
  return <img class={name} src={props.src} alt={props.alt ?? ""} decoding="async" onError={() => setBroken(true)} />;
}

/** The round stand-in for somebody's face: their initial on a colour of their own. */
export function Face(props: { name: string; seed: string }): JSX.Element {
  const initial = [...props.name.trim()][0]?.toLocaleUpperCase() ?? "·";
  return (
    <span class={`face tint-${hashOf(props.seed, 8)}`} aria-hidden="true">
      {initial}
    </span>
  );
}

/** "Nobody is inside yet", "1 person is inside", "12 people are inside". */
export function insideText(count: number): string {
  if (count === 0) return "Nobody is inside yet";
  return count === 1 ? "1 person is inside" : `${count} people are inside`;
}
