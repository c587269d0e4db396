"""Drops the keyframes that interpolation gives back: exporters write one for each frame, most animations need few.

Rule: what is seen stays within `TOLERANCE` at every moment, and a clip lasts as long as it did. LINEAR and STEP are
resampled; CUBICSPLINE, whose tangents say how the creator wants it, is left alone, and so is what is compressed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from roomscale.scenes.accessors import Array, layout_of, read, read_floats
from roomscale.scenes.compressed import is_compressed
from roomscale.scenes.document import Scene
from roomscale.scenes.draft import Draft
from roomscale.scenes.jsonio import JsonObject
from roomscale.scenes.placement import world_matrices
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


@dataclass(slots=True)
class _Track:
    """A sampler with its data. `paths`: what its channels move. `tolerance`: in the units of its values."""

    sampler: JsonObject
    clip: int
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
    draft = Draft(scene, touching=("animations",))
    tracks = list(_tracks(scene, draft.json))
    groups: dict[tuple[str, int, int], list[_Track]] = {}
    for track in tracks:
        groups.setdefault((track.kind, *track.values.shape), []).append(track)
    for (kind, *_), group in groups.items():
        _judge(kind, group)
    _keep_lengths(tracks)
    survey = draft.survey()
    named = Counter(survey.counts("accessors"))
    for track in tracks:
        if track.keep is not None and not track.keep.all():
            _write(draft, track, named, may_add="accessors" in survey.movable)
    return draft.finish()


def _tracks(scene: Scene, json: JsonObject) -> Iterator[_Track]:
    """The samplers that can be resampled: plain, with increasing times and finite values."""
    scales = _scales(scene)
    arrays = _Arrays(scene)
    for clip, animation in enumerate(json.get("animations", ())):
        targets: dict[int, list[JsonObject]] = {}
        for channel in animation["channels"]:
            targets.setdefault(channel["sampler"], []).append(channel["target"])
        for number, sampler in enumerate(animation["samplers"]):
            paths = {moved(target)[0] for target in targets.get(number, ())}
            interpolation = sampler.get("interpolation", "LINEAR")
            times, values, raw = arrays.times(sampler["input"]), *arrays.values(sampler["output"])
            if times is None or values is None or raw is None or len(paths) != 1 or interpolation == "CUBICSPLINE":
                continue
            path = paths.pop()
            if len(times) < 2 or len(values) % len(times) or (path == "rotation" and values.shape[1] != 4):
                continue
            kind = "STEP" if interpolation == "STEP" else "rotation" if path == "rotation" else "LINEAR"
            tolerance = {"scale": TOLERANCE / 10.0, UNKNOWN: 0.0}.get(path, TOLERANCE)
            if path == "translation":
                tolerance /= max(1.0, *(scales.get(moved(target)[1], 1.0) for target in targets[number]))
            wide = values.reshape(len(times), -1)
            yield _Track(sampler, clip, kind, times, wide, raw.reshape(len(times), -1), tolerance / PASSES)


class _Arrays:
    """The data of accessors, each read once; None for those that must stay as they are."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._times: dict[int, Array | None] = {}
        self._values: dict[int, tuple[Array | None, Array | None]] = {}

    def times(self, index: int) -> Array | None:
        """Seconds, float64; None unless they increase."""
        if index not in self._times:
            array = read(self._scene, index)[:, 0].astype(np.float64) if self._is_plain(index) else None
            ordered = array is not None and np.isfinite(array).all() and (np.diff(array) > 0.0).all()
            self._times[index] = array if ordered else None
        return self._times[index]

    def values(self, index: int) -> tuple[Array | None, Array | None]:
        """What they mean, as floats, and as they are stored."""
        if index not in self._values:
            self._values[index] = self._read_values(index) if self._is_plain(index) else (None, None)
        return self._values[index]

    def _read_values(self, index: int) -> tuple[Array | None, Array | None]:
        raw = read(self._scene, index)
        values = (raw if raw.dtype.kind == "f" else read_floats(self._scene, index)).astype(np.float64)
        return (values, raw) if np.isfinite(values).all() else (None, None)

    def _is_plain(self, index: int) -> bool:
        accessor = self._scene.list_of("accessors")[index]
        if "bufferView" not in accessor or "sparse" in accessor or "extensions" in accessor:
            return False
        return not is_compressed(self._scene.list_of("bufferViews")[accessor["bufferView"]])


def _scales(scene: Scene) -> dict[int, float]:
    """Node → how many metres in the world one unit of its translation may become."""
    parents = {child: index for index, node in enumerate(scene.list_of("nodes")) for child in node.get("children", ())}
    worlds = world_matrices(scene)
    lengths = {index: float(np.linalg.norm(matrix[:3, :3], axis=0).max()) for index, matrix in worlds.items()}
    scales = ((child, lengths.get(parent, 1.0)) for child, parent in parents.items())
    return {child: min(max(scale, _LEAST_SCALE), _MOST_SCALE) for child, scale in scales if np.isfinite(scale)}


def _judge(kind: str, group: list[_Track]) -> None:
    """Say of tracks of one kind and length which of their keys stay, where that is worth it."""
    values = np.stack([track.values for track in group])
    times = np.stack([track.times for track in group])
    tolerance = np.array([track.tolerance for track in group])
    if kind == "STEP":
        constant, keep = is_constant(values, np.zeros(len(group))), needed_steps(values)
    else:
        rotations = kind == "rotation"
        constant = is_constant(values, tolerance, rotations=rotations)
        keep = needed_keys(times, values, tolerance, rotations=rotations)
    for track, is_same, needed in zip(group, constant, keep, strict=True):
        if is_same:
            track.keep = np.arange(len(needed)) == 0
        elif _is_worth_it(track, int(needed.sum())):
            track.keep = needed
    if kind != "STEP":
        _look_again([track for track in group if track.keep is not None and track.keep.sum() > 1], kind == "rotation")


def _look_again(tracks: list[_Track], rotations: bool) -> None:
    """Drop of the keys that are left what can go too, so that a second run of the whole changes nothing."""
    for _ in range(PASSES - 1):
        by_count: dict[int, list[_Track]] = {}
        for track in tracks:
            if track.keep is not None and track.keep.sum() > 1:
                by_count.setdefault(int(track.keep.sum()), []).append(track)
        tracks = [track for group in by_count.values() for track in _once_more(group, rotations)]


def _once_more(group: list[_Track], rotations: bool) -> list[_Track]:
    """Judge the kept keys of tracks that have equally many; the tracks that lost some."""
    left = [np.flatnonzero(track.keep) for track in group if track.keep is not None]
    values = np.stack([track.values[keys] for track, keys in zip(group, left, strict=True)])
    times = np.stack([track.times[keys] for track, keys in zip(group, left, strict=True)])
    tolerance = np.array([track.tolerance for track in group])
    needed = needed_keys(times, values, tolerance, rotations=rotations)
    needed[is_constant(values, tolerance, rotations=rotations), 1:] = False
    changed = []
    for track, keys, flags in zip(group, left, needed, strict=True):
        if track.keep is not None and not flags.all():
            track.keep[keys[~flags]] = False
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


def _write(draft: Draft, track: _Track, named: Counter[int], *, may_add: bool) -> None:
    """Give a sampler its kept keys: in its own accessors, or in new ones where it shares them with others.

    `may_add`: what is no longer named goes when the scene is pruned. Where it cannot go, sharers stay as they are.
    """
    sampler = track.sampler
    if not may_add and named[sampler["output"]] > 1:
        return
    times = track.times[track.keep].astype(np.float32)
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
            sampler[key] = draft.add_accessor(array, normalized=is_normalized, bounds=bounds)
            named[sampler[key]] = 1
