"""What of a scene is drawn: triangles and draw calls.

Rule: counted from JSON, nothing is decoded.
"""

from __future__ import annotations

from roomscale.scenes.document import Scene
from roomscale.scenes.jsonio import JsonObject

TRIANGLES, TRIANGLE_STRIP, TRIANGLE_FAN = 4, 5, 6


def draws_of(scene: Scene) -> int:
    """Draw calls, before the client joins static meshes: the primitives of every node that is shown; copies are one."""
    nodes, meshes, scenes = scene.list_of("nodes"), scene.list_of("meshes"), scene.list_of("scenes")
    todo = list(scenes[scene.json.get("scene", 0)].get("nodes", ())) if scenes else []
    seen = set[int]()  # a broken tree: once only
    while todo:
        if (index := todo.pop()) not in seen:
            seen.add(index)
            todo.extend(nodes[index].get("children", ()))
    return sum(len(meshes[nodes[index]["mesh"]]["primitives"]) for index in seen if "mesh" in nodes[index])


def mesh_triangles(scene: Scene, mesh: int) -> int:
    """Triangles of a mesh, drawn once."""
    return sum(primitive_triangles(scene, scene.list_of("meshes")[mesh]))


def primitive_triangles(scene: Scene, mesh: JsonObject) -> list[int]:
    """Triangles of each primitive of a mesh."""
    counts = []
    for primitive in mesh["primitives"]:
        mode, attributes = primitive.get("mode", TRIANGLES), primitive["attributes"]
        index = primitive.get("indices", attributes.get("POSITION", next(iter(attributes.values()), None)))
        corners = scene.list_of("accessors")[index]["count"] if index is not None else 0
        if mode == TRIANGLES:
            counts.append(corners // 3)
        else:
            counts.append(max(corners - 2, 0) if mode in (TRIANGLE_STRIP, TRIANGLE_FAN) else 0)
    return counts
