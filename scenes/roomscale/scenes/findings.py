"""What a check has to say about a scene: a code, how bad it is, where, what it means, what to do.

Rule: checks return findings and never raise for what a scene holds. Codes are those of Khronos's glTF-Validator
where it has one for the same thing, else of ours in the same style.
"""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from roomscale.scenes.errors import printable


class Severity(enum.IntEnum):
    """How bad a finding is; only errors make a scene refused."""

    ERROR = 0
    """Visitors would see something broken, or be harmed: the scene is refused until it is mended."""
    WARNING = 1
    """It works, though perhaps not as the creator meant."""
    INFO = 2
    """Worth knowing; also what `mend` changed."""


class Finding(NamedTuple):
    """One thing found. `pointer`: JSON pointer (RFC 6901) into the glTF, "" for the file as a whole.

    `message`: what is wrong, one sentence. `hint`: what to do about it, "" if that is plain.
    `mendable`: `mend` puts it right without a choice.
    """

    code: str
    severity: Severity
    pointer: str
    message: str
    hint: str = ""
    mendable: bool = False

    def __str__(self) -> str:
        where = f" at {printable(self.pointer, 200)}" if self.pointer else ""
        return f"{self.severity.name.lower()} {self.code}{where}: {self.message}"


MOST_PER_CODE = 50
"""Findings kept of one code: a scene with 5,000 bad lights is told in 50 lines and one more that counts."""


MESSAGE_CHARS = 500
"""Characters of a message that had to be escaped."""


class Findings:
    """Collects the findings of one check, at most `MOST_PER_CODE` of each code, worst first when listed."""

    def __init__(self) -> None:
        self._kept: list[Finding] = []
        self._counts: Counter[tuple[str, Severity]] = Counter()

    def add(
        self,
        code: str,
        severity: Severity,
        pointer: str,
        message: str,
        *,
        hint: str = "",
        mendable: bool = False,
    ) -> None:
        """Add one finding; what a message quotes of the scene and cannot be shown is escaped."""
        self._counts[code, severity] += 1
        if self._counts[code, severity] <= MOST_PER_CODE:
            shown = message if message.isprintable() else printable(message, MESSAGE_CHARS)
            self._kept.append(Finding(code, severity, pointer, shown, hint, mendable))

    def error(self, code: str, pointer: str, message: str, *, hint: str = "", mendable: bool = False) -> None:
        """Add an error."""
        self.add(code, Severity.ERROR, pointer, message, hint=hint, mendable=mendable)

    def warn(self, code: str, pointer: str, message: str, *, hint: str = "") -> None:
        """Add a warning."""
        self.add(code, Severity.WARNING, pointer, message, hint=hint)

    def info(self, code: str, pointer: str, message: str, *, hint: str = "") -> None:
        """Add an information."""
        self.add(code, Severity.INFO, pointer, message, hint=hint)

    def include(self, others: Findings) -> None:
        """Add all that another check found."""
        for finding in others._kept:
            if self._counts[finding.code, finding.severity] < MOST_PER_CODE:
                self._kept.append(finding)
            self._counts[finding.code, finding.severity] += 1
        for key, count in others._counts.items():
            self._counts[key] += max(0, count - MOST_PER_CODE)

    @property
    def has_errors(self) -> bool:
        """Whether any error was found so far."""
        return any(severity is Severity.ERROR for _, severity in self._counts)

    def listed(self) -> list[Finding]:
        """All findings, errors first, each code's overflow told in one line of its own."""
        overflow = [
            Finding(code, severity, "", f"and {count - MOST_PER_CODE:,} more of this kind")
            for (code, severity), count in self._counts.items()
            if count > MOST_PER_CODE
        ]
        return sorted(self._kept + overflow, key=lambda finding: finding.severity)


def errors_of(findings: Iterable[Finding]) -> list[Finding]:
    """Only the findings for which a scene is refused."""
    return [finding for finding in findings if finding.severity is Severity.ERROR]


def pointer(*steps: str | int) -> str:
    """A JSON pointer from its steps, escaped as RFC 6901 says."""
    path = "".join([f"/{step}" for step in steps])
    if "~" not in path and path.count("/") == len(steps):
        return path
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)
