"""Every way of installing gives a house that opens: `pip install .`, `-e .`, a wheel, an sdist with no npm in reach.

The dependencies themselves come from the environment that runs the tests (a path line in the fresh one), so that what
is proven here is our own packaging; that the list of dependencies is complete is proven by `make demo` in a fresh
clone and, under `make proof`, by an install that downloads all of them.
"""

from __future__ import annotations

import os
import shutil
import site
import subprocess
import sys
import tarfile
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.house import House

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.install, pytest.mark.homeserver, pytest.mark.timeout(300)]


@dataclass(frozen=True)
class Environment:
    """A fresh virtual environment."""

    root: Path

    @property
    def python(self) -> Path:
        return self.root / "bin" / "python"

    def pip_install(self, *arguments: str, env: dict[str, str] | None = None) -> None:
        pip = [sys.executable, "-m", "pip", "--python", str(self.python)]  # to unpack one there takes 4 s
        run([*pip, "install", "--quiet", "--disable-pip-version-check", *arguments], env=env)

    def opens_a_house(self, data: Path) -> None:
        """`roomscale up` of this environment serves the client and both sample worlds; what npm brings is there."""
        found = (
            "import roomscale.scenes.khronos.runner as one, roomscale.scenes.basis.encoders as two;"
            "raise SystemExit(not (one.SCRIPT.exists() and two.SCRIPT.exists() and two.MODULE.exists()))"
        )
        run([str(self.python), "-c", found], cwd=data.parent)
        with House(data, python=str(self.python)) as house:
            worlds = {world["alias"].split(":")[0] for world in house.get("/api/worlds")["worlds"]}
            assert worlds == {"#plaza", "#gallery"}
            page = house.page("/w/plaza")
            assert '<script type="module"' in page
            assert "/assets/" in page


def run(command: list[str], *, env: dict[str, str] | None = None, cwd: Path = ROOT) -> None:
    result = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert result.returncode == 0, f"{' '.join(command)}\n{result.stdout}\n{result.stderr}"


@pytest.fixture
def fresh(tmp_path: Path) -> Environment:
    """An environment with our dependencies and nothing of ours."""
    environment = Environment(tmp_path / "venv")
    venv.create(environment.root, symlinks=True)
    packages = next(environment.root.glob("lib/python*/site-packages"))
    # A plain path line: .pth files in *that* folder (our own editable install) are not followed from here.
    (packages / "dependencies.pth").write_text("\n".join(site.getsitepackages()) + "\n")
    return environment


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sources as git would hand them out: what it tracks, with the changes that are not committed yet."""
    target = tmp_path_factory.mktemp("clone") / "roomscale"
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout
    for name in filter(None, names.decode().split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    return target


@pytest.fixture(scope="module")
def archives(clone: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist and the wheel, built the way a release is."""
    out = tmp_path_factory.mktemp("archives")
    source = out / "source"
    shutil.copytree(clone, source)
    code = (
        "import sys; from hatchling.build import build_sdist, build_wheel; "
        "build_sdist(sys.argv[1]); build_wheel(sys.argv[1])"
    )
    run([sys.executable, "-c", code, str(out)], cwd=source)
    return out


def no_npm() -> dict[str, str]:
    """An environment in which npm would reach nothing, and node is not on PATH."""
    bare = os.pathsep.join(
        folder for folder in os.environ["PATH"].split(os.pathsep) if not (Path(folder) / "node").exists()
    )
    return {**os.environ, "PATH": bare, "npm_config_registry": "http://127.0.0.1:9/"}


def test_pip_install_from_a_clone(fresh: Environment, clone: Path, tmp_path: Path) -> None:
    fresh.pip_install("--no-deps", str(clone))
    fresh.opens_a_house(tmp_path / "data")


@pytest.mark.proof  # what `make` itself installs, and all other tests run with
def test_editable_install_from_a_clone(fresh: Environment, clone: Path, tmp_path: Path) -> None:
    fresh.pip_install("--no-deps", "-e", str(clone))
    fresh.opens_a_house(tmp_path / "data")


def test_wheel_in_a_clean_environment(fresh: Environment, archives: Path, tmp_path: Path) -> None:
    fresh.pip_install("--no-deps", str(next(archives.glob("*.whl"))))
    fresh.opens_a_house(tmp_path / "data")


def test_sdist_installs_with_no_npm_in_reach(fresh: Environment, archives: Path, tmp_path: Path) -> None:
    fresh.pip_install("--no-deps", str(next(archives.glob("*.tar.gz"))), env=no_npm())
    fresh.opens_a_house(tmp_path / "data")


def test_the_sdist_holds_no_packages_of_npm(archives: Path) -> None:
    with tarfile.open(next(archives.glob("*.tar.gz"))) as archive:
        names = archive.getnames()
    assert any("/web/dist/index.html" in name for name in names)
    assert not any("node_modules" in name for name in names)


@pytest.mark.proof
@pytest.mark.timeout(1200)
def test_install_with_every_dependency_downloaded(archives: Path, tmp_path: Path) -> None:
    environment = Environment(tmp_path / "venv")
    venv.create(environment.root, symlinks=True)
    environment.pip_install(f"{next(archives.glob('*.whl'))}[homeserver]")
    environment.opens_a_house(tmp_path / "data")


def test_no_room_hides_the_others() -> None:
    hidden = [path for path in ROOT.glob("*/roomscale/__init__.py") if path.exists()]
    assert hidden == [], "an __init__.py in a namespace package hides the other rooms"
