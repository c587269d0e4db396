"""What collides costs every visitor's processor: colliders that are too fine, or of a kind that cannot move.

Rule: counted from the JSON; all are warnings, for a world works with them, only slower.
"""

from __future__ import annotations

from roomscale.scenes.document import Scene
from roomscale.scenes.drawn import mesh_triangles
from roomscale.scenes.findings import Findings
from roomscale.scenes.solids import Collider, colliders

MOST_TRIANGLES = 200_000
"""Triangles of all colliders: a tree over them takes a phone a second to build. The client stops at 2.5 million."""
MOST_OF_ONE = 50_000
"""Triangles of one trimesh. Ground and walls of a large hall have 5,000."""
MOST_OF_HULL = 512
"""Triangles of a mesh whose convex hull is meant; engines keep 255 corners at most."""


def check_colliders(scene: Scene, findings: Findings) -> None:
    """Check what the colliders of a sound scene cost."""
    total, told = 0, set()
    for collider in colliders(scene):
        count = mesh_triangles(scene, collider.mesh) if collider.mesh is not None else 12
        total += count
        if collider.pointer not in told:
            told.add(collider.pointer)
            _check_one(collider, count, findings)
    if total > MOST_TRIANGLES:
        findings.warn(
            "COLLIDERS_TOO_COSTLY",
            "",
            f"all colliders together have {total:,} triangles; more than {MOST_TRIANGLES:,} are slow on a phone",
            hint="collide with boxes, or with simple meshes that are not shown (Blender: a decimated copy, -colonly)",
        )


def _check_one(collider: Collider, count: int, findings: Findings) -> None:
    limit = MOST_OF_HULL if collider.kind == "convex" else MOST_OF_ONE
    if collider.mesh is not None and count > limit:
        findings.warn(
            "COLLIDER_TOO_FINE",
            collider.pointer,
            f"a {collider.kind} of {count:,} triangles; {limit:,} are plenty to bump into",
            hint="collide with a simpler mesh that is not shown (Blender: a decimated copy, -colonly)",
        )
    if collider.kind == "trimesh" and collider.motion == "dynamic":
        findings.warn(
            "COLLIDER_CANNOT_MOVE",
            collider.pointer,
            "a trimesh cannot be dynamic: it has no inside, and falls through others",
            hint="use convex, box, sphere or capsule for what moves",
        )
