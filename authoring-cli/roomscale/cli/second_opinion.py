"""Khronos's opinion of a scene, had while the scene is already being packed: it takes a process of its own, and we
have a second core. Of a scene that our own checks know in full it is not asked (`roomscale.scenes.khronos.covered`).

Its one rule: nothing is written before the opinion is there, and what it rejects is not written at all.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self

from roomscale.cli.preparing import SoundScene, refuse
from roomscale.scenes import errors_of
from roomscale.scenes.khronos import Answer, Validator, is_covered, merge


class SecondOpinion:
    """`with SecondOpinion(ready, validator, fixes=…) as opinion:`, and `opinion.wait()` before anything is written.

    `ready`: a scene that our own checks have passed. `fixes`: whether it was mended already.
    """

    def __init__(self, ready: SoundScene, validator: Validator, *, fixes: bool) -> None:
        self._ready = ready
        self._fixes = fixes
        self._validator = validator
        self._thread = self._answer = None
        if not is_covered(ready.scene, ready.findings):
            self._thread = ThreadPoolExecutor(1, "khronos")
            self._answer = self._thread.submit(self._ask)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._validator.close()  # a question that is under way ends with the process
        if self._thread is not None:
            self._thread.shutdown()

    def _ask(self) -> Answer:
        answer = self._validator.ask(self._ready.scene)
        self._validator.close()  # its memory is worth more to the packing that still goes on
        return answer

    def wait(self) -> None:
        """Raises BadScene for a scene that it rejects."""
        ready = self._ready
        if self._answer is None:
            return
        if errors := errors_of(merge(ready.findings, self._answer.result())):
            refuse(ready.path.name, ready.scene, errors, fixes=self._fixes, validator=self._validator)
