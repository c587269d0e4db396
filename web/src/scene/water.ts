/**
 * Water: a slow shimmer on whatever is named so.
 *
 * Rule: only the look of a material changes, by a few lines in its own shader; its colour, its maps and its lights stay the
 * scene's.
 */

import { type IUniform, type Material, type Mesh, MeshStandardMaterial } from "three";

import { matterOf } from "./names";

export interface Shimmer {
  update(seconds: number): void;
  dispose(): void;
}

/** Seconds after which the waves repeat: their shader counts time in a float. */
const PERIOD = 600;

export function shimmer(meshes: readonly Mesh[]): Shimmer {
  const time: IUniform<number> = { value: 0 };
  const seen = new Set<Material>();
  for (const mesh of meshes) {
    for (const material of [mesh.material].flat()) {
      if (!(material instanceof MeshStandardMaterial) || seen.has(material) || matterOf([material.name]) !== "water") continue;
      seen.add(material);
      addWaves(material, time);
    }
  }
  return {
    update: (seconds) => {
      time.value = (time.value + seconds) % PERIOD;
    },
    dispose: () => seen.clear(),
  };
}

/** Tilts the shading normal by three crossing waves in world space. */
function addWaves(material: MeshStandardMaterial, time: IUniform<number>): void {
  material.onBeforeCompile = (shader) => {
    shader.uniforms["waveTime"] = time;
    shader.vertexShader = shader.vertexShader
      .replace("#include <common>", "#include <common>\nvarying vec3 wavePoint;")
      .replace("#include <begin_vertex>", "#include <begin_vertex>\nwavePoint = (modelMatrix * vec4(position, 1.0)).xyz;");
    shader.fragmentShader = shader.fragmentShader
      .replace("#include <common>", "#include <common>\nvarying vec3 wavePoint;\nuniform float waveTime;")
      .replace(
        "#include <normal_fragment_maps>",
        `#include <normal_fragment_maps>
        {
          vec2 p = wavePoint.xz;
          float a = cos(dot(p, vec2(1.7, 0.9)) * 1.3 + waveTime * 0.9);
          float b = cos(dot(p, vec2(-0.8, 1.9)) * 2.1 - waveTime * 1.2);
          float c = cos(dot(p, vec2(2.3, -1.4)) * 3.7 + waveTime * 1.7);
          vec3 tilt = vec3(a * 0.05 + c * 0.03, 0.0, b * 0.05 - c * 0.02);
          normal = normalize(normal + (viewMatrix * vec4(tilt, 0.0)).xyz);
        }`,
      );
  };
  material.customProgramCacheKey = () => "roomscale-water";
  material.needsUpdate = true;
}
