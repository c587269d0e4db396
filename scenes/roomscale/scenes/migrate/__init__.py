"""Old forms of a world's extensions, brought to the present ones.

Rule: pure; what has no present form stays as it is and is told, what is unknown stays untouched, and a scene without
old forms comes back itself.
"""

from roomscale.scenes.migrate.migrate import migrate

__all__ = ["migrate"]
