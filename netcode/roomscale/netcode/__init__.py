"""Netcode: who is in a world and where, from the wire to the numbers. Knows no Matrix.

``core`` is sans-IO (no clock, no socket), ``node`` is the pipe around it (WebRTC, the tick, the seam to the
gate), ``testing`` is the harness that others use too. The wire is described by ``netcode/PROTOCOL.md``.
"""
