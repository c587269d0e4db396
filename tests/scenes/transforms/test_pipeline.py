"""All transforms in a row: a report that adds up, the same bytes whatever the workers and the hash seed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from roomscale.scenes import RejectedScene, Scene, SceneError, check, errors_of, parse_scene, to_glb
from roomscale.scenes.transforms.pipeline import PRESETS, STEPS, optimise, size_of
from tests.scenes.crafted import animated, changed, glb, gltf, triangle
from tests.scenes.painted import noise, painted, saved, worn


def scene() -> Scene:
    return painted(saved(noise(128, 128)), materials=[worn("baseColorTexture")])


def test_the_report_follows_the_bytes_from_step_to_step() -> None:
    before = scene()
    after, report = optimise(before)
    assert [step.name for step in report.steps] == [name for name, _ in STEPS]
    assert report.steps[0].before == size_of(before)
    assert report.steps[-1].after == size_of(after)
    for one, next_one in zip(report.steps, report.steps[1:], strict=False):
        assert one.after == next_one.before
    assert errors_of(check(parse_scene(to_glb(after)))) == []


def test_whoever_waits_is_told_of_every_step() -> None:
    told: list[tuple[str, float, int]] = []
    optimise(scene(), progress=lambda name, done, of: told.append((name, done, of)))
    begun = [(name, number, len(STEPS)) for number, (name, _) in enumerate(STEPS)]
    assert [one for one in told if one[1] == int(one[1]) and one in begun] == begun
    assert told == sorted(told, key=lambda one: one[1])
    assert ("images", begun[[name for name, _ in STEPS].index("images")][1] + 1, len(STEPS)) in told, (
        "of each image too"
    )


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_passes_through_what_it_packed(name: str) -> None:
    packed = to_glb(optimise(scene(), PRESETS[name])[0])
    assert to_glb(optimise(parse_scene(packed), PRESETS[name])[0]) == packed


def test_a_broken_scene_is_refused() -> None:
    with pytest.raises(RejectedScene):
        optimise(parse_scene(gltf(changed("nodes", 0, "mesh", to=7))))
    broken = triangle()
    broken["accessors"][0]["count"] = 1000
    with pytest.raises(SceneError):
        optimise(parse_scene(glb(broken)))


SCRIPT = """
import sys, hashlib
from pathlib import Path
from roomscale.scenes import open_scene, to_glb
from roomscale.scenes.transforms.pipeline import optimise
scene = open_scene(sys.argv[1])
print(hashlib.sha256(to_glb(optimise(scene, workers=int(sys.argv[2]))[0])).hexdigest())
"""


def test_the_bytes_do_not_hang_on_workers_or_hash_seed(tmp_path: Path) -> None:
    (tmp_path / "scene.glb").write_bytes(to_glb(scene()))
    (tmp_path / "moved.glb").write_bytes(animated([0.0, 0.5, 1.0], 3))
    for name in ("scene.glb", "moved.glb"):
        made = {
            subprocess.run(
                [sys.executable, "-c", SCRIPT, str(tmp_path / name), workers],
                env={**os.environ, "PYTHONHASHSEED": seed},
                check=True,
                capture_output=True,
                text=True,
            ).stdout
            for workers, seed in (("1", "0"), ("2", "1"))
        }
        assert len(made) == 1
