"""Images and sounds: are they there, are they what they say, how much would they unpack to on the GPU.

Rule: headers only; no image is decoded to be judged.
"""

from __future__ import annotations

from roomscale.scenes.checks.buffers import resource_problem
from roomscale.scenes.document import AUDIO_EXTENSIONS, Scene
from roomscale.scenes.errors import SceneError, UnsafeUri, printable
from roomscale.scenes.findings import Findings, pointer
from roomscale.scenes.images import CORE_TYPES, EXTENSION_OF, WEBP, BadImage, ImageHeader, media_type_of, read_header
from roomscale.scenes.jsonio import JsonObject
from roomscale.scenes.uris import DataUri, parse_resource

_AUDIO_TYPES = {"audio/mpeg", "audio/ogg", "audio/wav", "audio/mp4"}
_KTX_TYPES = {"image/ktx2"}


def check_images(scene: Scene, findings: Findings) -> None:
    """Check every image, and every sound of the audio extensions."""
    allowed = _allowed_types(scene)
    pixels = 0
    for index, image in enumerate(scene.list_of("images")):
        pixels += _check_image(scene, image, pointer("images", index), allowed.get(index, CORE_TYPES), findings)
    _check_webp(scene, findings)
    if pixels > scene.limits.all_pixels:
        findings.error(
            "IMAGES_TOO_LARGE",
            "/images",
            f"all images together have {pixels:,} pixels, {pixels * 4 / 1e9:.1f} GB on the GPU",
            hint="make them smaller, and let materials share one image instead of copies",
        )
    for name in AUDIO_EXTENSIONS:
        for index, sound in enumerate(scene.extension(name).get("audio", ())):
            _check_sound(scene, sound, pointer("extensions", name, "audio", index), findings)


def _check_webp(scene: Scene, findings: Findings) -> None:
    """EXT_texture_webp leads to nothing but WebP, also where another texture shows the same image by itself."""
    for index, texture in enumerate(scene.list_of("textures")):
        source = texture.get("extensions", {}).get("EXT_texture_webp", {}).get("source")
        if source is None:
            continue
        image = scene.list_of("images")[source]
        data = _bytes_of(scene, image, "", Findings())
        if (image.get("mimeType") or (data and media_type_of(data)) or WEBP) != WEBP:
            where = pointer("textures", index, "extensions", "EXT_texture_webp", "source")
            findings.error("TEXTURE_INVALID_IMAGE_MIME_TYPE", where, "it leads to an image that is no WebP")


def _allowed_types(scene: Scene) -> dict[int, set[str] | frozenset[str]]:
    """Image → types it may have, as textures name it directly or through an extension."""
    allowed: dict[int, set[str] | frozenset[str]] = {}
    for texture in scene.list_of("textures"):
        for media_type, extension in EXTENSION_OF.items():
            source = texture.get("extensions", {}).get(extension, {}).get("source")
            if source is not None:
                allowed[source] = {media_type, *allowed.get(source, ())}
    for texture in scene.list_of("textures"):
        if "source" in texture:
            allowed[texture["source"]] = CORE_TYPES
    return allowed


def _check_image(
    scene: Scene, image: JsonObject, where: str, allowed: set[str] | frozenset[str], findings: Findings
) -> int:
    """Check one image; returns its pixels."""
    told = image.get("mimeType")
    if "bufferView" in image and "byteStride" in scene.list_of("bufferViews")[image["bufferView"]]:
        findings.error(
            "IMAGE_BUFFER_VIEW_WITH_BYTESTRIDE", f"{where}/bufferView", "the view of an image has no byteStride"
        )
    data = _bytes_of(scene, image, where, findings)
    actual = None if data is None else media_type_of(data)
    if data is None or actual is None:
        if data is not None:
            findings.error("IMAGE_UNRECOGNIZED_FORMAT", where, "its first bytes are those of no known image")
        elif told is not None and told not in allowed:
            _report_type(told, where, findings)
        return 0
    if actual not in allowed:
        _report_type(actual, where, findings)
    if told is None:
        told = _type_in_uri(image.get("uri")) or actual
    if told != actual:
        findings.error(
            "IMAGE_MIME_TYPE_INVALID",
            where,
            f"it says {printable(told, 40)}, its bytes are {actual}",
            mendable=True,
        )
    return _check_size(scene, data, where, findings)


def _report_type(media_type: str, where: str, findings: Findings) -> None:
    extension = EXTENSION_OF.get(media_type)
    hint = f"a texture names it by {extension}" if extension else "convert it to PNG, JPEG or WebP"
    findings.error(
        "IMAGE_NON_ENABLED_MIME_TYPE", where, f"{printable(media_type, 40)} cannot be used like this", hint=hint
    )


def _bytes_of(scene: Scene, holder: JsonObject, where: str, findings: Findings) -> memoryview | None:
    try:
        if "uri" in holder:
            return scene.resource(holder["uri"], f"{where}/uri")
        if "bufferView" in holder:
            return _view_or_none(scene, holder["bufferView"])
    except SceneError as error:
        resource_problem(error, f"{where}/uri", findings)
    return None


def _view_or_none(scene: Scene, index: int) -> memoryview | None:
    """The bytes of a view, None where its buffer is at fault, which was reported there."""
    try:
        return scene.view(index)
    except SceneError:
        return None


def _type_in_uri(uri: str | None) -> str:
    try:
        target = parse_resource(uri) if uri is not None else None
    except UnsafeUri:
        return ""
    return target.media_type if isinstance(target, DataUri) else ""


def _check_size(scene: Scene, data: memoryview, where: str, findings: Findings) -> int:
    try:
        header = read_header(data)
    except BadImage as error:
        findings.error("IMAGE_DATA_INVALID", where, str(error))
        return 0
    if header is None:
        findings.error("IMAGE_UNRECOGNIZED_FORMAT", where, "it is no image")
        return 0
    for code, is_error, message in header.problems:
        (findings.error if is_error else findings.warn)(code, where, message)
    _check_edges(scene, header, where, findings)
    return header.width * header.height


def _check_edges(scene: Scene, header: ImageHeader, where: str, findings: Findings) -> None:
    width, height, limits = header.width, header.height, scene.limits
    if width == 0 or height == 0:
        findings.error("IMAGE_DATA_INVALID", where, "it has no pixels")
    elif width * height > limits.image_pixels or max(width, height) > limits.image_edge:
        findings.error(
            "IMAGE_TOO_LARGE",
            where,
            f"{width:,} × {height:,} pixels, {width * height * 4 / 1e6:,.0f} MB on the GPU, are too many",
            hint="2,048 × 2,048 are plenty for a world",
        )


def _check_sound(scene: Scene, sound: JsonObject, where: str, findings: Findings) -> None:
    if "uri" not in sound and "bufferView" not in sound:
        findings.error("ONE_OF_MISMATCH", where, "exactly one of uri, bufferView must be there")
        return
    data = _bytes_of(scene, sound, where, findings)
    if data is not None and media_type_of(data) not in _AUDIO_TYPES:
        findings.warn("AUDIO_UNRECOGNIZED_FORMAT", where, "it is none of MP3, Ogg, WAV, M4A; browsers may be silent")
