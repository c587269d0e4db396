"""Taking Basis Universal's encoder out of its package: what looks different is said, and nothing half done."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

WEB = Path(__file__).parents[2] / "web"


@pytest.fixture
def step(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(WEB))
    spec = importlib.util.spec_from_file_location("build_basis", WEB / "build_basis.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules.pop("build_client", None)
    spec.loader.exec_module(module)
    return module


def test_a_module_becomes_a_script(step: ModuleType) -> None:
    source = "async function BASIS(it={}){var at=import.meta.url}export default BASIS;"
    assert step.as_script(source) == 'async function BASIS(it={}){var at=""}'


@pytest.mark.parametrize("source", ["function other(){}", "async function BASIS(){}", ""])
def test_another_form_is_refused(step: ModuleType, source: str) -> None:
    with pytest.raises(Exception, match="this step"):
        step.as_script(source)
