/**
 * Lights: the scene's own, kept to a number that a phone can shade, and a neutral fill where there is too little.
 *
 * Rule: the number of lights is fixed when the scene has loaded and never changes after (a change recompiles every shader).
 */

import { Color, DirectionalLight, HemisphereLight, type Light, type Material, Mesh, MeshBasicMaterial, MeshStandardMaterial, type Object3D, PointLight, SpotLight } from "three";

import type { Notes } from "./json";
import type { Sky } from "./sky";

/** Punctual lights that shine; the brightest stay. */
const MOST_POINTS = 8;
const MOST_SUNS = 3;
/** Illuminance that white paper shows as white; exporters that think in lux write 100,000. */
const BRIGHTEST_SUN = 6;
/** Candela of a lamp that does not blind at two metres. */
const BRIGHTEST_LAMP = 400;

/** Keeps, tames and completes the lights below `root`; answers what was added (to be put into the scene). */
export function setLights(root: Object3D, sky: Sky, skyStated: boolean, notes: Notes): Object3D[] {
  const lights: Light[] = [];
  root.traverse((object) => (object as Light).isLight && lights.push(object as Light));
  const suns = keep(lights.filter((light) => light instanceof DirectionalLight), MOST_SUNS, notes);
  const lamps = keep(lights.filter((light) => light instanceof PointLight || light instanceof SpotLight), MOST_POINTS, notes);
  tame(suns, BRIGHTEST_SUN, notes);
  tame(lamps, BRIGHTEST_LAMP, notes);
  if (isUnlit(root)) return [new HemisphereLight(0xffffff, 0xb0a898, 2.2)];
  const hasOwn = suns.length + lamps.length > 0;
  // Ambient light: all of the sky's where that is stated; else a fill that leaves the scene's own lights their say.
  const strength = skyStated ? Math.PI : hasOwn ? 1.1 : 2.2;
  const fill = new HemisphereLight(sky.above.clone(), sky.below.clone(), strength);
  if (hasOwn || (skyStated && brightness(sky.above) > 0.05)) return skyStated && !hasOwn ? [fill, softSun(0.8)] : [fill];
  return [fill, softSun(2.2)];
}

function softSun(intensity: number): DirectionalLight {
  const sun = new DirectionalLight(0xfff3e0, intensity);
  sun.position.set(0.45, 1, 0.6);
  return sun;
}

function brightness(colour: Color): number {
  return 0.2126 * colour.r + 0.7152 * colour.g + 0.0722 * colour.b;
}

function keep<Kind extends Light>(lights: Kind[], most: number, notes: Notes): Kind[] {
  const sorted = [...lights].sort((a, b) => b.intensity - a.intensity);
  for (const light of sorted.slice(most)) light.removeFromParent();
  if (sorted.length > most) notes.add(`Of ${sorted.length} lights the ${most} brightest shine.`);
  return sorted.slice(0, most);
}

/** Scales all of a kind alike, so that the brightest does not wash everything out. */
function tame(lights: readonly Light[], most: number, notes: Notes): void {
  const brightest = Math.max(0, ...lights.map((light) => light.intensity));
  if (brightest <= most) return;
  for (const light of lights) light.intensity *= most / brightest;
  notes.add("The scene's lights were toned down to what a screen can show.");
}

/** Whether every material brings its own light: then ours only shows on the visitors. */
function isUnlit(root: Object3D): boolean {
  let [lit, unlit] = [0, 0];
  root.traverse((object) => {
    if (!(object instanceof Mesh)) return;
    for (const material of [object.material].flat() as Material[]) material instanceof MeshBasicMaterial ? unlit++ : lit++;
  });
  return unlit > 0 && lit === 0;
}

/** Whether something would be black without a surrounding to mirror. */
export function needsReflections(root: Object3D): boolean {
  let found = false;
  root.traverse((object) => {
    if (!(object instanceof Mesh)) return;
    for (const material of [object.material].flat() as Material[]) {
      if (material instanceof MeshStandardMaterial && (material.metalness > 0.4 || material.roughness < 0.25)) found = true;
    }
  });
  return found;
}
