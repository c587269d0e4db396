"""The harness, product and not only ours: bad networks that repeat themselves, and headless visitors.

from roomscale.netcode.testing.link import MOBILE_4G     # a network, one way: the same seed, the same story
from roomscale.netcode.testing.pair import Pair          # two sans-IO endpoints over two of them, virtual time
from roomscale.netcode.testing.rig import Rig            # a simulation and many visitors, virtual time
from roomscale.netcode.testing.proxy import UdpProxy     # the same network for real sockets and browsers
from roomscale.netcode.testing.visitor import Visitor    # one visitor, real WebRTC, your signalling
"""
