"""Work on hostile or heavy data in a process of its own, with limits of memory and time: `Confined`."""

from roomscale.scenes.confined.process import Confined, Gone

__all__ = ["Confined", "Gone"]
