"""Who made it and what others may do with it: the asset, XMP, VRM 0 and 1.

Rule: what the file says, in its words; nothing is judged.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from roomscale.scenes.document import Scene
from roomscale.scenes.view.values import record, records, text

_PERMISSIONS_1 = (
    "avatarPermission",
    "commercialUsage",
    "creditNotation",
    "modification",
    "allowRedistribution",
    "allowExcessivelyViolentUsage",
    "allowExcessivelySexualUsage",
    "allowPoliticalOrReligiousUsage",
    "allowAntisocialOrHateUsage",
)
_PERMISSIONS_0 = ("allowedUserName", "violentUssageName", "sexualUssageName", "commercialUssageName")
"""As VRM 0.x spells them."""


@dataclass(frozen=True, slots=True)
class Licence:
    """Who made it, and what others may do with it. `source`: where in the file it says so."""

    source: str
    text: str
    author: str = ""


@dataclass(frozen=True, slots=True)
class Avatar:
    """What a VRM says of itself. `version`: the specification's, e.g. `1.0` or `0.x`.

    `permissions`: who may do what, in the words of its specification.
    """

    version: str
    name: str = ""
    authors: tuple[str, ...] = ()
    licence: str = ""
    permissions: dict[str, str] = field(default_factory=dict)


def licences(scene: Scene) -> Iterator[Licence]:
    """The asset's copyright and extras, XMP packets, and what VRM says."""
    asset = scene.json["asset"]
    extras = record(asset.get("extras"))
    author = text(extras.get("author"))
    if licence := text(extras.get("license") or extras.get("licence")):
        yield Licence("/asset/extras", licence, author)
    if copyright_note := text(asset.get("copyright")):
        yield Licence("/asset/copyright", copyright_note, author)
    for number, packet in enumerate(records(scene.extension("KHR_xmp_json_ld").get("packets"))):
        rights = text(packet.get("dc:rights") or packet.get("xmpRights:UsageTerms"))
        if rights or packet.get("dc:creator"):
            yield Licence(f"/extensions/KHR_xmp_json_ld/packets/{number}", rights, text(packet.get("dc:creator")))
    if (told := avatar(scene)) is not None and (told.licence or told.authors):
        form = "VRMC_vrm" if scene.extension("VRMC_vrm") else "VRM"
        yield Licence(f"/extensions/{form}/meta", told.licence, ", ".join(told.authors))


def avatar(scene: Scene) -> Avatar | None:
    """What VRMC_vrm (1.0) or VRM (0.x) says, None if it is no avatar."""
    if told := scene.extension("VRMC_vrm"):
        meta = record(told.get("meta"))
        written = meta.get("authors")
        authors = tuple(text(author) for author in written) if isinstance(written, list) else ()
        licence = text(meta.get("otherLicenseUrl") or meta.get("licenseUrl"))
        version = str(told.get("specVersion", "1.0"))
        return Avatar(version, text(meta.get("name")), authors, licence, _said(meta, _PERMISSIONS_1))
    if told := scene.extension("VRM"):
        meta = record(told.get("meta"))
        author, licence = text(meta.get("author")), text(meta.get("licenseName") or meta.get("otherLicenseUrl"))
        return Avatar("0.x", text(meta.get("title")), (author,) if author else (), licence, _said(meta, _PERMISSIONS_0))
    return None


def _said(meta: dict[str, object], keys: tuple[str, ...]) -> dict[str, str]:
    """Flags as yes and no, words as they are."""
    values = {key: meta[key] for key in keys if key in meta}
    return {key: ("no", "yes")[value] if isinstance(value, bool) else text(value) for key, value in values.items()}
