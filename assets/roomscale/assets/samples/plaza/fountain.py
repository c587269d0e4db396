"""Fountain: two basins and a jet, in the middle of the square.

Its one rule: round things are lathed once and sharply, so that rims catch the light.
"""

from __future__ import annotations

import numpy as np

from roomscale.assets.samples.geometry import lathe, tube
from roomscale.assets.samples.plaza import layout as at
from roomscale.assets.samples.scenery import Scenery

NODE = "fountain"


def build(scenery: Scenery) -> None:
    """Basin, column, bowl, water."""
    here = scenery.placed(at.FOUNTAIN[0], 0, at.FOUNTAIN[1])
    rim = [
        (2.9, 0),
        (2.9, 0.14),
        (2.72, 0.2),
        (2.66, 0.46),
        (2.8, 0.5),
        (2.82, 0.6),
        (2.76, 0.63),
        (2.36, 0.63),
        (2.3, 0.58),
        (2.3, 0.2),
    ]
    here.add(NODE, "trim", lathe(rim, 22, sharp=True))
    stem = [
        (0.62, 0.2),
        (0.5, 0.4),
        (0.24, 0.7),
        (0.2, 1.05),
        (0.3, 1.2),
        (0.95, 1.5),
        (1.12, 1.62),
        (1.12, 1.7),
        (1.0, 1.7),
        (0.9, 1.62),
    ]
    here.add(NODE, "trim", lathe(stem, 12))
    upper = [(0.14, 1.5), (0.1, 1.95), (0.16, 2.1), (0.4, 2.28), (0.46, 2.36), (0.38, 2.36)]
    here.add(NODE, "trim", lathe(upper, 9))
    here.add(NODE, "water", lathe([(2.32, 0.47), (0.01, 0.475)], 24))
    here.add(NODE, "water", lathe([(1.04, 1.66), (0.01, 1.665)], 16))
    for k in range(8):
        angle = 2 * np.pi * k / 8 + 0.2
        c, s = float(np.cos(angle)), float(np.sin(angle))
        t = np.linspace(0, 1, 6)
        fall = [(c * (1.1 + 0.42 * x), 1.72 - 1.24 * x * x, s * (1.1 + 0.42 * x)) for x in t]
        here.add(NODE, "foam", tube(fall, [0.035, 0.045, 0.05, 0.06, 0.07, 0.09], 4))
    here.add(NODE, "foam", lathe([(0.06, 2.36), (0.09, 2.7), (0.05, 3.0), (0.0, 3.15)], 7))
    here.add(NODE, "foam", lathe([(0.42, 2.37), (0.62, 2.1), (0.72, 1.68)], 12))
    for k in range(4):
        angle = np.deg2rad(90 * k + 45)
        x, z = 1.9 * float(np.cos(angle)), 1.9 * float(np.sin(angle))
        here.lamp((x, 0.75, z), colour=(0.35, 0.8, 0.85), power=0.5, reach=4)
    for size in ((5.4, 0.62, 3.2), (3.2, 0.62, 5.4), (4.5, 0.62, 4.5)):
        here.solid("fountain_rim", size, (0, 0, 0))
    here.solid("fountain_stem", (1.6, 2.4, 1.6), (0, 0, 0))
