/**
 * Soft round shadows under feet: one draw call for everybody.
 *
 * Rule: a shadow lies on the ground below, tilted like it, and fades with the height above it.
 */

import { DynamicDrawUsage, InstancedBufferAttribute, InstancedMesh, Matrix4, PlaneGeometry, Quaternion, ShaderMaterial, Vector3 } from "three";

import type { Solid } from "../walk/solid";

/** Bodies that get a shadow: those beyond are far away in a crowd. */
const MOST = 128;
/** Metres: size on the ground, height at which it is gone. */
const SIZE = 1.05;
const HIGHEST = 2.5;
const UP = new Vector3(0, 0, 1);

export class Shadows {
  readonly mesh: InstancedMesh;
  private readonly strength = new InstancedBufferAttribute(new Float32Array(MOST), 1).setUsage(DynamicDrawUsage);
  private readonly matrix = new Matrix4();
  private readonly at = new Vector3();
  private readonly normal = new Vector3();
  private readonly turn = new Quaternion();
  private readonly scale = new Vector3();

  constructor() {
    const geometry = new PlaneGeometry(1, 1).setAttribute("strength", this.strength);
    const material = new ShaderMaterial({
      transparent: true,
      depthWrite: false,
      polygonOffset: true,
      polygonOffsetFactor: -2,
      polygonOffsetUnits: -2,
      vertexShader: `
        attribute float strength;
        varying vec2 at;
        varying float dark;
        void main() {
          at = uv * 2.0 - 1.0;
          dark = strength;
          gl_Position = projectionMatrix * modelViewMatrix * instanceMatrix * vec4(position, 1.0);
        }`,
      fragmentShader: `
        varying vec2 at;
        varying float dark;
        void main() {
          float edge = clamp(1.0 - dot(at, at), 0.0, 1.0);
          gl_FragColor = vec4(0.0, 0.0, 0.02, dark * edge * edge);
        }`,
    });
    this.mesh = new InstancedMesh(geometry, material, MOST);
    this.mesh.frustumCulled = false;
    this.mesh.renderOrder = 10;
    this.mesh.count = 0;
    this.mesh.name = "shadows";
  }

  /** Begins a frame. */
  clear(): void {
    this.mesh.count = 0;
  }

  /** Adds the shadow of feet at (x, y, z). */
  cast(solid: Solid, x: number, y: number, z: number): void {
    if (this.mesh.count >= MOST) return;
    const hit = solid.cast(x, y + 0.4, z, 0, -1, 0, HIGHEST + 0.4);
    if (hit === null) return;
    const height = Math.max(hit.distance - 0.4, 0);
    const spread = SIZE * (1 + height * 0.4);
    this.normal.set(...(hit.normal as [number, number, number]));
    this.at.set(x, y + 0.4 - hit.distance, z).addScaledVector(this.normal, 0.012);
    this.matrix.compose(this.at, this.turn.setFromUnitVectors(UP, this.normal), this.scale.set(spread, spread, 1));
    this.strength.setX(this.mesh.count, 0.5 * (1 - height / HIGHEST));
    this.mesh.setMatrixAt(this.mesh.count++, this.matrix);
  }

  /** Ends a frame. */
  flush(): void {
    this.mesh.instanceMatrix.needsUpdate = true;
    this.strength.needsUpdate = true;
  }

  dispose(): void {
    this.mesh.geometry.dispose();
    (this.mesh.material as ShaderMaterial).dispose();
    this.mesh.dispose();
    this.mesh.removeFromParent();
  }
}
