"""Bridge: one stone arch over the canal, steep enough to climb and low enough to look over.

Its one rule: the deck's profile is one function; paving, parapets and collider all follow it.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from roomscale.assets.samples.geometry import Array, beam, box, join, slab, strip
from roomscale.assets.samples.openings import arch_ring
from roomscale.assets.samples.plaza import layout as at
from roomscale.assets.samples.plaza.lights import post
from roomscale.assets.samples.scenery import Scenery

NODE = "bridge"
MIDDLE = (at.CANAL_NORTH + at.CANAL_SOUTH) / 2
SPAN = 5.2  # metres between the arch's feet
SEGMENTS = 16


def height(along: Array) -> Array:
    """Height of the deck at distances (metres) from the crown: level at both ends and on top."""
    t = np.clip(np.abs(along) / at.BRIDGE_HALF, 0, 1)
    return at.BRIDGE_RISE * (0.5 + 0.5 * np.cos(np.pi * t))


def build(scenery: Scenery) -> None:
    """The whole bridge; local x across, z along, crown at the origin's height plus the rise."""
    here = scenery.placed(at.BRIDGE_X, 0, MIDDLE)
    z = np.linspace(-at.BRIDGE_HALF, at.BRIDGE_HALF, SEGMENTS + 1)
    y = height(z)
    half = at.BRIDGE_WIDTH / 2
    columns = np.linspace(-half, half, 4)
    lines = [np.stack([np.full_like(z, x), y + 0.015, z], axis=1) for x in columns]
    deck = join([strip(a, b, smooth=True) for a, b in pairwise(lines)])
    here.add(NODE, "cobble", deck)
    here.walk(strip(lines[0], lines[-1], smooth=True))
    for k in range(1, SEGMENTS, 2):
        here.add(NODE, "trim", slab((at.BRIDGE_WIDTH, 0.07, 0.16)).at(0, float(y[k]) - 0.05, float(z[k])))
    _arch(here, z, y)
    _parapets(here, z, y)


def _arch(here: Scenery, z: Array, y: Array) -> None:
    """Spandrels, the vault below, and voussoirs on both faces."""
    angle = np.linspace(np.pi, 0, 15)
    arch_z, arch_y = SPAN / 2 * np.cos(angle) * -1, at.WATER * 2 + 2.55 * np.sin(angle)
    arch_z = -arch_z
    order = np.argsort(arch_z)
    arch_z, arch_y = arch_z[order], np.maximum(arch_y[order], at.WATER * 2)
    outer = at.BRIDGE_WIDTH / 2 + 0.22
    over = np.interp(arch_z, z, y) + 0.1
    for side in (-1, 1):
        top = np.stack([np.full_like(arch_z, side * outer), over, arch_z], axis=1)
        low = np.stack([np.full_like(arch_z, side * outer), arch_y, arch_z], axis=1)
        face = strip(low, top) if side > 0 else strip(top, low)
        here.add(NODE, "ashlar", face if face.normals[0][0] * side > 0 else strip(top, low))
        for end in (-1, 1):
            far = np.linspace(SPAN / 2, at.BRIDGE_HALF, 6) * end
            upper = np.stack([np.full_like(far, side * outer), np.interp(far, z, y) + 0.1, far], axis=1)
            lower = np.stack([np.full_like(far, side * outer), np.full_like(far, at.WATER * 2), far], axis=1)
            wing = strip(lower, upper)
            here.add(NODE, "ashlar", wing if wing.normals[0][0] * side > 0 else strip(upper, lower))
        ring = arch_ring(SPAN, 0, 0.32, 0.12, 15).scaled(1, 2.55 / (SPAN / 2), 1).at(yaw=90 * side)
        here.add(NODE, "trim", ring.at(side * outer, at.WATER * 2, 0))
    vault = [np.stack([np.full_like(arch_z, s * outer), arch_y, arch_z], axis=1) for s in (-1, 1)]
    under = strip(vault[0], vault[1], smooth=True)
    here.add(NODE, "ashlar", under if under.normals[7][1] < 0 else strip(vault[1], vault[0], smooth=True))


def _parapets(here: Scenery, z: Array, y: Array) -> None:
    """Low walls with a rounded coping, piers with lanterns at the four ends."""
    x = at.BRIDGE_WIDTH / 2 + 0.1
    for side in (-1, 1):
        for k in range(0, SEGMENTS, 2):
            a = (side * x, float(y[k]) + 0.72, float(z[k]))
            b = (side * x, float(y[k + 2]) + 0.72, float(z[k + 2]))
            down = (0, -0.42, 0)
            here.add(NODE, "ashlar", beam(tuple(np.add(a, down)), tuple(np.add(b, down)), 0.26, 1.0, 0.03))
            up = (0, 0.13, 0)
            here.add(NODE, "trim", beam(tuple(np.add(a, up)), tuple(np.add(b, up)), 0.42, 0.15, 0.05))
        steps = 6
        for k in range(steps):
            z0 = -at.BRIDGE_HALF + 2 * at.BRIDGE_HALF * k / steps
            z1 = z0 + 2 * at.BRIDGE_HALF / steps
            low = float(np.interp([z0, z1], z, y).min())
            top = float(np.interp([z0, (z0 + z1) / 2, z1], z, y).max()) + 0.9
            size = (0.34, top - low + 0.6, z1 - z0)
            here.solid("parapet", size, (side * x, low - 0.6, (z0 + z1) / 2))
        for end in (-1, 1):
            foot = end * (at.BRIDGE_HALF + 0.15)
            here.add(NODE, "ashlar", box((0.6, 1.0, 0.6), 0.05, "b").at(side * x, 0, foot))
            here.add(NODE, "trim", box((0.74, 0.14, 0.74), 0.05).at(side * x, 1.0, foot))
            here.solid("bridge_pier", (0.62, 1.2, 0.62), (side * x, 0, foot))
            post(here.placed(side * x, 1.14, foot), height=1.5, power=3.4)
