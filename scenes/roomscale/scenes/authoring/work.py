"""What the authoring of one scene works on: the edit, and the list of what was made, by kind.

Rule: what the file already says as an extension wins, so each subject asks `is_free` before it puts one on a node.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from roomscale.scenes.authoring.said import Said
from roomscale.scenes.edit import Edit
from roomscale.scenes.errors import SceneError, printable
from roomscale.scenes.findings import Findings, pointer

OLD_FORMS = {
    "OMI_spawn_point": "MX_spawn_point",
    "OMI_link": "MX_portal",
    "OMI_physics_body": "OMI_collider",
    "OMI_environment_sky": "MX_background",
    "KHR_audio_emitter": "KHR_audio",
}
PICTURES = (".jpg", ".jpeg", ".png")
_PATHS = "the path is relative to the scene's folder, and cannot lead out of it"
SHOWN_NAMES = 3
"""Names in a note; the rest is counted."""


@dataclass
class Work:
    """One run of `author`. `made`: kind → the nodes that became it, by index, None for the scene."""

    edit: Edit
    findings: Findings
    made: dict[str, list[int | None]] = field(default_factory=dict)

    def is_free(self, path: tuple[str | int, ...], name: str) -> bool:
        """Whether the object at `path` does not carry the extension `name` yet, nor an old form of it."""
        holder = self.edit.json
        for step in path:
            holder = holder[step]  # type: ignore[index]  # a path alternates between objects and lists
        carried = holder.get("extensions", {})
        return not any(form in carried for form in (name, OLD_FORMS.get(name)))

    def note(self, kind: str, said: Said) -> None:
        """Remember that something was made of a node or the scene. `kind`: in the plural, for people."""
        self.made.setdefault(kind, []).append(said.index if said.kind == "nodes" else None)

    def has_file(self, said: Said, word: str, uri: str) -> bool:
        """Whether a file beside the scene can be read; a finding if not."""
        try:
            self.edit.scene.resource(uri, word)
        except SceneError as error:
            said.refuse(word, "file", f"{word}: {error}", hint=_PATHS)
            return False
        return True

    def has_picture(self, said: Said, word: str, uri: str) -> bool:
        """As `has_file`, for one that every browser shows."""
        if not uri.lower().endswith(PICTURES):
            said.refuse(word, "file", f"{word}: {printable(uri)} is no .jpg or .png", hint=_PATHS)
            return False
        return self.has_file(said, word, uri)

    def tell(self) -> None:
        """One finding for each kind of thing that was made."""
        nodes = self.edit.json.get("nodes", [])
        for kind, indices in self.made.items():
            names = [
                f'"{printable(nodes[index].get("name", f"node {index}"))}"' for index in indices if index is not None
            ]
            more = f" and {len(names) - SHOWN_NAMES:,} more" if len(names) > SHOWN_NAMES else ""
            text = f"{kind}: {', '.join(names[:SHOWN_NAMES])}{more}" if names else kind
            first = indices[0]
            self.findings.info("AUTHORED", "" if first is None else pointer("nodes", first), text)
