"""The Gallery: a hall of pictures under an evening skylight."""

from __future__ import annotations

from roomscale.assets.samples.bake import Light
from roomscale.assets.samples.gallery import hall, pictures
from roomscale.assets.samples.plaza import portal
from roomscale.assets.samples.scenery import Scenery
from roomscale.assets.samples.world import Camera, PointLight, Sky, Sound, World

LINK = "matrix:r/roomscale-plaza:localhost"

CAMERAS = [
    Camera("camera_1", (0.0, 1.7, 10.6), (0.0, 2.7, -8.0), 62),
    Camera("camera_2", (-4.6, 1.7, 7.4), (4.4, 2.1, -2.0), 60),
    Camera("camera_3", (3.6, 2.0, -9.0), (-2.6, 1.9, 4.0), 62),
]


def make() -> World:
    """The whole Gallery, unbaked."""
    scenery = Scenery()
    hall.build(scenery)
    portal.build(scenery, 0, -9.4, 0, node="portal_plaza", link=LINK, title="Plaza")
    scenery.mark("spawn", (0, 0, 8.6), 0, {"OMI_spawn_point": {"title": "Entrance"}})
    return World(
        title="Gallery",
        description="A hall of pictures under an evening skylight, with a portal back to the Plaza.",
        scenery=scenery,
        cameras=CAMERAS,
        lights=[
            PointLight("light_portal", (0, 2.0, -8.2), 14, 10, (0.35, 0.95, 0.95)),
            PointLight("light_west", (-3.4, 4.4, 0.0), 30, 14),
            PointLight("light_east", (3.4, 4.4, 0.0), 30, 14),
        ],
        sounds=[Sound("portal_sound", "portal", (0, 1.6, -9.4), 0.6, 1.5)],
        sky=Sky(fog_near=30.0, fog_far=260.0),
        light=Light(sky=(0.17, 0.20, 0.28), floor=(0.06, 0.06, 0.066), distance=7.0),
        images={"pictures": pictures.atlas()},
        eyes=((-6.4, 0.2, -12.6), (6.4, 4.0, 12.6)),
    )
