"""Whether a scene may be shown to visitors: all checks, in the order in which one needs the other.

Rule: a scene is refused for errors alone. Khronos's validator is asked last, and never of a scene that ours refuse;
what is only advice (scale, colliders, places to arrive) is looked at in scenes that are in order.
"""

from __future__ import annotations

import numpy as np

from roomscale.scenes.checks import check
from roomscale.scenes.checks.arrival import check_arrival
from roomscale.scenes.checks.colliders import check_colliders
from roomscale.scenes.document import Scene
from roomscale.scenes.extent import check_scale
from roomscale.scenes.findings import Finding, Findings, errors_of
from roomscale.scenes.khronos import Validator, is_covered, merge


def judge(scene: Scene, validator: Validator | None = None, *, only_in_doubt: bool = False) -> list[Finding]:
    """Everything there is to say about a scene, errors first. Never raises for what a scene holds.

    `validator`: Khronos's, for its opinion too; None to do without. `only_in_doubt`: to ask it only where it could find
    an error that ours do not, for those who want to know no more than whether the scene is refused.
    """
    ours = check(scene)
    if errors_of(ours):
        return ours
    advice = Findings()
    with np.errstate(all="ignore"):  # foreign numbers overflow as they please
        check_colliders(scene, advice)
        check_arrival(scene, advice)
    ours = sorted([*ours, *check_scale(scene), *advice.listed()], key=lambda finding: finding.severity)
    if validator is None or (only_in_doubt and is_covered(scene, ours)):
        return ours
    return merge(ours, validator.ask(scene))
