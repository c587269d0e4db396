"""KTX2 and AVIF in a real browser: shown, KTX2 as blocks, in parts and in one file, under the page's own policy."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from roomscale.scenes import parse_scene
from roomscale.scenes.package import PackOptions, pack_single
from roomscale.scenes.package.levels import chosen
from tests.browser.packed import packed_world, world
from tests.support.browser import Visitor
from tests.support.house import House

pytestmark = [pytest.mark.browser, pytest.mark.homeserver, pytest.mark.proof]
EDGES = (512, 320)
BLOCKS = """
window.__blocks = [];
for (const name of ["compressedTexSubImage2D", "compressedTexImage2D"]) {
  const upload = WebGL2RenderingContext.prototype[name];
  WebGL2RenderingContext.prototype[name] = function (...given) {
    if (given[1] === 0) window.__blocks.push(name === "compressedTexSubImage2D" ? given[4] : given[3]);
    return upload.apply(this, given);
  };
}
"""
"""Notes the width of each compressed picture that goes to the GPU."""


def visitor(browser: Browser) -> Visitor:
    ada = Visitor.of(browser, (960, 540), sharpness=1)
    ada.context.add_init_script(BLOCKS)
    return ada


def complaints(ada: Visitor) -> list[str]:
    """What the console says of pictures, policies and errors."""
    words = ("pageerror", "ktx", "texture", "content security")
    return [line for line in ada.console if any(word in line.lower() for word in words)]


@pytest.mark.parametrize("textures", ["ktx2", "avif"])
def test_parts_of_this_format_sharpen_the_world(
    browser: Browser, tmp_path: Path, artefacts: Path, textures: str
) -> None:
    manifest = packed_world(tmp_path / "garden", edges=EDGES, textures=textures)
    assert [part.type for part in manifest.parts if part.kind == "images"] == [f"image/{textures}"] * 2
    with House(tmp_path / "data", str(tmp_path / "garden")) as house:
        ada = visitor(browser)
        ada.page.goto(house.link)
        coarse = ada.enter("Ada")
        sharp = ada.wait_for(f"r.parts.loaded === {len(chosen(manifest, 2))} && r.sharpest === {EDGES[0]}", seconds=40)
        assert sharp["parts"]["failed"] == 0
        ada.wait_for(f"String(window.__blocks.sort()) === '{'320,512' if textures == 'ktx2' else ''}'", seconds=10)
        ada.wait_for(f"r.textures === {coarse['textures']}", seconds=5)  # what was replaced is freed
        ada.walk("KeyW", 0.5)
        ada.page.screenshot(path=artefacts / f"parts-{textures}.png")
        assert complaints(ada) == []
        ada.close()


def test_one_file_of_ktx2_is_shown(browser: Browser, tmp_path: Path, artefacts: Path) -> None:
    data, _ = pack_single(parse_scene(world(1, EDGES)), PackOptions(preset="fast", textures="ktx2", workers=1))
    (tmp_path / "garden.glb").write_bytes(data)
    with House(tmp_path / "data", str(tmp_path / "garden.glb")) as house:
        ada = visitor(browser)
        ada.page.goto(house.link)
        inside = ada.enter("Ada")
        assert inside["sharpest"] == EDGES[0]
        ada.wait_for("String(window.__blocks.sort()) === '320,512'", seconds=10)
        ada.walk("KeyW", 0.5)
        ada.page.screenshot(path=artefacts / "single-ktx2.png")
        assert complaints(ada) == []
        ada.close()
