"""The netcode node, a process: the pipe around `roomscale.netcode.core`. UDP, the tick, and the seam to the gate."""
