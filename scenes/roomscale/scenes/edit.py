"""Adds to a scene's JSON: extensions, entries of their lists, nodes, textures.

Rule: indices only grow, so all that names a node, a mesh or a texture still names the same one; the JSON is copied at
the first change, and a scene that nothing was added to comes back itself.
"""

from __future__ import annotations

from roomscale.scenes import jsonio
from roomscale.scenes.checks.structure import used_extensions
from roomscale.scenes.document import Scene
from roomscale.scenes.jsonio import JsonObject


class Edit:
    """A scene under change. Its structure is sound before, and stays so."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self._json: JsonObject | None = None
        self._known: dict[tuple[str, str], dict[bytes, int]] = {}
        self._dropped: set[str] = set()

    @property
    def json(self) -> JsonObject:
        """The JSON as it is now, to read; what is written into it goes through the methods."""
        return self.scene.json if self._json is None else self._json

    def holder(self, *path: str | int) -> JsonObject:
        """An object of the JSON, such as `("nodes", 3)`, that may be changed."""
        if self._json is None:
            self._json = jsonio.copy(self.scene.json)
        found = self._json
        for step in path:
            found = found[step]  # type: ignore[index]  # a path alternates between objects and lists
        return found

    def extend(self, path: tuple[str | int, ...], name: str, content: JsonObject) -> None:
        """Put an extension on the object at `path`, and declare it."""
        self.holder(*path).setdefault("extensions", {})[name] = content
        self.declare(name)

    def declare(self, name: str) -> None:
        """List an extension in `extensionsUsed`."""
        used = self.holder().setdefault("extensionsUsed", [])
        if name not in used:
            used.append(name)

    def drop(self, path: tuple[str | int, ...], name: str) -> None:
        """Take an extension off an object; it is undeclared by `finish` if it then stands nowhere."""
        holder = self.holder(*path)
        del holder["extensions"][name]
        if not holder["extensions"]:
            del holder["extensions"]
        self._dropped.add(name)

    def entry(self, extension: str, key: str, content: JsonObject) -> int:
        """The index of an entry in a list of an extension's root object; an equal one is not added twice."""
        root = self.holder().setdefault("extensions", {}).setdefault(extension, {})
        entries = root.setdefault(key, [])
        known = self._known.setdefault((extension, key), {})
        if not known:
            known.update((jsonio.dump(entry), index) for index, entry in reversed(list(enumerate(entries))))
        text = jsonio.dump(content)
        if text not in known:
            known[text] = len(entries)
            entries.append(content)
        self.declare(extension)
        return known[text]

    def child(self, parent: int, node: JsonObject) -> int:
        """Add a node below another one; returns its index."""
        nodes = self.holder()["nodes"]
        nodes.append(node)
        nodes[parent].setdefault("children", []).append(len(nodes) - 1)
        return len(nodes) - 1

    def texture(self, uri: str) -> int:
        """The index of a texture that shows the image at `uri`, added if there is none."""
        images = self.holder().setdefault("images", [])
        textures = self.holder().setdefault("textures", [])
        image = next((index for index, entry in enumerate(images) if entry.get("uri") == uri), None)
        if image is None:
            images.append({"uri": uri})
            image = len(images) - 1
        shown = {"source": image}
        if shown not in textures:
            textures.append(shown)
        return int(textures.index(shown))

    def finish(self) -> Scene:
        """The changed scene."""
        if self._json is None:
            return self.scene
        scene = self.scene.changed(self._json)
        if gone := self._dropped - used_extensions(scene).keys():
            declared = self._json["extensionsUsed"] = [
                name for name in self._json.get("extensionsUsed", ()) if name not in gone
            ]
            if not declared:
                del self._json["extensionsUsed"]
        return scene
