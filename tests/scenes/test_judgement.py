"""All checks together: what stops a scene, what is only advice, and what Khronos's validator is never given."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from roomscale.scenes import SceneError, Severity, check, parse_scene
from roomscale.scenes.advice import ANY, advice_on
from roomscale.scenes.budget_table import budgets_from
from roomscale.scenes.budgets import PROFILES, Budget
from roomscale.scenes.checks.colliders import check_colliders
from roomscale.scenes.findings import Finding, Findings
from roomscale.scenes.judgement import judge
from roomscale.scenes.khronos import Answer, Validator
from tests.scenes.crafted import BINARY, Json, changed, glb, gltf, triangle, with_extension
from tests.scenes.hostile import CASES, Case

ROOT = Path(__file__).parents[2]


class Asked(Validator):
    """Remembers whether it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def ask(self, scene: object) -> Answer:
        self.count += 1
        return Answer({"issues": {"messages": []}})


def test_the_validator_is_never_given_what_ours_refuse() -> None:
    asked = Asked()
    judge(parse_scene(glb(changed("nodes", 0, "mesh", to=9))), asked)
    assert asked.count == 0
    judge(parse_scene(glb()), asked)
    assert asked.count == 1


def is_readable(case: Case) -> bool:
    try:
        return bool(parse_scene(case.make()).json)
    except SceneError:
        return False


@pytest.mark.parametrize("case", [case for case in CASES if is_readable(case)], ids=lambda case: case.name)
def test_advice_never_stops_a_scene_and_never_raises(case: Case) -> None:
    scene = parse_scene(case.make())
    errors = [finding for finding in check(scene) if finding.severity is Severity.ERROR]
    assert [finding for finding in judge(scene) if finding.severity is Severity.ERROR] == errors


def with_collider(kind: str, motion: str = "static", nodes: int = 1) -> Json:
    tree = with_extension("OMI_physics_body", node={"motion": {"type": motion}, "collider": {"shape": 0}})
    tree["extensionsUsed"].append("OMI_physics_shape")
    tree["extensions"] = {"OMI_physics_shape": {"shapes": [{"type": kind, kind: {"mesh": 0}}]}}
    tree["nodes"] = tree["nodes"] * nodes
    tree["scenes"][0]["nodes"] = list(range(nodes))
    return tree


def codes(tree: Json) -> list[str]:
    return [finding.code for finding in judge(parse_scene(gltf(tree)))]


def test_a_collider_that_is_too_fine_is_told_once_for_its_shape() -> None:
    tree = with_collider("convex", nodes=3)
    tree["accessors"][1]["count"] = 3 * 600
    tree["bufferViews"][1] = {"buffer": 0, "byteOffset": 36, "byteLength": 3600}
    tree["buffers"][0]["byteLength"] = 3636
    told = [finding.code for finding in judge(parse_scene(gltf(tree, BINARY + bytes(3600))))]
    assert told.count("COLLIDER_TOO_FINE") == 1
    assert "COLLIDER_TOO_FINE" not in codes(with_collider("convex"))


def test_many_fine_colliders_are_too_costly_together() -> None:
    findings = Findings()
    tree = with_collider("trimesh", nodes=5)
    tree["accessors"][1]["count"] = 3 * 45_000
    check_colliders(parse_scene(gltf(tree)), findings)
    assert [finding.code for finding in findings.listed()] == ["COLLIDERS_TOO_COSTLY"]


def test_a_trimesh_that_shall_move_is_told() -> None:
    assert "COLLIDER_CANNOT_MOVE" in codes(with_collider("trimesh", "dynamic"))
    assert "COLLIDER_CANNOT_MOVE" not in codes(with_collider("convex", "dynamic"))
    assert "COLLIDER_CANNOT_MOVE" not in codes(with_collider("trimesh"))


def test_a_world_in_centimetres_is_suspicious_and_a_landscape_is_not() -> None:
    tree = triangle()
    tree["nodes"] = [{"mesh": 0, "scale": [80] * 3, "translation": [300 * place, 0, 0]} for place in range(6)]
    tree["scenes"][0]["nodes"] = list(range(6))
    assert "WORLD_SCALE_SUSPICIOUS" in codes(tree)
    for node in tree["nodes"]:
        node["scale"] = [8] * 3
    assert "WORLD_SCALE_SUSPICIOUS" not in codes(tree)


def test_budgets_of_world_toml_change_what_they_name() -> None:
    table = {"mobile": {"entry": "2.5 MB", "triangles": 50_000, "texture_size": 512}, "kiosk": {"all": 1000}}
    budgets, findings = budgets_from(table)
    assert findings == []
    assert (budgets["mobile"].entry_bytes, budgets["mobile"].triangles) == (2_500_000, 50_000)
    assert budgets["mobile"].largest_edge == 512
    assert budgets["mobile"].draws == PROFILES["mobile"].draws
    assert budgets["kiosk"] == Budget(file_bytes=1000)
    assert budgets["vr"] == PROFILES["vr"]


@pytest.mark.parametrize(
    ("table", "hint"),
    [
        ({"mobile": {"trianglse": 1}}, "triangles"),
        ({"mobile": {"entry": "3 parsecs"}}, "3 MB"),
        ({"mobile": {"entry": -1}}, "3 MB"),
        ({"mobile": {"triangles": "many"}}, "100"),
        ({"mobile": {"triangles": True}}, "100"),
        ({"mobile": 3}, "[budgets.mobile]"),
        ({"mo\x1b": {"\x1b": 1}}, "known are"),
    ],
)
def test_a_budget_that_means_nothing_is_an_error_with_what_was_meant(table: Json, hint: str) -> None:
    _, findings = budgets_from(table)
    assert [finding.severity for finding in findings] == [Severity.ERROR]
    assert hint in findings[0].hint
    assert findings[0].message.isprintable()


def test_every_code_of_ours_has_advice() -> None:
    sources = (ROOT / "scenes" / "roomscale" / "scenes").rglob("*.py")
    text = "".join(path.read_text(encoding="utf-8") for path in sources)
    found = set(re.findall(r'(?:error|warn|info|Finding|Broken\w+|Unread\w+)\(\s*"([A-Z0-9]+(?:_[A-Z0-9]+)+)"', text))
    assert len(found) > 100
    assert [
        code for code in found if advice_on(Finding(code, Severity.ERROR, "", "")) is ANY or not meaning(code)
    ] == []


def test_every_code_of_khronos_has_advice() -> None:
    issues = ROOT / "web" / "node_modules" / "gltf-validator" / "ISSUES.md"
    if not issues.exists():
        pytest.skip("web/node_modules is not installed")
    found = re.findall(r"^\|([A-Z0-9_]{5,})\|", issues.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(found) > 100
    assert [code for code in found if meaning(code) == ANY.meaning] == []


def meaning(code: str) -> str:
    return advice_on(Finding(code, Severity.ERROR, "", "")).meaning


def test_a_findings_own_hint_stands_before_general_advice() -> None:
    assert advice_on(Finding("IO_ERROR", Severity.ERROR, "", "", hint="do this")).mend == "do this"
