"""A process of visitors: `load`, on the compiled netcode where there is one, to leave the server its core.

Rule: nothing but the order of imports; what visitors do is `load`'s.
"""

from __future__ import annotations

import sys

from roomscale.netcode import compiled

if __name__ == "__main__":
    compiled.activate()
    from tests.benchmarks.netcode.load import main

    main(sys.argv[1:])
