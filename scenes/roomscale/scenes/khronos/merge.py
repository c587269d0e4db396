"""Joins what Khronos's validator found to what our own checks found.

Rule: codes map one to one, and where both speak ours stands: it knows more extensions, and what a visitor meets.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from roomscale.scenes.checks.extensions import EXTENSIONS
from roomscale.scenes.checks.structure import REQUIRABLE
from roomscale.scenes.errors import printable
from roomscale.scenes.findings import Finding, Findings, Severity
from roomscale.scenes.khronos.runner import Answer

SEVERITIES = (Severity.ERROR, Severity.WARNING, Severity.INFO, Severity.INFO)
"""The validator's error, warning, information, hint."""
READ = REQUIRABLE | {name for _, name in EXTENSIONS} | {"MOZ_hubs_components", "OMI_collider", "VRM"}
"""Extensions that we read, though the validator may not."""
_BLIND_WITHOUT_EXTENSIONS = ("UNUSED_OBJECT",)
"""What it says of things that only an extension uses: wrong, so left out, where it does not know the extension."""
MESSAGE_CHARS = 300


def merge(ours: Sequence[Finding], answer: Answer) -> list[Finding]:
    """Our findings and those of the validator that tell something new, errors first; a failure of it is one INFO."""
    if answer.report is None:
        return [*ours, Finding("KHRONOS_VALIDATOR_UNAVAILABLE", Severity.INFO, "", f"not asked: {answer.reason}")]
    issues = answer.report.get("issues", {})
    theirs = Findings()
    for finding in _fresh(ours, _read(issues.get("messages", ()))):
        theirs.add(finding.code, finding.severity, finding.pointer, finding.message)
    if issues.get("truncated"):
        theirs.info("KHRONOS_VALIDATOR_TRUNCATED", "", "it found more than it lists")
    return sorted([*ours, *theirs.listed()], key=lambda finding: finding.severity)


def _read(messages: Iterable[object]) -> list[Finding]:
    findings = []
    for message in messages:
        if isinstance(message, dict):
            text, place = str(message.get("message", "")), str(message.get("pointer", ""))
            severity = SEVERITIES[min(max(int(message.get("severity", 2)), 0), 3)]
            findings.append(
                Finding(
                    str(message.get("code", "KHRONOS")),
                    severity,
                    "" if place == "/" else printable(place, MESSAGE_CHARS),
                    printable(text, MESSAGE_CHARS).rstrip("."),
                )
            )
    return findings


def _is_ours_to_judge(finding: Finding) -> bool:
    """Formats of images, which ours read by their first bytes: the validator knows neither KTX2 nor AVIF."""
    return finding.pointer.startswith("/images/") and (
        finding.code == "IMAGE_UNRECOGNIZED_FORMAT"
        or (finding.code == "VALUE_NOT_IN_LIST" and finding.pointer.endswith("/mimeType"))
    )


def _fresh(ours: Sequence[Finding], theirs: list[Finding]) -> list[Finding]:
    """What ours do not say already: neither the same code at the same place, nor more of a code that overflowed."""
    said = {(finding.code, finding.pointer) for finding in ours}
    places = {finding.pointer for finding in ours}
    unknown = any(finding.code == "UNSUPPORTED_EXTENSION" for finding in theirs)
    fresh = []
    for finding in theirs:
        if (finding.code, finding.pointer) in said or (finding.code, "") in said:
            continue
        if finding.code == "IO_ERROR" and finding.pointer in places:
            continue
        if _is_ours_to_judge(finding):
            continue
        if unknown and finding.code in _BLIND_WITHOUT_EXTENSIONS:
            continue
        if finding.code == "UNSUPPORTED_EXTENSION" and any(f"'{name}'" in finding.message for name in READ):
            continue
        fresh.append(finding)
    return fresh
