"""The GLB container under atheris, guided by the branches that each input takes. Run by `test_fuzz.py`, or by hand:

python -m tests.scenes.atheris_container -max_total_time=600
"""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["roomscale.scenes.container", "roomscale.scenes.jsonio"]):
    from roomscale.scenes import SceneError, parse_scene
    from roomscale.scenes.container import HEADER, MAGIC, parse_glb


def one(data: bytes) -> None:
    """A container, or what stands in one: whatever the bytes are, a value or a SceneError."""
    for whole in (data, HEADER.pack(MAGIC, 2, HEADER.size + len(data)) + data):
        for read in (parse_glb, parse_scene):
            try:
                read(whole)
            except SceneError as error:
                if not str(error).isprintable():
                    raise AssertionError(repr(str(error))) from error


if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
