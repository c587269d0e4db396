"""What a scene means as a world: spawn points, links, seats, bodies, sounds, skies, rights, as typed values.

Old forms (MX_*, KHR_audio, OMI_collider, MOZ_hubs_components) are read like the new ones; `form` says which it was.
Rule: reading only; whatever the values are, the answer is a `WorldView`, or `RejectedScene` for a broken structure.
"""

from roomscale.scenes.view.looks import Light, Lightmap, Sky
from roomscale.scenes.view.physics import Body, Gravity, Shape
from roomscale.scenes.view.places import Link, Seat, SpawnPoint
from roomscale.scenes.view.rights import Avatar, Licence
from roomscale.scenes.view.sounds import Sound
from roomscale.scenes.view.world import WorldView, view

__all__ = [
    "Avatar",
    "Body",
    "Gravity",
    "Licence",
    "Light",
    "Lightmap",
    "Link",
    "Seat",
    "Shape",
    "Sky",
    "Sound",
    "SpawnPoint",
    "WorldView",
    "view",
]
