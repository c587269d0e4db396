"""The measures of image quality see what they are said to see, by amounts that can be reckoned."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from roomscale.scenes.roles import Alpha, ImageUse, Role
from tests.benchmarks.scenes.image_errors import errors, reference, ssim
from tests.scenes.painted import noise

COLOUR, COVER = ImageUse(Role.COLOUR, Alpha.HIDDEN), ImageUse(Role.COLOUR, Alpha.SHOWN)
NORMAL, DATA = ImageUse(Role.NORMAL, Alpha.HIDDEN), ImageUse(Role.DATA, Alpha.NUMBERS)


def leaning(degrees: float) -> Image.Image:
    """A normal map that points `degrees` away from straight up, towards +X."""
    angle = np.radians(degrees)
    vector = np.array([np.sin(angle), 0.0, np.cos(angle)])
    return Image.fromarray(np.tile(np.rint((vector + 1) * 127.5).astype(np.uint8), (16, 16, 1)))


@pytest.mark.parametrize("use", [COLOUR, COVER, NORMAL, DATA])
def test_an_image_is_not_off_from_itself(use: ImageUse) -> None:
    image = Image.fromarray(noise(channels=4))
    assert max(map(abs, errors(image, image, use).values())) < 1e-3


def test_normals_are_told_in_degrees() -> None:
    off = errors(leaning(0), leaning(10), NORMAL)
    assert off["mean °"] == pytest.approx(10, abs=0.5)
    assert off["95% °"] == pytest.approx(10, abs=0.5)


def test_a_normal_that_lost_its_direction_is_a_right_angle_off() -> None:
    assert errors(leaning(0), Image.new("RGB", (16, 16), (127, 127, 127)), NORMAL)["mean °"] == 90


def test_data_are_told_channel_by_channel() -> None:
    off = errors(Image.new("RGB", (8, 8), (10, 20, 30)), Image.new("RGB", (8, 8), (10, 24, 30)), DATA)
    assert off == {"R RMS": 0, "G RMS": 4, "B RMS": 0}


def test_colour_counts_as_far_as_it_covers() -> None:
    source = np.zeros((16, 16, 4), np.uint8)
    source[:, :8, 3] = 255
    changed = source.copy()
    changed[:, 8:, :3] = 200  # where nobody looks
    before, after = Image.fromarray(source), Image.fromarray(changed)
    assert errors(before, after, COVER)["RMS"] == 0
    assert errors(before, after, COLOUR)["RMS"] == pytest.approx(200 * 0.5**0.5)
    changed[:, :8, 3] = 251
    assert errors(before, Image.fromarray(changed), COVER)["alpha RMS"] == pytest.approx(4 * 0.5**0.5)


def test_likeness_falls_with_noise_and_is_1_for_the_same() -> None:
    image = noise(64, 64)[..., 0].astype(np.float32)
    grain = np.random.default_rng(1).normal(0, 1, image.shape).astype(np.float32)
    seen = [ssim(image, image + strength * grain) for strength in (0, 5, 20)]
    assert seen[0] == pytest.approx(1)
    assert seen[0] > seen[1] > seen[2] > 0


def test_black_and_white_scale_to_half_the_light_as_colour_and_to_half_the_number_as_data() -> None:
    stripes = np.zeros((256, 256, 3), np.uint8)
    stripes[:, ::2] = 255
    image = Image.fromarray(stripes)
    assert reference(image, (16, 16), COLOUR)[8, 8, 0] == pytest.approx(188, abs=1)
    assert reference(image, (16, 16), DATA)[8, 8, 0] == pytest.approx(127.5, abs=1)
