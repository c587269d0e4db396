"""Matrix: what a world is, publishing it, who may do what there, the world server and the embedded homeserver.

Pure modules (`ids`, `model`, `permissions`, `plan`) know no network; `matrix` alone knows the Matrix client
library; `gate` is the process that visitors reach.
"""
