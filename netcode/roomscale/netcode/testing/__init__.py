"""The harness, product and not only ours: worlds over seeded bad networks, and headless visitors over real WebRTC.

from roomscale.netcode.testing.rig import Rig            # many visitors, virtual time, a lossy link each
from roomscale.netcode.testing.visitor import Visitor    # one visitor, real WebRTC, your signalling
"""
