"""Asks Khronos's validator, which runs in a process of its own, with limits of time and memory.

Rule: `Validator.ask` never raises and always comes back: with a report, or with the reason why there is none.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from roomscale.scenes import jsonio
from roomscale.scenes.confined import Confined, Gone
from roomscale.scenes.container import build_glb
from roomscale.scenes.document import Scene
from roomscale.scenes.embed import to_glb
from roomscale.scenes.errors import SceneError
from roomscale.scenes.jsonio import JsonObject
from roomscale.scenes.uris import RelativePath, parse_resource

WORKER = Path(__file__).with_name("worker.py")
SCRIPT = Path(__file__).with_name("validator.js")
WRITTEN_OUT_BYTES = 4 << 20
"""Bytes from which on a .gltf that is mostly data: URIs is given as a .glb."""
Resources = list[tuple[str, memoryview]]
"""Path and contents; the scene itself has the path ""."""
LEAST_WORKER_BYTES = 640 << 20
"""Bytes that Python and V8 map before the first scene."""


class ValidatorLimits(NamedTuple):
    """What one run of the validator may take."""

    seconds: float = 3.0
    """Seconds of processor time for any scene …"""
    seconds_per_mb: float = 0.1
    """… and for each megabyte; 54 MB take 2.8 s on a slow machine."""
    patience: float = 3.0
    """How many times as long by the clock, where other programs want the processor too."""
    heap_bytes: int = 512 << 20
    """Bytes of V8's heap."""
    file_bytes: int = 256 << 20
    """Bytes of scene and resources; the validator keeps them twice."""
    issues: int = 1_000
    """Issues that it lists."""

    @property
    def data_bytes(self) -> int:
        """Bytes of memory that the process may write to."""
        return LEAST_WORKER_BYTES + self.heap_bytes + 3 * self.file_bytes

    def seconds_for(self, size: int) -> float:
        """Seconds of processor time for a scene of so many bytes."""
        return self.seconds + self.seconds_per_mb * size / 1e6


class Answer(NamedTuple):
    """A `report` as the validator gives it (its validation.schema.json), or None and the `reason`."""

    report: JsonObject | None
    reason: str = ""


class Validator:
    """Khronos's validator; one process answers for one scene after another, and is started anew after a failure.

    Use it as a context manager, or `close` it. Not for several threads at a time.
    """

    def __init__(self, limits: ValidatorLimits | None = None, script: Path = SCRIPT) -> None:
        self._limits = limits or ValidatorLimits()
        self._script = script
        arguments = [str(script), str(self._limits.issues), str(self._limits.heap_bytes)]
        self._process = Confined(WORKER, arguments, data_bytes=self._limits.data_bytes)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the process."""
        self._process.close()

    def prepare(self) -> None:
        """Start the process: 0.3 s that our own checks can use. What goes wrong is told when it is asked."""
        if self._script.exists():
            with suppress(OSError):
                self._process.start()

    def ask(self, scene: Scene) -> Answer:
        """Have a scene validated that our own checks have passed, as it is in memory."""
        if not self._script.exists():
            return Answer(None, "it is not installed; `python web/build_validator.py` in the checkout brings it")
        try:
            resources = _resources(scene)
        except SceneError as error:
            return Answer(None, str(error))
        size = sum(len(data) for _, data in resources)
        if size > self._limits.file_bytes:
            return Answer(None, f"{size / 1e6:,.0f} MB are more than it is given")
        try:
            reply, _ = self._process.ask(
                {"paths": [path for path, _ in resources]},
                [data for _, data in resources],
                seconds=self._limits.seconds_for(size),
                patience=self._limits.patience,
            )
        except OSError as error:
            return Answer(None, f"its process does not start ({error.strerror})")
        except Gone as error:
            return Answer(None, str(error))
        return Answer(reply.get("report"), str(reply.get("error", "")))


def _resources(scene: Scene) -> Resources:
    """The scene as it is in memory, then each file that it names; one that cannot be had is left out."""
    if scene.buffers or _is_written_out(scene):
        return [("", memoryview(to_glb(scene)))]
    resources: Resources = [("", _file(scene))]
    for holder in [*scene.list_of("buffers"), *scene.list_of("images")]:
        uri = holder.get("uri")
        if uri is None or uri[:5].lower() == "data:":
            continue
        with suppress(SceneError):
            if isinstance(path := parse_resource(uri), RelativePath):
                resources.append((str(path), scene.resource(uri, "")))
    return resources


def _is_written_out(scene: Scene) -> bool:
    """Whether a .gltf is large for its data: URIs, of which V8 would make several copies: it gets their bytes."""
    if scene.glb is not None or scene.raw is None or len(scene.raw) < WRITTEN_OUT_BYTES:
        return False
    uris = (holder.get("uri") or "" for holder in [*scene.list_of("buffers"), *scene.list_of("images")])
    return 2 * sum(len(uri) for uri in uris if uri[:5].lower() == "data:") > len(scene.raw)


def _file(scene: Scene) -> memoryview:
    text = jsonio.dump(scene.json)
    if scene.glb is None:
        return memoryview(text)
    if scene.raw is not None and jsonio.dump(jsonio.parse(scene.glb.json, limits=scene.limits)) == text:
        return scene.raw
    return memoryview(build_glb(text, None if scene.glb.binary is None else [scene.glb.binary], scene.glb.others))
