"""Makes images of every kind that glTF may meet, and scenes that wear them."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from roomscale.scenes import Scene, parse_scene
from tests.scenes.crafted import data_uri, gltf, triangle

Pixels = NDArray[np.uint8]


def noise(width: int = 64, height: int = 64, channels: int = 3, seed: int = 1) -> Pixels:
    """Soft noise: as hard to compress as a photograph."""
    small = np.random.default_rng(seed).integers(0, 256, (height // 4 + 1, width // 4 + 1, channels), np.uint8)
    bands = [Image.fromarray(small[:, :, band]).resize((width, height)) for band in range(channels)]
    return np.stack([np.asarray(band) for band in bands], 2)


def saved(pixels: Pixels, name: str = "PNG", **options: Any) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels[:, :, 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels).save(
        stream, name, **options
    )
    return stream.getvalue()


def painted(*images: bytes, materials: list[dict[str, Any]], **more: Any) -> Scene:
    """The triangle with these images, a texture for each, and materials, of which the first is worn."""
    tree = triangle() | more
    tree["bufferViews"][0]["byteStride"] = 12
    tree["accessors"].append({"bufferView": 0, "componentType": 5126, "count": 3, "type": "VEC2"})
    tree["meshes"][0]["primitives"][0]["attributes"]["TEXCOORD_0"] = 2
    tree["images"] = [{"uri": data_uri(image, "image/png"), "name": f"image {n}"} for n, image in enumerate(images)]
    tree["textures"] = [{"source": number} for number in range(len(images))]
    tree["materials"] = materials
    tree["meshes"][0]["primitives"][0]["material"] = 0
    return parse_scene(gltf(tree))


def worn(key: str, **more: Any) -> dict[str, Any]:
    """A material that wears texture 0 as `key`."""
    info = {key: {"index": 0}}
    is_pbr = key in ("baseColorTexture", "metallicRoughnessTexture")
    return ({"pbrMetallicRoughness": info} if is_pbr else info) | more
