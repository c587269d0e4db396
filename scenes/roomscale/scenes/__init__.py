"""glTF scenes: read, checked, mended, packed. Knows no network.

Open one with `open_scene`, ask `check` what is wrong, let `mend` put right what needs no choice, and take the
result as one file with `to_glb` or `write_glb`. Everything raised is a `SceneError`.
For scripts with pygltflib there is `bridge`, imported on its own because pygltflib takes a while to load.
"""

from roomscale.scenes.checks import check
from roomscale.scenes.document import Scene, open_scene, parse_scene
from roomscale.scenes.embed import to_glb, write_glb
from roomscale.scenes.errors import (
    BrokenData,
    RejectedScene,
    SceneError,
    UnreadableScene,
    UnsafeUri,
    UnwritableScene,
)
from roomscale.scenes.findings import Finding, Severity, errors_of
from roomscale.scenes.limits import DEFAULT_LIMITS, Limits
from roomscale.scenes.mend import mend

__all__ = [
    "DEFAULT_LIMITS",
    "BrokenData",
    "Finding",
    "Limits",
    "RejectedScene",
    "Scene",
    "SceneError",
    "Severity",
    "UnreadableScene",
    "UnsafeUri",
    "UnwritableScene",
    "check",
    "errors_of",
    "mend",
    "open_scene",
    "parse_scene",
    "to_glb",
    "write_glb",
]
