"""A node by itself, for tests and for trying things: `python -m roomscale.netcode.node SEAM_PATH [FIELD=VALUE …]`.

Rule: every argument is a field of `NodeConfig`; people use the `roomscale` command. `--interpreted` before them leaves
a compiled netcode aside (see `compiled`).
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from pathlib import Path

from roomscale.netcode import compiled
from roomscale.netcode.errors import NetcodeError
from roomscale.netcode.node.config import NodeConfig

if sys.platform != "win32":
    import uvloop


def main(arguments: list[str]) -> int:
    """Run a node; 0 when it was told to end, 1 with one line when it cannot run, 2 for wrong arguments."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    if arguments[:1] == ["--interpreted"]:
        arguments = arguments[1:]
    else:
        compiled.activate()
    from roomscale.netcode.node.service import serve  # noqa: PLC0415 - not before `activate`

    try:
        path, *settings = arguments
        fields = {key: json.loads(value) for key, value in (setting.split("=", 1) for setting in settings)}
        if "bind_hosts" in fields:
            fields["bind_hosts"] = tuple(fields["bind_hosts"])
        config = NodeConfig(Path(path), **fields)
    except (ValueError, TypeError) as error:
        print(f"usage: [--interpreted] SEAM_PATH [FIELD=JSON …] ({error})", file=sys.stderr)
        return 2
    try:
        if sys.platform == "win32":
            asyncio.run(serve(config))
        else:
            uvloop.run(serve(config))
    except NetcodeError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
