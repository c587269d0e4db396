"""Every kind of file that a reader must see through, and some that look odd and are good.

Each case is a name, the code that the reader must give it (None: it is accepted), and the bytes of a file.
"""

from __future__ import annotations

from tests.scenes.hostile.case import Case
from tests.scenes.hostile.containers import container_cases
from tests.scenes.hostile.data import data_cases
from tests.scenes.hostile.extensions import extension_cases
from tests.scenes.hostile.graphs import graph_cases
from tests.scenes.hostile.images import image_cases
from tests.scenes.hostile.texts import json_cases
from tests.scenes.hostile.uris import uri_cases

__all__ = ["CASES", "Case"]

CASES = [
    *container_cases(),
    *json_cases(),
    *graph_cases(),
    *data_cases(),
    *uri_cases(),
    *image_cases(),
    *extension_cases(),
]
