"""Drops the keyframes that interpolation gives back: exporters write one for each frame, most animations need few.

Rule: what is seen stays within `TOLERANCE` at every moment, and a clip lasts as long as it did. LINEAR and STEP are
resampled; CUBICSPLINE, whose tangents say how the creator wants it, is left alone, and so is what is compressed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roomscale.scenes.accessors import Array, layout_of, read, read_floats
from roomscale.scenes.batches import Starts, all_well, are_finite, are_increasing
from roomscale.scenes.compressed import is_compressed
from roomscale.scenes.document import Scene
from roomscale.scenes.draft import Draft
from roomscale.scenes.jsonio import JsonObject
from roomscale.scenes.placement import world_matrices
from roomscale.scenes.transforms.dedupe import join_samplers
from roomscale.scenes.transforms.keyframes import Flags, is_constant, needed_keys, needed_steps
from roomscale.scenes.transforms.pointed import UNKNOWN, moved

TOLERANCE = 1e-4
"""Metres of translation in the world, radians of rotation, weights of morph targets, colours and factors of materials;
scale factors have a tenth. What a pointer leads to and nobody here knows is repeated values alone."""
PASSES = 4
"""Keys that are dropped may let more be dropped, up to this often; each time may use its share of the tolerance."""
_KEY_BYTES, _JSON_BYTES = 4, 160
"""A key's time, and the JSON of an accessor for times of a sampler's own, with its bounds."""
_COMPRESSES_TO = 0.5
"""Of a key's bytes: what meshopt leaves of them. Times of its own must pay for themselves after that."""
_LEAST_SCALE, _MOST_SCALE = 1e-6, 1e6
Made = dict[tuple[frozenset[str], str, int, bool, bytes], int]
"""What accessors that were added are for and hold → which they are."""
Keys = NDArray[np.intp] | slice


@dataclass(slots=True)
class _Track:
    """A sampler, the `number`-th of a clip, with its data. `uses`: what its values are for.

    `tolerance`: in the units of its values.
    """

    clip: int
    number: int
    uses: frozenset[str]
    kind: str
    times: Array
    values: Array
    raw: Array
    tolerance: float
    keep: Flags | None = None


def resample(scene: Scene) -> Scene:
    """The scene with only those keyframes that its animations need. Raises `BrokenData` where data are not there."""
    if not scene.list_of("animations"):
        return scene
    draft = Draft(scene, touching=())
    tracks = list(_tracks(scene))
    groups: dict[tuple[str, int], list[_Track]] = {}
    for track in tracks:
        groups.setdefault((track.kind, track.values.shape[1]), []).append(track)
    for (kind, _), group in groups.items():
        for batch in _batches(group):
            _judge(kind, batch)
    _keep_lengths(tracks)
    survey = draft.survey()
    named = Counter(survey.counts("accessors"))
    made: Made = {}
    for track in tracks:
        if track.keep is not None and not track.keep.all():
            _write(draft, track, named, made, may_add="accessors" in survey.movable)
    if made and not survey.unknown:
        join_samplers(draft.json)
    return draft.finish()


def _tracks(scene: Scene) -> Iterator[_Track]:
    """The samplers that can be resampled: plain, with increasing times and finite values."""
    scales = _scales(scene)
    arrays = _Arrays(scene)
    for clip, animation in enumerate(scene.list_of("animations")):
        targets: dict[int, list[JsonObject]] = {}
        for channel in animation["channels"]:
            targets.setdefault(channel["sampler"], []).append(channel["target"])
        for number, sampler in enumerate(animation["samplers"]):
            paths = {moved(target)[0] for target in targets.get(number, ())}
            interpolation = sampler.get("interpolation", "LINEAR")
            if len(paths) != 1 or interpolation == "CUBICSPLINE":
                continue
            if sampler["input"] not in arrays.times or sampler["output"] not in arrays.values:
                continue
            times, (values, raw) = arrays.times[sampler["input"]], arrays.values[sampler["output"]]
            uses = frozenset({*paths, *(str(target["path"]) for target in targets[number])})
            path = paths.pop()
            if len(times) < 2 or len(values) % len(times) or (path == "rotation" and values.shape[1] != 4):
                continue
            kind = "STEP" if interpolation == "STEP" else "rotation" if path == "rotation" else "LINEAR"
            tolerance = {"scale": TOLERANCE / 10.0, UNKNOWN: 0.0}.get(path, TOLERANCE)
            if path == "translation":
                tolerance /= max(1.0, *(scales.get(moved(target)[1], 1.0) for target in targets[number]))
            wide = values.reshape(len(times), -1)
            yield _Track(clip, number, uses, kind, times, wide, raw.reshape(len(times), -1), tolerance / PASSES)


class _Arrays:
    """The data of all samplers' accessors, each read once. Those that must stay as they are are not in it.

    `times`: seconds, which increase. `values`: what they mean, as floats, and as they are stored.
    """

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        samplers = [sampler for animation in scene.list_of("animations") for sampler in animation["samplers"]]
        inputs = self._read({sampler["input"] for sampler in samplers})
        self.times = {index: array[:, 0] for index, array in _those_well(inputs, are_increasing).items()}
        outputs = self._read({sampler["output"] for sampler in samplers})
        finite = _those_well(outputs, are_finite)
        self.values = {index: (self._meaning(index, array), array) for index, array in finite.items()}

    def _read(self, accessors: set[int]) -> dict[int, Array]:
        return {index: read(self._scene, index) for index in sorted(accessors) if self._is_plain(index)}

    def _meaning(self, index: int, array: Array) -> Array:
        return array if array.dtype.kind == "f" else read_floats(self._scene, index)

    def _is_plain(self, index: int) -> bool:
        accessor = self._scene.list_of("accessors")[index]
        if "bufferView" not in accessor or "sparse" in accessor or "extensions" in accessor:
            return False
        return not is_compressed(self._scene.list_of("bufferViews")[accessor["bufferView"]])


def _those_well(arrays: dict[int, Array], is_well: Callable[[Array, Starts], bool]) -> dict[int, Array]:
    """The arrays of which `batches.all_well` is true, asked of all together first."""
    widths: dict[int, list[Array]] = {}
    for array in arrays.values():
        widths.setdefault(array.shape[1], []).append(array)
    if all(all_well(alike, is_well) for alike in widths.values()):
        return arrays
    return {index: array for index, array in arrays.items() if all_well([array], is_well)}


def _scales(scene: Scene) -> dict[int, float]:
    """Node → how many metres in the world one unit of its translation may become."""
    parents = {child: index for index, node in enumerate(scene.list_of("nodes")) for child in node.get("children", ())}
    worlds = world_matrices(scene)
    lengths = {index: float(np.linalg.norm(matrix[:3, :3], axis=0).max()) for index, matrix in worlds.items()}
    scales = ((child, lengths.get(parent, 1.0)) for child, parent in parents.items())
    return {child: min(max(scale, _LEAST_SCALE), _MOST_SCALE) for child, scale in scales if np.isfinite(scale)}


def _batches(tracks: Iterable[_Track]) -> list[list[_Track]]:
    """Tracks with about as many keys, the longest first: padded to one length, less than half of them is padding."""
    found: dict[int, list[_Track]] = {}
    for track in sorted(tracks, key=_count, reverse=True):
        found.setdefault(_count(track).bit_length(), []).append(track)
    return list(found.values())


def _count(track: _Track) -> int:
    """How many keys a track has now."""
    return len(track.times) if track.keep is None else int(np.count_nonzero(track.keep))


def _stacked(group: list[_Track], keys: Sequence[Keys]) -> tuple[Array, Array, Array, Array]:
    """Times, values, tolerances and counts of these keys of tracks in a batch, as `keyframes` wants them."""
    longest = _count(group[0])
    times = np.zeros((len(group), longest))
    values = np.empty((len(group), longest, group[0].values.shape[1]))
    counts = np.empty(len(group), np.intp)
    for row, (track, own) in enumerate(zip(group, keys, strict=True)):
        moments = track.times[own]
        counts[row] = len(moments)
        times[row, : len(moments)] = moments
        values[row] = track.values[0]
        values[row, : len(moments)] = track.values[own]
    return times, values, np.array([track.tolerance for track in group]), counts


def _judge(kind: str, group: list[_Track]) -> None:
    """Say of a batch of tracks of one kind which of their keys stay, where that is worth it."""
    times, values, tolerance, counts = _stacked(group, [slice(None)] * len(group))
    if kind == "STEP":
        constant, keep = is_constant(values, np.zeros(len(group))), needed_steps(values, counts)
    else:
        rotations = kind == "rotation"
        constant = is_constant(values, tolerance, rotations=rotations)
        keep = needed_keys(times, values, tolerance, counts, rotations=rotations)
    for track, is_same, needed in zip(group, constant, keep, strict=True):
        own = needed[: len(track.times)]
        if is_same:
            track.keep = np.arange(len(own)) == 0
        elif _is_worth_it(track, int(np.count_nonzero(own))):
            track.keep = own.copy()
    if kind != "STEP":
        _look_again([track for track in group if track.keep is not None and _count(track) > 1], kind == "rotation")


def _look_again(tracks: list[_Track], rotations: bool) -> None:
    """Drop of the keys that are left what can go too, so that a second run of the whole changes nothing."""
    for _ in range(PASSES - 1):
        batches = _batches(track for track in tracks if _count(track) > 1)
        tracks = [track for batch in batches for track in _once_more(batch, rotations)]


def _once_more(group: list[_Track], rotations: bool) -> list[_Track]:
    """Judge the kept keys of a batch of tracks; the tracks that lost some."""
    left = [np.flatnonzero(track.keep) for track in group if track.keep is not None]
    times, values, tolerance, counts = _stacked(group, left)
    needed = needed_keys(times, values, tolerance, counts, rotations=rotations)
    needed[is_constant(values, tolerance, rotations=rotations), 1:] = False
    changed = []
    for track, keys, flags in zip(group, left, needed, strict=True):
        own = flags[: len(keys)]
        if track.keep is not None and not own.all():
            track.keep[keys[~own]] = False
            changed.append(track)
    return changed


def _is_worth_it(track: _Track, kept: int) -> bool:
    """Whether the keys that go weigh more than times of the sampler's own."""
    saved: float = (len(track.raw) - kept) * track.raw[0].nbytes * _COMPRESSES_TO
    return saved > kept * _KEY_BYTES + _JSON_BYTES


def _keep_lengths(tracks: list[_Track]) -> None:
    """Where a clip's first or last moment is only in tracks that became one key, leave the longest of them alone."""
    clips: dict[int, list[_Track]] = {}
    for track in tracks:
        clips.setdefault(track.clip, []).append(track)
    for own in clips.values():
        single = [track for track in own if track.keep is not None and track.keep.sum() == 1]
        if not single:
            continue
        last = max(track.times[-1] for track in own)
        longest = [track for track in own if track.times[-1] == last]
        if all(track.keep is not None and track.keep.sum() == 1 for track in longest) and longest[0].keep is not None:
            longest[0].keep[-1] = True


def _write(draft: Draft, track: _Track, named: Counter[int], made: Made, *, may_add: bool) -> None:
    """Give a sampler its kept keys: in its own accessors, or in new ones where it shares them with others.

    `made`: the new ones, which serve all samplers that need the same. `may_add`: what is no longer named goes when the
    scene is pruned. Where it cannot go, sharers stay as they are.
    """
    draft.own(("animations",))
    sampler: JsonObject = draft.json["animations"][track.clip]["samplers"][track.number]
    if not may_add and named[sampler["output"]] > 1:
        return
    times = track.times[track.keep].astype(np.float32, copy=False)
    width = layout_of(draft.json["accessors"][sampler["output"]], "").components
    values = track.raw[track.keep].reshape(-1, width)
    normalized = bool(draft.json["accessors"][sampler["output"]].get("normalized", False))
    for key, array, bounds in (("input", times, True), ("output", values, False)):
        index, is_normalized = sampler[key], normalized and not bounds
        if named[index] == 1:
            draft.replace_accessor(
                index, array, normalized=is_normalized, bounds=bounds or "min" in draft.json["accessors"][index]
            )
        else:
            named[index] -= 1
            use = track.uses if key == "output" else frozenset({key})
            same = (use, array.dtype.str, width, is_normalized, array.tobytes())
            if same not in made:
                made[same] = draft.add_accessor(array, normalized=is_normalized, bounds=bounds)
            sampler[key] = made[same]
            named[sampler[key]] += 1
