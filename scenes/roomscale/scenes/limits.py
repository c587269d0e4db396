"""How much a scene may ask for. One place for every bound, each with its unit and its reason.

Rule: a bound is checked before the memory it bounds is taken.
"""

from __future__ import annotations

from typing import NamedTuple


class Limits(NamedTuple):
    """Bounds for reading and checking one scene."""

    file_bytes: int = 1 << 30
    """Bytes of one file on disk: 1 GiB, twenty times what a homeserver takes in one upload."""
    json_bytes: int = 128 << 20
    """Bytes of the JSON, data URIs included."""
    json_values: int = 8_000_000
    """Values in the JSON, each of which takes 30 to 60 bytes; a scene of 20,000 nodes has 400,000."""
    json_depth: int = 100
    """Nesting of JSON; real scenes, behaviour graphs included, stay below 20."""
    nodes: int = 250_000
    """Nodes in all; a browser is in trouble long before."""
    node_depth: int = 500
    """Nodes below one another; browsers walk the tree by recursion. Skeletons stay below 50."""
    decoded_bytes: int = 1 << 30
    """Bytes of all accessors once decoded, though many may look at the same few bytes of a file."""
    zero_bytes: int = 32 << 20
    """Bytes that one accessor may conjure from nothing (no bufferView, or sparse over none): 2.8 million vertices."""
    meshopt_ratio: int = 16
    """Bytes that a byte of a buffer with meshopt-compressed views may unpack to, beside `zero_bytes` in all; real
    scenes stay below 10, a crafted one reaches 256."""
    draco_ratio: int = 32
    """Bytes that a byte of Draco's may unpack to, beside `zero_bytes` in all; scanned meshes reach 20."""
    vertices: int = 50_000_000
    """Elements of one accessor."""
    instances: int = 1_000_000
    """Copies that EXT_mesh_gpu_instancing may make of one node."""
    image_pixels: int = 8192 * 8192
    """Pixels of one image: 268 MB on the GPU."""
    image_edge: int = 16_384 - 1
    """Pixels of one edge; phones stop at 4,096, desktops at 16,384."""
    all_pixels: int = 1_000_000_000
    """Pixels of all images: 4 GB on the GPU. Budgets for devices are far lower; this one is for harm."""
    image_text_bytes: int = 4 << 20
    """Bytes that one compressed text or profile inside an image may unpack to."""
    lights: int = 256
    """Punctual lights in a scene; every one costs each pixel."""
    uri_chars: int = 2_048
    """Characters of a URI that is no data: URI."""
    name_chars: int = 1_024
    """Characters of a name before a warning."""


DEFAULT_LIMITS = Limits()
