"""Khronos's opinion of a scene, had while the scene is already being packed: it takes a process of its own, and we
have a second core. Of a scene that our own checks know in full it is not asked (`roomscale.scenes.khronos.covered`); of
a large one it is had first, since both together would take more memory than packing may.

Its one rule: nothing is written before the opinion is there, and what it rejects is not written at all.
"""

from __future__ import annotations

from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Self

from roomscale.cli.preparing import SoundScene, refuse
from roomscale.scenes import errors_of
from roomscale.scenes.accessors import layout_of
from roomscale.scenes.khronos import Answer, Validator, is_covered, merge

if TYPE_CHECKING:
    from concurrent.futures import Future

BOTH_BYTES = 16_000_000
"""Bytes of a scene, files included, and of its accessors once decoded, up to which packing goes on in the meantime. The
validator takes 85 MB, and 2 bytes for each of these; packing 50 MB and up to 5; all of it may be 200 MB and 4 bytes."""
BOTH_JSON_BYTES = 1_000_000
"""Bytes of JSON up to which this is so; of those the validator takes 14 for each, packing 8."""


class SecondOpinion:
    """`with SecondOpinion(ready, validator, fixes=…) as opinion:`, and `opinion.wait()` before anything is written.

    `ready`: a scene that our own checks have passed. `fixes`: whether it was mended already.
    """

    def __init__(self, ready: SoundScene, validator: Validator, *, fixes: bool) -> None:
        self._ready = ready
        self._fixes = fixes
        self._validator = validator
        self._answer: Future[Answer] | None = None
        if not is_covered(ready.scene, ready.findings):
            from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - 4 ms, for few scenes

            thread = ThreadPoolExecutor(1, "khronos")
            self._answer = thread.submit(self._ask)
            thread.shutdown(wait=False)  # it ends with its answer

    def __enter__(self) -> Self:
        """Raises BadScene as `wait` does, for a large scene."""
        if self._answer is not None and _is_large(self._ready):
            self.wait()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._validator.close()  # a question that is under way ends with the process
        if self._answer is not None:
            self._answer.exception()  # when it is there

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
            refuse(ready.path, ready.scene, errors, fixes=self._fixes, validator=self._validator)


def _is_large(ready: SoundScene) -> bool:
    """Whether packing it and validating it at once would take too much memory."""
    glb, total = ready.scene.glb, 0
    for path in ready.files:
        with suppress(OSError):
            total += path.stat().st_size
    decoded = sum(layout_of(accessor, "").decoded_bytes for accessor in ready.scene.list_of("accessors"))
    text = 0 if ready.scene.raw is None else len(ready.scene.raw if glb is None else glb.json)
    return max(total, decoded) > BOTH_BYTES or text > BOTH_JSON_BYTES
