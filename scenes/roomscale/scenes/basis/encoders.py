"""KTX2 for the GPU: which of Basis Universal's two forms an image takes, and the processes that encode it.

Rule: what an image is for decides. Colour is ETC1S: 4 bits a pixel on most GPUs, and a file as small as a JPEG.
Normals and data are UASTC: 8 bits a pixel; ETC1S, which knows one brightness only, bends them (docs/decisions/0019).
Follows KHR_texture_basisu: sizes are multiples of 4, smaller copies are in the file, the transfer function is said.
"""

from __future__ import annotations

import queue
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from roomscale.scenes.confined import Confined, Gone
from roomscale.scenes.encoding import Encoding
from roomscale.scenes.errors import UnpackableScene
from roomscale.scenes.roles import Role

WORKER = Path(__file__).with_name("worker.py")
SCRIPT, MODULE = (Path(__file__).parent / "wasm" / name for name in ("encoder.js", "encoder.wasm"))
MOST_PIXELS = 12 << 20
"""Pixels of one image that the encoder takes: it would need more memory than WebAssembly of 32 bits has."""
HEAP_BYTES = 512 << 20
"""Bytes of V8's heap."""
DATA_BYTES = 3 << 30
"""Bytes of memory that a process may write to; it takes 0.18 GB at 1024², 0.37 GB at 2048²."""
SECONDS, SECONDS_PER_MEGAPIXEL = 10.0, 60.0
"""Of processor time for any image, and for each million pixels: ten times what is usual."""
DECODED_BYTES = 4
"""Of a pixel, RGBA."""
SMALL_EFFORT = 6
"""WebP's method from which on time is no matter: UASTC then takes 40% fewer bytes for 6 times as long."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How one image is encoded. `colour`: its numbers are sRGB. `normal`: its pixels are directions. `blocks`: UASTC.

    `quality`, `effort`: as `basisu` takes them for ETC1S (1 to 255, 0 to 6); for UASTC `effort` is its level, 0 to 4.
    `saving`: how much UASTC may bend so that zstd finds more alike (its RDO), 0 for not at all.
    """

    colour: bool
    normal: bool
    blocks: bool
    quality: int
    effort: int
    saving: float


def settings(encoding: Encoding, role: Role) -> Settings:
    """How an image of this role is encoded."""
    blocks = role is not Role.COLOUR
    return Settings(
        colour=role is Role.COLOUR,
        normal=role is Role.NORMAL,
        blocks=blocks,
        quality=max(1, round(2.55 * encoding.quality_for(role))),
        effort=0 if blocks else 1,
        saving=1.0 if blocks and encoding.effort >= SMALL_EFFORT else 0.0,
    )


class Encoders:
    """As many processes that encode and decode as are asked at a time, each started when it is first needed.

    For several threads. Use it as a context manager: what is started is ended.
    """

    def __init__(self) -> None:
        self._idle: queue.SimpleQueue[Confined] = queue.SimpleQueue()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End the processes; nobody may be waiting for one."""
        while not self._idle.empty():
            self._idle.get().close()

    def encode(self, rgba: bytes, size: tuple[int, int], how: Settings, where: str) -> bytes:
        """The KTX2 file of an image whose sizes are multiples of 4. `where`: its JSON pointer.

        Raises `UnpackableScene` where it cannot be made.
        """
        width, height = size
        if width * height > MOST_PIXELS:
            raise UnpackableScene(
                f"the image {where} has {width:,} × {height:,} pixels, more than KTX2 is made of here: "
                "pass --texture-size 2048"
            )
        question = {"do": "encode", "width": width, "height": height, **asdict(how)}
        told, files = self._asked(question, rgba, width * height, where)
        if not files:
            raise UnpackableScene(f"the image {where} cannot be made KTX2 ({told.get('error')}); try --textures webp")
        return files[0]

    def decode(self, data: bytes | memoryview, size: tuple[int, int], where: str) -> bytes | None:
        """The RGBA of a KTX2 file that says that it has this size; None if it has not, or is broken."""
        told, files = self._asked({"do": "decode"}, data, size[0] * size[1], where)
        is_as_said = (told.get("width"), told.get("height")) == size
        return files[0] if files and is_as_said and len(files[0]) == DECODED_BYTES * size[0] * size[1] else None

    def _asked(
        self, question: dict[str, object], data: bytes | memoryview, pixels: int, where: str
    ) -> tuple[dict[str, object], list[bytes]]:
        if not (SCRIPT.exists() and MODULE.exists()):
            return {"error": "Basis Universal is not installed: `python web/build_basis.py` in the checkout"}, []
        try:
            process = self._idle.get_nowait()
        except queue.Empty:
            process = Confined(WORKER, [str(SCRIPT), str(MODULE), str(HEAP_BYTES)], data_bytes=DATA_BYTES)
        try:
            return process.ask(
                question,
                [data],
                seconds=SECONDS + SECONDS_PER_MEGAPIXEL * pixels / 1e6,
                most_bytes=DECODED_BYTES * pixels + (1 << 20),
            )
        except Gone as error:
            return {"error": str(error)}, []
        except OSError as error:
            raise UnpackableScene(f"the image {where}: its encoder does not start ({error.strerror})") from error
        finally:
            self._idle.put(process)
