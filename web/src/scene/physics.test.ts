/** Colliders as OMI_physics_shape means them. */
import { describe, expect, it } from "vitest";

import { readColliders } from "./physics";

const read = (shape: object) =>
  readColliders({
    extensions: { OMI_physics_shape: { shapes: [shape] } },
    nodes: [{ extensions: { OMI_physics_body: { collider: { shape: 0 } } } }],
  })[0]?.shape;

describe("the height of upright shapes", () => {
  it("is by default 1 m between the middles of a capsule's caps, so 2 m in all", () => {
    expect(read({ type: "capsule" })).toEqual({ kind: "capsule", height: 1, top: 0.5, bottom: 0.5 });
  });

  it("is by default 2 m of a cylinder", () => {
    expect(read({ type: "cylinder" })).toEqual({ kind: "cylinder", height: 2, top: 0.5, bottom: 0.5 });
  });

  it("is what is written", () => {
    expect(read({ type: "capsule", capsule: { height: 0.4, radiusTop: 0.2, radiusBottom: 0.3 } })).toEqual({
      kind: "capsule",
      height: 0.4,
      top: 0.2,
      bottom: 0.3,
    });
  });
});
