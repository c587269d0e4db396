"""No image is worse than gltf-transform's, whatever it is for; the table goes into docs/benchmarks.md."""

from __future__ import annotations

import pytest

from roomscale.scenes import parse_scene
from roomscale.scenes.roles import Alpha, ImageUse, Role
from tests.benchmarks.record import record
from tests.benchmarks.rivals import NotAvailable
from tests.benchmarks.scenes.painted_walls import every_role
from tests.benchmarks.scenes.quality import CAPS, Pair, byte_share, goals, images, measured, table


def pair(ours: float, theirs: float, kilobytes: tuple[int, int] = (90, 100)) -> Pair:
    return Pair(
        "made",
        3,
        CAPS[0],
        ImageUse(Role.NORMAL, Alpha.HIDDEN),
        (kilobytes[0] * 1000, kilobytes[1] * 1000),
        {"mean °": ours},
        {"mean °": theirs},
    )


def test_the_made_scene_has_every_role() -> None:
    found = images(parse_scene(every_role(64)))
    assert [(each.use.role, each.use.alpha) for each in found] == [
        (Role.COLOUR, Alpha.HIDDEN),
        (Role.COLOUR, Alpha.SHOWN),
        (Role.NORMAL, Alpha.HIDDEN),
        (Role.DATA, Alpha.NUMBERS),
    ]
    assert every_role(64) == every_role(64)


def test_a_worse_image_is_named_with_what_it_is_worse_by() -> None:
    worse, even = pair(2.5, 2.0), pair(2.01, 2.0)
    assert (worse.worse, even.worse) == (["mean °"], [])
    told = goals([worse, even])
    assert "| 1 of 2 | missed |" in told
    assert "- made, image 3, cap none: mean ° 2.5 against 2, 90 against 100 kB" in told
    assert "missed" not in goals([even])
    assert "| made | none | normal | 2 | 180 / 200 | mean ° 2.25 / 2.00 |" in table([worse, even])


def test_more_bytes_miss_the_goal() -> None:
    assert byte_share([pair(1, 1, (110, 100))], CAPS[0]) == pytest.approx(1.1)
    assert "| 110.0% | missed |" in goals([pair(1, 1, (110, 100))])


@pytest.mark.proof
def test_no_image_is_worse_than_gltf_transforms() -> None:
    try:
        pairs = measured()
    except NotAvailable as why:
        pytest.skip(str(why))
    record(
        "scenes-quality", "pytest -m proof tests/benchmarks/scenes/test_quality.py", f"{goals(pairs)}\n\n{table(pairs)}"
    )
    assert {pair.use.role for pair in pairs} == set(Role)
    assert [(pair.scene, pair.index, pair.cap, pair.worse) for pair in pairs if pair.worse] == []
    assert byte_share(pairs, CAPS[0]) <= 1
