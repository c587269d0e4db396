"""Textures that stay compressed on the GPU (KTX2, KHR_texture_basisu): made, and read where a picture of it is needed.

The code is Basis Universal's (Apache-2.0), WebAssembly out of npm's `ktx2-encoder` run by V8; `web/build_basis.py`
takes it out of the package when Roomscale is built. What runs it is a process with limits.
"""

from roomscale.scenes.basis.encoders import Encoders, settings

__all__ = ["Encoders", "settings"]
