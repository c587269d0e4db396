"""Khronos's own glTF-Validator, asked for a second opinion after our checks have passed a file.

Rule: a help, never a need: whatever becomes of it (absent, crashed, too slow), our own verdict stands.
`worker` is the process that runs it, `runner` starts and bounds that process, `merge` joins the two lists of findings,
`covered` knows of which scenes it need not be asked.
"""

from roomscale.scenes.khronos.covered import is_covered
from roomscale.scenes.khronos.merge import merge
from roomscale.scenes.khronos.runner import Answer, Validator, ValidatorLimits

__all__ = ["Answer", "Validator", "ValidatorLimits", "is_covered", "merge"]
