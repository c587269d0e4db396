"""Cameras and lights: what their own numbers say to one another (glTF 2.0 §3.10, KHR_lights_punctual).

Rule: of one camera or light at a time; where they stand is the node tree's.
"""

from __future__ import annotations

import math

from roomscale.scenes.document import Scene
from roomscale.scenes.findings import Findings, pointer
from roomscale.scenes.jsonio import JsonObject

_PROJECTIONS = ("perspective", "orthographic")
_WIDEST = math.pi / 2.0
"""Radians: the outer angle of a spot light; the inner one is less."""


def check_cameras(scene: Scene, findings: Findings) -> None:
    """Check every camera and every light."""
    for number, camera in enumerate(scene.list_of("cameras")):
        kind = camera["type"]
        if kind in _PROJECTIONS and kind not in camera:
            findings.error("UNDEFINED_PROPERTY", pointer("cameras", number), f"{kind} is missing")
        for key in _PROJECTIONS:
            if key in camera:
                _check_projection(camera[key], pointer("cameras", number, key), findings)
    for number, light in enumerate(scene.extension("KHR_lights_punctual").get("lights", ())):
        if light["type"] == "spot":
            _check_spot(light, pointer("extensions", "KHR_lights_punctual", "lights", number), findings)


def _check_projection(projection: JsonObject, where: str, findings: Findings) -> None:
    if projection.get("zfar", math.inf) <= projection["znear"]:
        findings.error("CAMERA_ZFAR_LEQUAL_ZNEAR", where, "zfar is not beyond znear: nothing is seen")
    for key in ("xmag", "ymag"):
        if projection.get(key) == 0:
            findings.error("CAMERA_XMAG_YMAG_ZERO", f"{where}/{key}", "it sees nothing")


def _check_spot(light: JsonObject, where: str, findings: Findings) -> None:
    if "spot" not in light:
        findings.error("UNDEFINED_PROPERTY", where, "spot is missing")
        return
    inner, outer = light["spot"].get("innerConeAngle", 0.0), light["spot"].get("outerConeAngle", math.pi / 4.0)
    if inner >= _WIDEST:
        findings.error("VALUE_NOT_IN_RANGE", f"{where}/spot/innerConeAngle", "it is a quarter turn or more")
    if not 0.0 < outer <= _WIDEST:
        findings.error(
            "VALUE_NOT_IN_RANGE", f"{where}/spot/outerConeAngle", "it is more than a quarter turn, or nothing"
        )
    if outer <= inner:
        findings.error(
            "KHR_LIGHTS_PUNCTUAL_LIGHT_SPOT_ANGLES",
            f"{where}/spot/outerConeAngle",
            "it is not wider than the inner cone, which without a word is 0 (the outer one 45°)",
        )
