/**
 * Sky: what is behind everything, and the light that comes from it.
 *
 * Rule: there is always a sky and it always lights a little; OMI_environment_sky says which, and a gradient of our own
 * stands in for what it does not say or we do not draw (physical skies). Drawn as one triangle strip behind all else.
 */

import {
  BackSide, Color, CubeTexture, EquirectangularReflectionMapping, Mesh, PMREMGenerator, Scene, ShaderMaterial, SphereGeometry,
  SRGBColorSpace, type Texture, type WebGLRenderer, type WebGLRenderTarget,
} from "three";

import { colour, extension, type Fields, fields, index, isFields, list, type Notes, number, type Triple } from "./json";
import type { LoadedFile } from "./load";

export interface Gradient {
  top: Triple;
  horizon: Triple;
  bottom: Triple;
  topCurve: number;
  bottomCurve: number;
}

export interface SkyLook {
  gradient: Gradient;
  /** Light of its own colour, mixed in where the sky's contribution is below 1. */
  ambient: Triple;
  /** 0..1, how much of the ambient light is the sky's. */
  contribution: number;
  /** Texture indices of a panorama: one equirectangular, or six faces. */
  panorama: { equirectangular: number } | { cubemap: number[] } | null;
  /** Whether the file says all this, or it stands in. */
  stated: boolean;
}

/** A mild afternoon: stands in where nothing is said. Linear colours. */
const NEUTRAL: Gradient = { top: [0.16, 0.36, 0.72], horizon: [0.72, 0.82, 0.92], bottom: [0.34, 0.33, 0.31], topCurve: 0.6, bottomCurve: 0.1 };

/** The sky of the shown scene, or the first that the file has. */
export function readSky(json: Fields, notes: Notes): SkyLook {
  const skies = list(fields(fields(json["extensions"])["OMI_environment_sky"])["skies"]);
  const scene = list(json["scenes"])[Number(json["scene"] ?? 0)];
  const chosen = index(extension(scene, "OMI_environment_sky")?.["sky"], skies.length) ?? 0;
  const sky = skies[chosen];
  const neutral: SkyLook = { gradient: NEUTRAL, ambient: [0, 0, 0], contribution: 1, panorama: null, stated: false };
  if (!isFields(sky)) return { ...neutral, panorama: readBackground(scene, json) };
  const look = { ...neutral, stated: true, ambient: colour(sky["ambientLightColor"], [0, 0, 0]), contribution: number(sky["ambientSkyContribution"], 1, 0, 1) };
  switch (sky["type"]) {
    case "plain": {
      const same = colour(fields(sky["plain"])["color"], [0.5, 0.5, 0.5]);
      return { ...look, gradient: { ...NEUTRAL, top: same, horizon: same, bottom: same } };
    }
    case "gradient":
      return { ...look, gradient: readGradient(fields(sky["gradient"])) };
    case "panorama":
      return { ...look, panorama: readPanorama(fields(sky["panorama"]), json) };
    default:
      notes.add("The scene's physical sky is shown as a plain blue one.");
      return look;
  }
}

function readGradient(gradient: Fields): Gradient {
  return {
    top: colour(gradient["topColor"], NEUTRAL.top),
    horizon: colour(gradient["horizonColor"], NEUTRAL.horizon),
    bottom: colour(gradient["bottomColor"], NEUTRAL.bottom),
    topCurve: number(gradient["topCurve"], 0.15, 0.001, 100),
    bottomCurve: number(gradient["bottomCurve"], 0.02, 0.001, 100),
  };
}

function readPanorama(panorama: Fields, json: Fields): SkyLook["panorama"] {
  const textures = list(json["textures"]).length;
  const whole = index(panorama["equirectangular"], textures);
  if (whole !== null) return { equirectangular: whole };
  const faces = list(panorama["cubemap"]).map((face) => index(face, textures));
  return faces.length === 6 && faces.every((face) => face !== null) ? { cubemap: faces as number[] } : null;
}

/** MX_background: an equirectangular texture of the scene. */
function readBackground(scene: unknown, json: Fields): SkyLook["panorama"] {
  const at = index(fields(extension(scene, "MX_background")?.["backgroundTexture"])["index"], list(json["textures"]).length);
  return at === null ? null : { equirectangular: at };
}

/** A sky in the scene graph, with what it needs to be taken away again. */
export interface Sky {
  /** Goes into the scene as a child when it is a gradient; panoramas are the scene's background. */
  dome: Mesh | null;
  background: Texture | null;
  /** Colours for ambient light from above and below. */
  above: Color;
  below: Color;
  /** Blurred for reflections, when it was asked for. */
  environment: Texture | null;
  /** Blurs it again: it lives only on the GPU. */
  bake(): Texture | null;
  dispose(): void;
}

/** Builds it; `reflective` also bakes it for metals to mirror. */
export async function makeSky(look: SkyLook, file: LoadedFile, renderer: WebGLRenderer, reflective: boolean): Promise<Sky> {
  const background = await panoramaTexture(look, file);
  const dome = background === null ? makeDome(look.gradient) : null;
  let baked: WebGLRenderTarget | null = null;
  const rebake = (): Texture | null => {
    baked?.dispose();
    baked = reflective ? bake(renderer, dome, background) : null;
    return baked?.texture ?? null;
  };
  const { top, horizon, bottom } = look.gradient;
  const own = new Color(...look.ambient);
  const mixed = (sky: Color): Color => own.clone().lerp(sky, look.contribution);
  const above = background === null ? new Color(...top).lerp(new Color(...horizon), 0.5) : new Color(0.75, 0.78, 0.82);
  const below = background === null ? new Color(...bottom).lerp(new Color(...horizon), 0.35) : new Color(0.4, 0.38, 0.36);
  return {
    dome, background,
    environment: rebake(),
    bake: rebake,
    above: mixed(above),
    below: mixed(below),
    dispose: () => {
      dome?.geometry.dispose();
      (dome?.material as ShaderMaterial | undefined)?.dispose();
      baked?.dispose();
      background?.dispose();
    },
  };
}

async function panoramaTexture(look: SkyLook, file: LoadedFile): Promise<Texture | null> {
  const { panorama } = look;
  if (panorama === null) return null;
  const texture = async (at: number): Promise<Texture | null> => ((await file.parser.getDependency("texture", at)) as Texture | null)?.clone() ?? null;
  if ("equirectangular" in panorama) {
    const whole = await texture(panorama.equirectangular);
    if (whole === null) return null;
    whole.mapping = EquirectangularReflectionMapping;
    whole.colorSpace = SRGBColorSpace;
    // glTF's pictures are not flipped, and the projection expects them to be.
    whole.repeat.set(1, -1);
    whole.offset.set(0, 1);
    whole.needsUpdate = true;
    return whole;
  }
  const faces = await Promise.all(panorama.cubemap.map(texture));
  if (faces.some((face) => face === null)) return null;
  const cube = new CubeTexture((faces as Texture[]).map((face) => face.image as TexImageSource));
  cube.colorSpace = SRGBColorSpace;
  cube.needsUpdate = true;
  return cube;
}

/** A gradient by the height of the line of sight, with the extension's curves, drawn at infinite distance. */
function makeDome({ top, horizon, bottom, topCurve, bottomCurve }: Gradient): Mesh {
  const material = new ShaderMaterial({
    name: "sky",
    side: BackSide,
    depthWrite: false,
    depthTest: true,
    fog: false,
    uniforms: {
      top: { value: new Color(...top) }, horizon: { value: new Color(...horizon) }, bottom: { value: new Color(...bottom) },
      curves: { value: [topCurve, bottomCurve] },
    },
    vertexShader: `
      varying vec3 sight;
      void main() {
        sight = position;
        vec4 at = projectionMatrix * mat4(mat3(modelViewMatrix)) * vec4(position, 1.0);
        gl_Position = at.xyww;
      }`,
    fragmentShader: `
      uniform vec3 top, horizon, bottom;
      uniform float curves[2];
      varying vec3 sight;
      void main() {
        // The angle from the horizon as a share of 90°; a curve below 1 keeps the outer colour dominant.
        float rise = asin(clamp(normalize(sight).y, -1.0, 1.0)) / 1.5707963;
        float share = rise >= 0.0 ? pow(rise, curves[0]) : pow(-rise, curves[1]);
        gl_FragColor = vec4(mix(horizon, rise >= 0.0 ? top : bottom, share), 1.0);
        // A grain of noise: an 8-bit gradient over half the screen shows its bands.
        gl_FragColor.rgb *= 1.0 + 0.012 * (fract(sin(dot(gl_FragCoord.xy, vec2(12.9898, 78.233))) * 43758.5453) - 0.5);
        #include <tonemapping_fragment>
        #include <colorspace_fragment>
      }`,
  });
  const dome = new Mesh(new SphereGeometry(1, 24, 16), material);
  dome.frustumCulled = false;
  dome.renderOrder = 1000; // after everything solid, so that it only fills what is left
  dome.name = "sky";
  return dome;
}

function bake(renderer: WebGLRenderer, dome: Mesh | null, background: Texture | null): WebGLRenderTarget {
  const generator = new PMREMGenerator(renderer);
  const room = new Scene();
  if (dome !== null) room.add(dome.clone());
  room.background = background;
  const baked = generator.fromScene(room, 0.02);
  generator.dispose();
  return baked;
}

