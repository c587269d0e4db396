"""The errors of the scenes room.

`SceneError` is the root. Rule: its text is one sentence for a user, with control and bidi characters of foreign
names escaped; whatever bytes a file holds, nothing but a `SceneError` leaves this room.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from roomscale.scenes.findings import Finding


class SceneError(Exception):
    """Root of all errors of this room."""


class UnreadableScene(SceneError):
    """The file cannot be read as glTF at all: not there, not glTF, broken container or JSON;
    or the `world.toml` beside it is no TOML.

    `code`: what is wrong, in the codes of findings.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class UnwritableScene(SceneError):
    """A file could not be written: no room, no permission, no such folder."""


class UnsafeUri(SceneError):
    """A URI that is never followed: a scheme, an absolute path, a way out of the scene's folder."""


class MalformedUri(UnsafeUri):
    """A URI that means nothing: a data: URI with a broken header or broken base64."""


class BrokenData(SceneError):
    """Binary data that a scene refers to do not fit what its JSON says of them.

    `code`, `pointer`: as of a finding.
    """

    def __init__(self, code: str, pointer: str, message: str) -> None:
        super().__init__(f"{pointer}: {message}")
        self.code = code
        self.pointer = pointer
        self.message = message


class RejectedScene(SceneError):
    """The scene can be read, but visitors must not get it. `findings`: all that was found, errors first."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        errors = [finding for finding in findings if finding.severity == 0]
        first = errors[0] if errors else findings[0]
        hint = f"; {first.hint}" if first.hint else ""
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        super().__init__(f"{first}{hint}{more}")
        self.findings = list(findings)


def printable(text: str, limit: int = 80) -> str:
    """Foreign text, safe to show: cut to `limit` characters, all but printable ones escaped."""
    cut = text if len(text) <= limit else text[: limit - 1] + "…"
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape", "backslashreplace").decode("ascii")
        for char in cut
    )
