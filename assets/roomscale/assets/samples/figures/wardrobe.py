"""Wardrobe: the four people's own hair, hats and clothes.

Its one rule: two big shapes and one small surprise for each.
"""

from __future__ import annotations

import numpy as np

from roomscale.assets.samples import palette
from roomscale.assets.samples.figures.body import Part, blob, chain, colour, limb, loft, mirrored, part, rigid, skirt
from roomscale.assets.samples.figures.people import SPINE, Person, band, coat, hair_cap
from roomscale.assets.samples.geometry import Array, lathe

HEAD = rigid("head")


def _ada(p: Person) -> list[Part]:
    """A long coat, a scarf in the colour of lanterns, hair in a high bun with a pencil in it."""
    scarf = palette.linear("ochre")
    bun = blob((0, 1.79, -0.055), (0.078, 0.07, 0.078), 2)
    ring = lathe([(0.098, 0.0), (0.118, 0.03), (0.112, 0.07), (0.085, 0.085)], 14).at(0, 1.345, -0.008)
    tail = loft(
        [(1.05, 0.075, 0.125, 0.036, 0.012), (1.2, 0.07, 0.132, 0.034, 0.014), (1.37, 0.05, 0.1, 0.03, 0.016)], 8
    )
    pencil = limb([(-0.12, 1.80, -0.07), (0.11, 1.815, -0.06), (0.13, 1.816, -0.06)], [0.008, 0.008, 0.001], 6)
    buttons = [
        part(blob((0.035, y, 0.123 + 0.02 * (y < 1.1)), (0.011, 0.011, 0.006), 0), scarf, chain(1, SPINE))
        for y in (1.24, 1.15)
    ]
    return [
        hair_cap(p, low=1.52, fringe=1.675),
        part(bun, p.hair, HEAD),
        part(pencil, scarf, HEAD),
        coat(p.top, 0.46, 0.29),
        band(np.multiply(p.top, 0.55).tolist(), 1.0, 0.05, 0.166, 0.132),
        part(ring, scarf, chain(1, SPINE, 0.04)),
        part(tail, np.asarray(scarf) * 0.85, chain(1, SPINE, 0.04)),
        *buttons,
    ]


def _apron_weights(points: Array) -> Array:
    """With the trunk above the belt, with the legs below."""
    above = chain(1, [(0.0, "hips"), (1.03, "spine"), (1.16, "chest")], 0.05)(points)
    below = skirt(0.98, 0.55, 0.85)(points)
    return np.where(points[:, 1:2] > 0.98, above, below)


def _bram(p: Person) -> list[Part]:
    """Broad, bearded and aproned, under a flat cap."""
    cap = palette.linear("slate")

    def droop(unit: Array) -> Array:
        out = unit.copy()
        out[:, 1] = np.maximum(out[:, 1], -0.25)
        return out

    crown = blob((0, 1.70, -0.01), (0.175, 0.085, 0.185), 2, droop)
    peak = blob((0, 1.675, 0.15), (0.10, 0.016, 0.07), 1)
    beard = blob((0, 1.485, 0.075), (0.118, 0.10, 0.088), 2)
    whiskers = blob((0.034, 1.527, 0.147), (0.042, 0.016, 0.02), 1).at(0, 0, 0)
    apron = loft(
        [
            (0.58, 0, 0.135, 0.165, 0.02),
            (0.78, 0, 0.15, 0.175, 0.035),
            (0.92, 0, 0.158, 0.17, 0.045),
            (1.05, 0, 0.168, 0.16, 0.05),
            (1.16, 0, 0.14, 0.125, 0.045),
            (1.25, 0, 0.10, 0.10, 0.03),
            (1.27, 0, 0.095, 0.09, 0.02),
        ],
        12,
        3.0,
    )
    belly = blob((0, 1.03, 0.045), (0.195, 0.17, 0.15), 2)
    moustache = part(whiskers, np.multiply(p.hair, 1.15), HEAD)
    cloth = palette.linear("limestone")
    return [
        hair_cap(p, low=1.53, fringe=1.68),
        part(crown, cap, HEAD, 0.8 + 0.2 * (crown.positions[:, 1] > 1.7)),
        part(peak, np.multiply(cap, 0.7), HEAD),
        part(beard, p.hair, HEAD, 0.75 + 0.25 * np.clip((beard.positions[:, 1] - 1.4) / 0.1, 0, 1)),
        moustache,
        mirrored(moustache),
        part(belly, p.top, chain(1, SPINE, 0.06)),
        part(
            apron,
            cloth,
            _apron_weights,
            0.8 + 0.2 * np.clip((apron.positions[:, 1] - 0.6) / 0.4, 0, 1),
        ),
        band(tuple(np.multiply(cloth, 0.8)), 0.99, 0.045, 0.212, 0.188),
    ]


def _chidi(p: Person) -> list[Part]:
    """Slim, hair like a column, a wide-shouldered short cape with a stripe, a sash."""
    gold, stripe = palette.linear("glow"), palette.linear("limestone")
    flat_top = loft(
        [
            (1.62, 0, -0.02, 0.14, 0.145),
            (1.68, 0, -0.015, 0.158, 0.158),
            (1.78, 0, -0.01, 0.162, 0.16),
            (1.87, 0, -0.005, 0.168, 0.164),
            (1.90, 0, -0.005, 0.15, 0.148),
        ],
        14,
        2.8,
    )
    cape_rows = [
        (1.07, 0.262, 0.195),
        (1.09, 0.27, 0.2),
        (1.17, 0.268, 0.185),
        (1.26, 0.256, 0.165),
        (1.335, 0.225, 0.14),
        (1.39, 0.15, 0.1),
        (1.40, 0.075, 0.075),
    ]
    cape = loft([(y, 0, -0.006, wide, deep) for y, wide, deep in cape_rows], 18, 2.1, cap=False)
    y = cape.positions[:, 1]
    tint = np.where(((y > 1.1) & (y < 1.2))[:, None], np.asarray(stripe), np.asarray(p.top))
    rings = blob((0.142, 1.535, 0.0), (0.014, 0.02, 0.014), 1)
    ring = part(rings, gold, HEAD)
    follow = chain(1, [(0.0, "chest"), (1.40, "neck")], 0.03)
    return [
        hair_cap(p, low=1.54, fringe=1.69, puff=0.98),
        part(flat_top, p.hair, HEAD, 0.8 + 0.5 * np.clip((flat_top.positions[:, 1] - 1.7) / 0.2, 0, 1)),
        part(cape, tint, follow, 0.72 + 0.28 * np.clip((y - 1.05) / 0.2, 0, 1)),
        ring,
        mirrored(ring),
        band(gold, 0.985, 0.06, 0.16, 0.128),
        coat(p.sleeve or p.top, 0.74, 0.21),
    ]


def _mei(p: Person) -> list[Part]:
    """A wide straw hat, a long braid, a dress that swings."""
    straw, ribbon = palette.linear("ochre"), palette.linear("rose")
    brim = lathe(
        [
            (0.16, 0.0),
            (0.30, -0.035),
            (0.335, -0.05),
            (0.33, -0.04),
            (0.17, 0.03),
            (0.155, 0.06),
            (0.14, 0.13),
            (0.09, 0.165),
            (0.0, 0.172),
        ],
        17,
    )
    hat = brim.at(0, 1.70, -0.015, pitch=-7)
    bow = lathe([(0.162, 0.02), (0.168, 0.03), (0.16, 0.07), (0.15, 0.075)], 20).at(0, 1.70, -0.015, pitch=-7)
    braid = [
        part(
            blob((0.0, 1.50 - 0.065 * k, -0.145 - 0.012 * min(k, 3)), (0.046 - 0.002 * k, 0.045, 0.04), 1),
            p.hair,
            chain(1, [(0, "chest"), (1.36, "head")], 0.1),
            None,
        )
        for k in range(6)
    ]
    tip = part(blob((0, 1.06, -0.178), (0.02, 0.05, 0.02), 1), ribbon, chain(1, SPINE, 0.05))
    lock = part(blob((0.128, 1.53, 0.04), (0.022, 0.09, 0.035), 1), p.hair, HEAD)
    collar = lathe([(0.06, 0.04), (0.12, 0.01), (0.15, -0.03)], 14).at(0, 1.365, -0.01)
    return [
        hair_cap(p, low=1.49, fringe=1.675),
        part(hat, straw, HEAD, 0.75 + 0.25 * np.clip(hat.normals[:, 1], 0, 1)),
        part(bow, ribbon, HEAD),
        *braid,
        tip,
        lock,
        mirrored(lock),
        coat(p.top, 0.50, 0.36),
        part(collar, palette.linear("limestone"), chain(1, SPINE, 0.04)),
        band(ribbon, 1.0, 0.05, 0.158, 0.126),
    ]


PEOPLE = [
    Person(
        "ada",
        "Ada",
        colour("#e8b994"),
        colour("#3a2420"),
        palette.linear("teal"),
        colour("#2f3447"),
        colour("#4a2f28"),
        _ada,
        0.98,
    ),
    Person(
        "bram",
        "Bram",
        colour("#f0c8a8"),
        colour("#a9a29a"),
        palette.linear("ochre"),
        colour("#4b4f63"),
        colour("#33261f"),
        _bram,
        1.22,
        1.16,
    ),
    Person(
        "chidi",
        "Chidi",
        colour("#7a4a32"),
        colour("#1d1719"),
        palette.linear("rose"),
        colour("#2d3350"),
        colour("#c7a15a"),
        _chidi,
        0.94,
        0.92,
        palette.linear("slate"),
    ),
    Person(
        "mei",
        "Mei",
        colour("#f2cfae"),
        colour("#1f1b2b"),
        palette.linear("blossom"),
        colour("#ece2d2"),
        colour("#7c3b3b"),
        _mei,
        0.92,
        0.9,
        palette.linear("limestone"),
    ),
]
