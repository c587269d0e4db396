/**
 * Letting go of what was loaded.
 *
 * Rule: whatever a scene put on the GPU is found through its objects and freed once, shared or not.
 */

import { type BufferGeometry, InstancedMesh, type Material, type Object3D, SkinnedMesh, Texture } from "three";

/** Frees geometries, materials, their textures and pictures below `root`, and takes `root` out of its parent. */
export function disposeTree(root: Object3D): void {
  const materials = new Set<Material>();
  const geometries = new Set<BufferGeometry>();
  root.traverse((object) => {
    const { geometry, material } = object as { geometry?: BufferGeometry; material?: Material | Material[] };
    if (geometry !== undefined) geometries.add(geometry);
    if (material !== undefined) for (const one of [material].flat()) materials.add(one);
    if (object instanceof InstancedMesh) object.dispose();
    if (object instanceof SkinnedMesh) object.skeleton.dispose();
  });
  for (const geometry of geometries) geometry.dispose();
  for (const texture of new Set([...materials].flatMap(texturesOf))) disposeTexture(texture);
  for (const material of materials) material.dispose();
  root.removeFromParent();
}

function texturesOf(material: Material): Texture[] {
  return Object.values(material).filter((value): value is Texture => value instanceof Texture);
}

/** Frees a texture and the decoded picture behind it. */
export function disposeTexture(texture: Texture): void {
  texture.dispose();
  const image: unknown = texture.source.data;
  if (typeof ImageBitmap !== "undefined" && image instanceof ImageBitmap) image.close();
}
