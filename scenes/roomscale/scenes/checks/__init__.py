"""All that is looked at before a scene reaches visitors: one file per subject, each a pure function.

Rule: `structure` runs first, and alone when it fails; all others rely on it.
"""

from __future__ import annotations

import numpy as np

from roomscale.scenes.checks.animations import check_animations
from roomscale.scenes.checks.buffers import check_buffers
from roomscale.scenes.checks.cameras import check_cameras
from roomscale.scenes.checks.graph import check_graph
from roomscale.scenes.checks.images import check_images
from roomscale.scenes.checks.materials import check_materials
from roomscale.scenes.checks.meshes import check_meshes
from roomscale.scenes.checks.old_forms import check_old_forms
from roomscale.scenes.checks.structure import check_structure
from roomscale.scenes.checks.usage import check_usage
from roomscale.scenes.checks.values import check_values
from roomscale.scenes.checks.world import check_world
from roomscale.scenes.document import Scene
from roomscale.scenes.findings import Finding, Findings

_AFTER_STRUCTURE = (
    check_graph,
    check_buffers,
    check_usage,
    check_meshes,
    check_animations,
    check_materials,
    check_images,
    check_cameras,
    check_world,
    check_old_forms,
    check_values,  # the contents, which cost time, come last
)


def check(scene: Scene) -> list[Finding]:
    """All findings about a scene, errors first. Never raises for what a scene holds."""
    findings = Findings()
    if check_structure(scene, findings):
        with np.errstate(all="ignore"):  # foreign numbers overflow as they please; what is not finite is looked for
            for one in _AFTER_STRUCTURE:
                one(scene, findings)
    return findings.listed()


__all__ = ["check"]
