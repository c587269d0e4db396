"""What an image is for, told by who wears it."""

from __future__ import annotations

from typing import Any

import pytest

from roomscale.scenes.roles import Alpha, ImageUse, Role, image_uses
from tests.scenes.crafted import png
from tests.scenes.painted import painted, worn


def use(*materials: dict[str, Any], **more: Any) -> ImageUse | None:
    return image_uses(painted(png(), materials=list(materials), **more).json).get(0)


@pytest.mark.parametrize(
    ("material", "role", "alpha"),
    [
        (worn("baseColorTexture"), Role.COLOUR, Alpha.HIDDEN),
        (worn("baseColorTexture", alphaMode="BLEND"), Role.COLOUR, Alpha.SHOWN),
        (worn("emissiveTexture", alphaMode="BLEND"), Role.COLOUR, Alpha.HIDDEN),
        (worn("normalTexture"), Role.NORMAL, Alpha.HIDDEN),
        (worn("occlusionTexture"), Role.DATA, Alpha.NUMBERS),
        (worn("metallicRoughnessTexture"), Role.DATA, Alpha.NUMBERS),
        ({"extensions": {"KHR_materials_clearcoat": worn("clearcoatNormalTexture")}}, Role.NORMAL, Alpha.HIDDEN),
        ({"extensions": {"KHR_materials_sheen": worn("sheenColorTexture")}}, Role.COLOUR, Alpha.HIDDEN),
        ({"extensions": {"KHR_materials_specular": worn("specularTexture")}}, Role.DATA, Alpha.NUMBERS),
        ({"extensions": {"VRMC_materials_mtoon": worn("matcapTexture")}}, Role.COLOUR, Alpha.HIDDEN),
        (
            {"extensions": {"KHR_materials_pbrSpecularGlossiness": worn("specularGlossinessTexture")}},
            Role.COLOUR,
            Alpha.NUMBERS,
        ),
    ],
)
def test_a_material_says_what_its_images_are_for(material: dict[str, Any], role: Role, alpha: Alpha) -> None:
    assert use(material) == ImageUse(role, alpha)


def test_an_image_of_two_roles_is_handled_as_data() -> None:
    assert use(worn("baseColorTexture"), worn("normalTexture")) == ImageUse(Role.DATA, Alpha.HIDDEN)


def test_a_sky_is_colour_and_a_light_map_is_data() -> None:
    sky = {"OMI_environment_sky": {"skies": [{"type": "panorama", "panorama": {"equirectangular": 0}}]}}
    assert use({}, extensions=sky) == ImageUse(Role.COLOUR, Alpha.HIDDEN)
    node = {"mesh": 0, "extensions": {"MX_lightmap": {"lightMapTexture": {"index": 0}}}}
    assert use({}, nodes=[node]) == ImageUse(Role.DATA, Alpha.NUMBERS)


def test_an_image_that_something_else_than_a_texture_names_has_no_role() -> None:
    thumbnail = {"VRMC_vrm": {"meta": {"thumbnailImage": 0}}}
    assert use(worn("baseColorTexture"), extensions=thumbnail) is None
