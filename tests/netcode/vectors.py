"""The vectors of `netcode/vectors`, read as they lie there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

NETCODE = Path(__file__).parents[2] / "netcode"


def load(pattern: str = "v?-*.json") -> list[dict[str, Any]]:
    """All vectors of the files that match."""
    return [vector for path in sorted((NETCODE / "vectors").glob(pattern)) for vector in json.loads(path.read_text())]


GOOD = [v for v in load() if "message" in v]
BAD = [v for v in load() if "error" in v]
