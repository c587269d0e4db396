"""The accessors of a scene as checks see them: each decoded once, within the scene's budget.

Rule: what cannot be decoded here (Draco, missing files) is none of this module's business; only what reading alone
shows is reported.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from roomscale.scenes.accessors import Array, layout_of, read
from roomscale.scenes.document import Scene
from roomscale.scenes.errors import BrokenData, SceneError
from roomscale.scenes.findings import Findings

_ONLY_WHEN_READ = (
    "ACCESSOR_SPARSE_INDICES_NON_INCREASING",
    "ACCESSOR_SPARSE_INDEX_OOB",
    "MESHOPT_MALFORMED",
    "MESHOPT_BOMB",
)


@dataclass
class Decoded:
    """The accessors of a scene, decoded when they are asked for; those of few bytes in the file not kept, for each may
    be a million zeros."""

    scene: Scene
    findings: Findings
    left: int = 0
    _arrays: dict[int, Array | None] = field(default_factory=dict)
    _counted: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.left = self.scene.limits.decoded_bytes

    def get(self, index: int) -> Array | None:
        """The elements of an accessor, None where they cannot be had."""
        if index in self._arrays:
            return self._arrays[index]
        array = self._decode(index)
        if array is None or "sparse" not in self.scene.list_of("accessors")[index]:
            self._arrays[index] = array
        return array

    def unit_scaled(self, index: int) -> Array | None:
        """As `get`, with normalised integers brought to −1..1, as float64; None for other integers."""
        array, accessor = self.get(index), self.scene.list_of("accessors")[index]
        if array is None:
            return None
        if array.dtype.kind == "f":
            return array.astype(np.float64)
        if not accessor.get("normalized"):
            return None
        scaled: Array = np.maximum(array / float(np.iinfo(array.dtype).max), -1.0)
        return scaled

    def _decode(self, index: int) -> Array | None:
        accessor = self.scene.list_of("accessors")[index]
        if "bufferView" not in accessor and "sparse" not in accessor:
            return None  # zeros by definition, or what Draco or an application fills in
        try:
            if index not in self._counted:
                self._counted.add(index)
                self.left -= layout_of(accessor, "").decoded_bytes
            return read(self.scene, index) if self.left >= 0 else None
        except BrokenData as error:
            if error.code in _ONLY_WHEN_READ:
                self.findings.error(error.code, error.pointer, error.message)
        except SceneError:
            pass  # the resource behind it was reported where it stands
        return None
