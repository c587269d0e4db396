"""A scene being rebuilt: its JSON to edit, its binary data to replace, and one buffer in the end.

Rule: what nobody replaced comes out with the bytes it had. Entries keep their numbers until `finish`, which leaves out
only bufferViews that nothing names, and those only where numbers may change (`references.movable`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from roomscale.scenes import jsonio
from roomscale.scenes.accessors import COMPONENT_TYPES, SHAPES, Array
from roomscale.scenes.binding import ALIGNMENT, bind
from roomscale.scenes.compressed import MESHOPT_EXTENSIONS, is_placeholder
from roomscale.scenes.document import Scene
from roomscale.scenes.errors import BrokenData
from roomscale.scenes.findings import pointer
from roomscale.scenes.jsonio import JsonObject
from roomscale.scenes.reference_walk import LISTS
from roomscale.scenes.references import Survey, renumber

ARRAY_BUFFER, ELEMENT_ARRAY_BUFFER = 34962, 34963
"""Targets of bufferViews: vertex attributes, and indices (glTF 2.0 §5.11.5)."""
_SMALL = 1024
"""Bytes of elements whose bufferView serves all accessors that hold the same, vertices apart."""
_STORAGE = ("accessors", "bufferViews", "buffers")
_PLAIN_FIELDS = frozenset(
    {"buffer", "bufferView", "byteLength", "byteOffset", "byteStride", "componentType", "count"}
    | {"max", "min", "name", "normalized", "target", "type"}
)
"""What accessors and bufferViews say in numbers, lists of them and text."""
_COMPONENT_OF = {dtype: number for number, dtype in COMPONENT_TYPES.items()}
_TYPE_OF_WIDTH = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4", 9: "MAT3", 16: "MAT4"}


class Draft:
    """Builds a new scene from one whose structure is sound (`checks.structure.require_sound`).

    `json`: a copy of the scene's, free to be changed; bufferViews and buffers only through the methods here.
    `touching`: the root's lists that the caller is going to change; all if None. The other lists remain the scene's
    own until somebody asks for them (`own`), as the methods here do: they are not copied, and what they name need not
    be looked for again. Of accessors and bufferViews, lists of numbers (`min`) are replaced, never changed in place.
    """

    def __init__(self, scene: Scene, touching: Collection[str] | None = None) -> None:
        self.scene = scene
        self._own: set[str] = set()
        self.json: JsonObject = {
            key: value if key in LISTS else jsonio.copy(value) for key, value in scene.json.items()
        }
        self.own(LISTS if touching is None else touching)
        self._data: dict[int, memoryview] = {}
        self._small: dict[bytes, int] = {}

    def own(self, kinds: Collection[str], survey: Survey | None = None) -> None:
        """Make these of the root's lists the draft's own, free to be changed. `survey`: of the draft; kept right."""
        for kind in kinds:
            if kind not in self._own:
                self._own.add(kind)
                if kind in self.json:
                    self.json[kind] = _copied(self.json[kind]) if kind in _STORAGE else jsonio.copy(self.json[kind])
                    if survey is not None:
                        survey.parts[kind] = survey.parts[kind].of_copy(self.json[kind])

    def renumber(
        self, survey: Survey, kept: Mapping[str, Sequence[int]], instead: Mapping[str, Mapping[int, int]] | None = None
    ) -> None:
        """`references.renumber`, for which lists that name some become the draft's own. `survey`: of the draft."""
        naming = [kind for kind, part in survey.parts.items() if kind and any(part.counts(other) for other in kept)]
        self.own({*naming, *kept}, survey)
        renumber(self.json, kept, instead, survey)

    def survey(self) -> Survey:
        """What names what in the draft as it is now."""
        return _survey(self.json, self.scene)

    def add_view(self, data: bytes | memoryview, *, stride: int | None = None, target: int | None = None) -> int:
        """Append a bufferView of these bytes; `stride`: bytes from one element to the next. Returns its index."""
        view: JsonObject = {"buffer": 0, "byteLength": len(data)}
        if stride is not None:
            view["byteStride"] = stride
        if target is not None:
            view["target"] = target
        return self._append_view(view, data)

    def add_compressed_view(
        self,
        data: bytes | memoryview,
        *,
        count: int,
        stride: int,
        mode: str,
        filter_name: str = "NONE",
        target: int | None = None,
        extension: str = MESHOPT_EXTENSIONS[0],
    ) -> int:
        """Append a bufferView that meshopt compressed (EXT_meshopt_compression) and that decodes to `count` × `stride`
        bytes. Returns its index.

        `mode`: ATTRIBUTES, TRIANGLES or INDICES. `filter_name`: NONE, OCTAHEDRAL, QUATERNION or EXPONENTIAL.
        Declaring and requiring the extension is the caller's.
        """
        compressed: JsonObject = {"buffer": 0, "byteLength": len(data), "byteStride": stride, "count": count}
        compressed |= {"mode": mode} | ({} if filter_name == "NONE" else {"filter": filter_name})
        self.own(("buffers",))
        view: JsonObject = {"buffer": self._placeholder(extension), "byteLength": count * stride}
        if target is not None:
            view["target"] = target
            if target == ARRAY_BUFFER:
                view["byteStride"] = stride
        view["extensions"] = {extension: compressed}
        return self._append_view(view, data)

    def _append_view(self, view: JsonObject, data: bytes | memoryview) -> int:
        self.own(("bufferViews",))
        views: list[JsonObject] = self.json.setdefault("bufferViews", [])
        self._data[len(views)] = memoryview(data).cast("B")
        views.append(view)
        return len(views) - 1

    def _placeholder(self, extension: str) -> int:
        """The buffer without contents that stands for what compressed views decode to; made when it is not there."""
        buffers: list[JsonObject] = self.json.setdefault("buffers", [])
        if not buffers:
            buffers.append({"byteLength": ALIGNMENT})
        for index, buffer in enumerate(buffers):
            if index > 0 and extension in buffer.get("extensions", {}) and is_placeholder(buffer):
                return index
        buffers.append({"byteLength": ALIGNMENT, "extensions": {extension: {"fallback": True}}})
        return len(buffers) - 1

    def add_accessor(
        self, array: Array, *, normalized: bool = False, bounds: bool = False, target: int | None = None
    ) -> int:
        """Append an accessor with a bufferView of its own. `array`: (count, components), or (count,) for scalars.

        9 components are a MAT3, 16 a MAT4. `bounds`: write `min` and `max`. `target`: with `ARRAY_BUFFER` elements
        are padded to multiples of 4 bytes. Returns its index. Raises `ValueError` for types that glTF has not.
        """
        self.own(("accessors",))
        accessors: list[JsonObject] = self.json.setdefault("accessors", [])
        accessors.append({})
        self.replace_accessor(len(accessors) - 1, array, normalized=normalized, bounds=bounds, target=target)
        return len(accessors) - 1

    def replace_accessor(
        self,
        index: int,
        array: Array,
        *,
        normalized: bool = False,
        bounds: bool = False,
        target: int | None = None,
    ) -> None:
        """Give an accessor other elements, in a bufferView that holds nothing else; name, extras and extensions stay.

        As `add_accessor` otherwise.
        """
        data, stride = packed(array, for_vertices=target == ARRAY_BUFFER)
        if target is None and len(data) <= _SMALL:
            # Keyframes are often equal, and a bufferView weighs more than a few of them.
            if (contents := bytes(data)) not in self._small:
                self._small[contents] = self.add_view(contents)
            view = self._small[contents]
        else:
            view = self.add_view(data, stride=stride, target=target)
        self.point_accessor(index, array, view, normalized=normalized, bounds=bounds)

    def point_accessor(
        self,
        index: int,
        array: Array,
        view: int,
        *,
        offset: int = 0,
        normalized: bool = False,
        bounds: bool = False,
    ) -> None:
        """Let an accessor say that it holds `array`, `offset` bytes into a bufferView that the caller filled.

        Raises `BrokenData` where `bounds` are asked for of numbers that have none.
        """
        self.own(("accessors",))
        old = self.json["accessors"][index]
        fresh: JsonObject = {"bufferView": view}
        if offset:
            fresh["byteOffset"] = offset
        fresh["componentType"] = component_type(array)
        if normalized:
            fresh["normalized"] = True
        fresh |= {"count": len(array), "type": element_type(array, str(old.get("type", "")))}
        if bounds:
            elements = array.reshape(len(array), -1)
            least, most = elements.min(axis=0), elements.max(axis=0)
            if not (np.isfinite(least).all() and np.isfinite(most).all()):
                raise BrokenData("ACCESSOR_INVALID_FLOAT", pointer("accessors", index), "a number is not finite")
            fresh |= {"min": plain_numbers(least), "max": plain_numbers(most)}
        own = ("bufferView", "byteOffset", "componentType", "normalized", "count", "type", "min", "max", "sparse")
        fresh |= {key: value for key, value in old.items() if key not in own}
        self.json["accessors"][index] = fresh

    def replace_image(self, index: int, data: bytes | memoryview, mime_type: str) -> None:
        """Give an image other contents, inside the scene; its name, extras and extensions stay.

        Textures are the caller's: what is neither PNG nor JPEG must be named by an extension's `source`.
        """
        self.own(("images",))
        image = self.json["images"][index]
        image.pop("uri", None)
        image |= {"bufferView": self.add_view(data), "mimeType": mime_type}

    def finish(self, survey: Survey | None = None) -> Scene:
        """The scene, with all that is inside it in buffer 0, bufferViews in the order of their list, padded to 4 bytes.

        bufferViews that nothing names are left out, or emptied if they carry `extras`. Where numbers must stay
        (`references.movable`), those that something named before are emptied, and those that nothing known ever named
        are kept whole.
        The scene itself, if nothing was changed. `survey`: of the draft as it is now, if the caller has one.
        Raises `SceneError`s for bufferViews whose contents cannot be had.
        """
        if not self._data and jsonio.is_same(self.json, self.scene.json):
            return self.scene
        self.own(("bufferViews", "buffers"), survey)
        survey = self.survey() if survey is None else survey
        views = set(range(len(self.json.get("bufferViews", ()))))
        spent = views - survey.counts("bufferViews").keys()
        if survey.unknown:
            spent &= Survey(self.scene.json).counts("bufferViews").keys() | set(self._data)
        elif spent:
            told = {index for index in spent if "extras" in self.json["bufferViews"][index]}
            kept = sorted(views - spent | told)
            self._renumber_views(kept, survey)
            spent = {new for new, old in enumerate(kept) if old in told}
        result = bind(self.scene, self.json, self._data, spent, in_place=survey.names_bytes)
        self._share_equal()
        parts = (survey.parts, self.scene.surveyed)
        still = {kind: part for of in parts for kind, part in of.items() if part.entries is self.json.get(kind)}
        result.surveyed.update({kind: part for kind, part in still.items() if kind not in ("bufferViews", "buffers")})
        return result

    def _share_equal(self) -> None:
        """Let lists that came out as they were be the scene's own: what is known of those stays known."""
        for kind in LISTS:
            old = self.scene.json.get(kind)
            if old is not None and old is not self.json.get(kind) and jsonio.is_same(self.json.get(kind), old):
                self.json[kind] = old

    def _renumber_views(self, kept: list[int], survey: Survey) -> None:
        """Leave only these bufferViews."""
        self.renumber(survey, {"bufferViews": kept})
        self._data = {new: self._data[old] for new, old in enumerate(kept) if old in self._data}


def _copied(entries: list[JsonObject]) -> list[JsonObject]:
    """Copies of accessors or the like; where nothing but numbers and names is in one, lists of numbers are shared."""
    return [dict(entry) if _PLAIN_FIELDS.issuperset(entry) else jsonio.copy(entry) for entry in entries]


def survey_of(scene: Scene) -> Survey:
    """What names what in a scene, whose lists are walked over once. Not for renumbering: a scene is never changed."""
    return _survey(scene.json, scene)


def _survey(json: JsonObject, scene: Scene) -> Survey:
    survey = Survey(json, scene.surveyed)
    scene.surveyed.update(
        {kind: part for kind, part in survey.parts.items() if kind in LISTS and part.entries is scene.json.get(kind)}
    )
    return survey


def packed(array: Array, *, for_vertices: bool = False) -> tuple[memoryview, int | None]:
    """The bytes of an accessor's elements, and the `byteStride` they need, None for one after another.

    Columns of matrices begin at multiples of 4 bytes (glTF 2.0 §3.6.2.4), elements of vertex attributes too.
    """
    elements = np.ascontiguousarray(array.reshape(len(array), -1))
    elements = elements.astype(elements.dtype.newbyteorder("<"), copy=False)
    columns = {9: 3, 16: 4}.get(elements.shape[1], 1)
    if columns == 1 and (not for_vertices or elements.shape[1] * elements.itemsize % ALIGNMENT == 0):
        return elements.reshape(-1).view(np.uint8).data, None
    raw = elements.view(np.uint8).reshape(len(elements), columns, -1)
    gap = -raw.shape[2] % ALIGNMENT
    if gap and (for_vertices or columns > 1):
        raw = np.pad(raw, ((0, 0), (0, 0), (0, gap)))
    stride = raw.shape[1] * raw.shape[2] if gap and for_vertices else None
    return np.ascontiguousarray(raw).reshape(-1).data, stride


def component_type(array: Array) -> int:
    """The number that glTF has for the type of an array's components. Raises `ValueError` if it has none."""
    try:
        return _COMPONENT_OF[array.dtype.newbyteorder("<")]
    except KeyError:
        raise ValueError(f"glTF has no accessors of {array.dtype}") from None


def element_type(array: Array, old: str = "") -> str:
    """The `type` of an accessor that holds `array`; `old`: what it was, for MAT2 is as wide as VEC4."""
    width = array.shape[1] if array.ndim > 1 else 1
    if old in SHAPES and SHAPES[old][0] * SHAPES[old][1] == width:
        return old
    try:
        return _TYPE_OF_WIDTH[width]
    except KeyError:
        raise ValueError(f"glTF has no accessors of {width} components") from None


def plain_numbers(values: Array) -> list[float]:
    """Numbers of an array for JSON, as short as they can be without becoming others in their own type."""
    if values.dtype.kind != "f":
        return [int(value) for value in values]
    short = [float(str(value)) for value in values]
    return [int(value) if value.is_integer() and abs(value) < 1e15 else value for value in short]
