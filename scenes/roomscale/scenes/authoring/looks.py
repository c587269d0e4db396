"""What is seen: OMI_environment_sky, KHR_node_visibility, MX_lightmap, and MSFT_lod from names.

Rule: levels of detail are levels of one thing only where they hang side by side; the coarser ones leave the tree (every
viewer would draw them all), not the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from roomscale.scenes.authoring.said import Said
from roomscale.scenes.authoring.vocabulary import level_of_name
from roomscale.scenes.authoring.work import Work
from roomscale.scenes.jsonio import JsonObject

SKY, GRAVITY, LOD, VISIBILITY, LIGHTMAP = (
    "OMI_environment_sky",
    "OMI_physics_gravity",
    "MSFT_lod",
    "KHR_node_visibility",
    "MX_lightmap",
)


def visibility(work: Work, said: Said) -> None:
    """`visible = false`: there, but not drawn, and neither is what hangs below it."""
    if said.raw("visible") is None or not work.is_free(said.path, VISIBILITY):
        return
    if not said.flag("visible", "visible", default=True):
        work.edit.extend(said.path, VISIBILITY, {"visible": False})
        work.note("hidden", said)


def lightmap(work: Work, said: Said, node: JsonObject) -> None:
    """`lightmap`: a picture of baked light, RGBM, over the second set of texture coordinates (MX_lightmap)."""
    if "lightmap" not in said or not work.is_free(said.path, LIGHTMAP):
        return
    uri = said.text("lightmap", "file")
    if not uri or "mesh" not in node:
        said.refuse("lightmap", "file", "a lightmap is the name of a picture, on a node with a mesh")
        return
    if not work.has_picture(said, "lightmap", uri):
        return
    intensity = said.number("lightmap", "intensity", 0.0, 1e4)
    texture = {"index": work.edit.texture(uri), "texCoord": 1}
    content: JsonObject = {"lightMapTexture": texture, "scale": [1.0, 1.0], "offset": [0.0, 0.0]}
    work.edit.extend(said.path, LIGHTMAP, content | {"intensity": 1.0 if intensity is None else intensity})
    work.note("lightmaps", said)


def sky(work: Work, said: Said) -> None:
    """`sky`: a colour, a panorama's file, or a table of a gradient's colours."""
    if "sky" not in said or not (work.is_free(said.path, SKY) and work.is_free((), SKY)):
        return
    content = _sky(work, said)
    if content is None:
        return
    if (ambient := said.colour("sky", "ambient")) is not None:
        content |= {"ambientLightColor": ambient, "ambientSkyContribution": 0.0}
    work.edit.extend(said.path, SKY, {"sky": work.edit.entry(SKY, "skies", content)})
    work.note(f"a {content['type']} sky", said)


def _sky(work: Work, said: Said) -> JsonObject | None:
    written = said.raw("sky")
    if isinstance(written, str) and written.strip().lower() == "physical":
        return {"type": "physical"}
    if isinstance(written, str) and _is_path(written):
        return _panorama(work, said, written.strip())
    if written is not True:  # a colour by itself
        colour = said.colour("sky", "sky")
        return None if colour is None else {"type": "plain", "plain": {"color": colour}}
    if uri := said.text("sky", "file"):
        return _panorama(work, said, uri)
    if said.flag("sky", "physical", default=False):
        return {"type": "physical"}
    if (colour := said.colour("sky", "color")) is not None:
        return {"type": "plain", "plain": {"color": colour}}
    top, horizon, bottom = (said.colour("sky", key) for key in ("top", "horizon", "bottom"))
    if top is not None and horizon is not None:
        gradient = {"topColor": top, "horizonColor": horizon, "bottomColor": bottom or horizon}
        return {"type": "gradient", "gradient": gradient}
    said.refuse("sky", "sky", "a sky is a color, a file, or a gradient from top to horizon (and bottom)")
    return None


def _is_path(text: str) -> bool:
    """Whether a file is meant: by folders, or by an ending, if only of a picture that browsers do not show."""
    return "/" in text or "\\" in text or re.search(r"\.[A-Za-z]{2,5}$", text.strip()) is not None


def _panorama(work: Work, said: Said, uri: str) -> JsonObject | None:
    if not work.has_picture(said, "sky", uri):
        return None
    return {"type": "panorama", "panorama": {"equirectangular": work.edit.texture(uri)}}


def gravity(work: Work, said: Said) -> None:
    """`gravity`: metres per second squared, downwards unless a direction is told; of the whole world."""
    if "gravity" not in said or not work.is_free((), GRAVITY) or not work.is_free(said.path, GRAVITY):
        return
    strength = said.number("gravity", "strength", -1e3, 1e3)
    if strength is None:
        said.refuse("gravity", "strength", "gravity needs its strength in m/s²", hint="Earth's is 9.81")
        return
    direction = said.vector("gravity", "direction", -1.0, 1.0)
    work.edit.extend((), GRAVITY, {"gravity": strength} | ({} if direction is None else {"direction": direction}))
    work.note(f"gravity {strength:g} m/s²", said)


def levels(work: Work) -> None:
    """`Tree_LOD0`, `Tree_LOD1`, … beside one another become levels of the first (MSFT_lod)."""
    json = work.edit.json
    lists = [("scenes", index, "nodes") for index in range(len(json.get("scenes", ())))]
    lists += [("nodes", index, "children") for index in range(len(json.get("nodes", ())))]
    for kind, index, key in lists:
        siblings = json[kind][index].get(key, ())
        for finest, coarser in list(_families(json, siblings)) if len(siblings) > 1 else ():
            if "extensions" in json["nodes"][finest] and LOD in json["nodes"][finest]["extensions"]:
                continue
            work.edit.extend(("nodes", finest), LOD, {"ids": coarser})
            holder = work.edit.holder(kind, index)
            holder[key] = [node for node in holder[key] if node not in coarser]
            work.made.setdefault("levels of detail", []).append(finest)


def _families(json: JsonObject, siblings: list[int]) -> Iterator[tuple[int, list[int]]]:
    """(the finest, the coarser ones in their order) of each family among siblings that has more than one level."""
    families: dict[str, dict[int, int]] = {}
    for index in siblings:
        name = json["nodes"][index].get("name", "")
        if (found := level_of_name(name)) is not None:
            families.setdefault(found[0], {}).setdefault(found[1], index)
    for members in families.values():
        if len(members) > 1 and 0 in members:
            yield members[0], [members[level] for level in sorted(members) if level != 0]
