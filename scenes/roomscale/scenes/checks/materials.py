"""Materials against the meshes that wear them: texture coordinates, tangents; and the rules of a few extensions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from roomscale.scenes.document import Scene
from roomscale.scenes.findings import Findings, pointer
from roomscale.scenes.jsonio import JsonObject

_NEEDS_TANGENTS = (
    ("KHR_materials_anisotropy", "anisotropyTexture"),
    ("KHR_materials_clearcoat", "clearcoatNormalTexture"),
)


def check_materials(scene: Scene, findings: Findings) -> None:
    """Check each primitive's attributes against its material, and material variants."""
    needs = [_Needs(material) for material in scene.list_of("materials")]
    for number, mesh in enumerate(scene.list_of("meshes")):
        for position, primitive in enumerate(mesh["primitives"]):
            where = pointer("meshes", number, "primitives", position)
            if "material" in primitive:
                _check_wearing(primitive, needs[primitive["material"]], where, findings)
            _check_variants(primitive, where, findings)


class _Needs:
    """What a material asks of a mesh. `textures`: the set of texture coordinates → where it is asked for."""

    def __init__(self, material: JsonObject) -> None:
        self.textures: dict[int, str] = {}
        for where, info in _texture_infos(material):
            transform = info.get("extensions", {}).get("KHR_texture_transform", {})
            # Who does not know the extension draws with the set that stands beside it.
            for number in {info.get("texCoord", 0), transform.get("texCoord", info.get("texCoord", 0))}:
                self.textures.setdefault(number, where)
        extensions = material.get("extensions", {})
        has_normals = "normalTexture" in material
        self.tangents = next(
            (name for name, key in _NEEDS_TANGENTS if key in extensions.get(name, {}) and not has_normals), ""
        )


def _texture_infos(material: JsonObject) -> Iterator[tuple[str, JsonObject]]:
    """All texture references of a material: its own, and one level down in pbr… and known extensions."""
    holders: list[tuple[str, Any]] = [("", material), ("/pbrMetallicRoughness", material.get("pbrMetallicRoughness"))]
    holders += [(f"/extensions/{name}", content) for name, content in material.get("extensions", {}).items()]
    for where, holder in holders:
        for key, value in holder.items() if isinstance(holder, dict) else ():
            if key.endswith("Texture") and isinstance(value, dict) and type(value.get("index")) is int:
                yield f"{where}/{key}", value


def _check_wearing(primitive: JsonObject, needs: _Needs, where: str, findings: Findings) -> None:
    attributes = primitive["attributes"]
    for number, texture in needs.textures.items():
        if f"TEXCOORD_{number}" not in attributes:
            findings.error(
                "MESH_PRIMITIVE_TOO_FEW_TEXCOORDS",
                f"{where}/material",
                f"its material's {texture[1:]} needs TEXCOORD_{number}, which the mesh has not",
            )
    if needs.tangents and not ("TANGENT" in attributes and "NORMAL" in attributes) and primitive.get("mode", 4) >= 4:
        findings.error(
            "MESH_PRIMITIVE_NO_TANGENT_SPACE",
            f"{where}/material",
            f"{needs.tangents} needs tangents, and there is no normal map to make them from",
        )


def _check_variants(primitive: JsonObject, where: str, findings: Findings) -> None:
    seen: set[int] = set()
    mappings = primitive.get("extensions", {}).get("KHR_materials_variants", {}).get("mappings", ())
    for number, mapping in enumerate(mappings):
        for position, variant in enumerate(mapping["variants"]):
            if variant in seen:
                findings.error(
                    "KHR_MATERIALS_VARIANTS_NON_UNIQUE_VARIANT",
                    f"{where}/extensions/KHR_materials_variants/mappings/{number}/variants/{position}",
                    "this variant has a material already",
                )
            seen.add(variant)
