"""The Plaza: a square at dusk with a canal, a bridge, a fountain, a great tree and a clock tower."""

from __future__ import annotations

from roomscale.assets.samples.plaza import (
    backdrop,
    bridge,
    fountain,
    ground,
    layout,
    lights,
    portal,
    props,
    reflections,
    tower,
    town,
    trees,
)
from roomscale.assets.samples.scenery import Scenery
from roomscale.assets.samples.world import Camera, PointLight, Sound, World

LINK = "matrix:r/roomscale-gallery:localhost"

CAMERAS = [
    Camera("camera_1", (-4.6, 1.75, 23.4), (1.2, 5.4, -14.0), 60),
    Camera("camera_2", (-13.2, 1.5, 14.6), (3.2, 1.5, 8.6), 58),
    Camera("camera_3", (3.0, 3.25, 9.6), (0.8, 5.2, -14.0), 62),
    Camera("camera_4", (7.2, 1.7, 0.4), (-11.0, 4.0, 1.6), 58),
    Camera("camera_5", (5.6, 1.7, 2.6), (13.8, 2.3, -5.0), 56),
    Camera("camera_6", (-12.5, 3.4, -18.6), (4.0, 0.9, 6.0), 62),
]


def make() -> World:
    """The whole Plaza, unbaked."""
    scenery = Scenery()
    for part in (ground, town, tower, bridge, fountain, trees, lights, props, backdrop, reflections):
        part.build(scenery)
    x, z = layout.PORTAL
    portal.build(scenery, x, z, layout.PORTAL_YAW, node="portal_gallery", link=LINK, title="Gallery")
    x, z = layout.SPAWN
    spawn: dict[str, object] = {"OMI_spawn_point": {"title": "Quay"}}
    scenery.mark("spawn", (x, 0, z), layout.SPAWN_YAW, spawn)
    fountain_at = (layout.FOUNTAIN[0], 1.4, layout.FOUNTAIN[1])
    return World(
        title="Plaza",
        description="A square at dusk: a canal, a bridge, a great tree, a clock tower, and a portal to the Gallery.",
        scenery=scenery,
        cameras=CAMERAS,
        lights=[
            PointLight("light_bridge", (layout.BRIDGE_X - 1.9, 3.2, 16.0), 26, 16),
            PointLight("light_quay", (-8.0, 3.4, 14.6), 26, 16),
            PointLight("light_tower", (layout.TOWER[0], 4.6, layout.TOWER[1] + 4.6), 40, 20),
            PointLight(
                "light_portal", (layout.PORTAL[0] - 0.9, 2.0, layout.PORTAL[1] + 0.5), 18, 12, (0.35, 0.95, 0.95)
            ),
        ],
        sounds=[
            Sound("wind", "wind", None, 0.35),
            Sound("fountain_sound", "water", fountain_at, 0.8, 2.5),
            Sound("portal_sound", "portal", (layout.PORTAL[0], 1.6, layout.PORTAL[1]), 0.6, 1.5),
        ],
        far_nodes=("backdrop", "reflections"),
    )
