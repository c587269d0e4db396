"""meshoptimizer: its encoder, decoder and simplifier, as functions on numpy arrays.

The code is npm's `meshoptimizer` (MIT), WebAssembly run by wasmtime; `web/build_meshopt.py` takes it out of the
package when Roomscale is built. Rule: sizes and ranges are checked before WebAssembly sees them; it runs in memory of
its own, bounded; whatever goes wrong in there is a `MeshoptError`.
"""

from roomscale.scenes.meshopt.codec import (
    MOST_STRIDE,
    ExpMode,
    decode,
    encode_filter_color,
    encode_filter_exp,
    encode_filter_oct,
    encode_filter_quat,
    encode_indices,
    encode_triangles,
    encode_vertices,
)
from roomscale.scenes.meshopt.errors import MeshoptError, MeshoptMissing
from roomscale.scenes.meshopt.geometry import cache_order, fetch_order, simplify

__all__ = [
    "MOST_STRIDE",
    "ExpMode",
    "MeshoptError",
    "MeshoptMissing",
    "cache_order",
    "decode",
    "encode_filter_color",
    "encode_filter_exp",
    "encode_filter_oct",
    "encode_filter_quat",
    "encode_indices",
    "encode_triangles",
    "encode_vertices",
    "fetch_order",
    "simplify",
]
