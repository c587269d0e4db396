/**
 * What a name says about matter: foliage, water, sky, or nothing.
 *
 * Rule: only whole words count ("skylight" is no sky, "planter" no plant); a name is a hint and never the only evidence for
 * what could be ground.
 */

export type Matter = "foliage" | "lawn" | "water" | "sky" | "air" | "solid";

const WORDS: readonly (readonly [Matter, string])[] = [
  ["sky", "sky skybox skydome skysphere skies cloud clouds stars starfield horizon firmament"],
  ["water", "water sea ocean river lake pond waterfall stream lagoon waterplane"],
  // What light, weather and effects are made of.
  ["air", "smoke fog mist steam fire flame flames spark sparks particle particles glow halo flare lightshaft shaft godray godrays ray rays decal decals shadow shadows"],
  ["foliage", "leaf leaves foliage bush bushes shrub shrubs fern ferns ivy vine vines flower flowers reed reeds weed weeds canopy palm fronds frond branch branches blades petals bamboo"],
  // These may be ground as well as blades standing on it: the shape decides.
  ["lawn", "grass plant plants moss meadow clover turf"],
];
const MATTER = new Map(WORDS.flatMap(([matter, words]) => words.split(" ").map((word) => [word, matter] as const)));

/** The words of a name: "GrassBlades_03.001" → grass, blades. */
export function words(name: string): string[] {
  const spaced = name.replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase();
  return spaced.split(/[^a-z]+/).filter((word) => word.length > 1);
}

/** What the names of a mesh, its parents and its material say; the first that says anything decides. */
export function matterOf(names: readonly string[]): Matter {
  for (const name of names) {
    for (const word of words(name.slice(0, 200))) {
      const matter = MATTER.get(word);
      if (matter !== undefined) return matter;
    }
  }
  return "solid";
}
