"""VRM: a person as a .glb with the VRMC_vrm extension and the shared clips.

Its one rule: one skinned mesh, one material, one draw call.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pygltflib as g
from numpy.typing import NDArray

from roomscale.assets.samples.figures import clips, people, rig
from roomscale.assets.samples.figures.body import Part
from roomscale.assets.samples.geometry import Array, join
from roomscale.assets.samples.gltf import VERTEX, Writer

LICENCE_URL = "https://vrm.dev/licenses/1.0/"


def to_glb(person: people.Person) -> bytes:
    """The avatar's bytes."""
    writer = Writer(person.name, f"{person.name}, a Roomscale avatar. VRM 1.0: faces +Z; clips idle, walk, run, wave.")
    writer.uses("KHR_mesh_quantization", required=True)
    root = writer.node(g.Node(name=person.id))
    joints = _skeleton(writer, root)
    _skin(writer, people.parts(person), root, joints)
    for clip in clips.CLIPS:
        _animation(writer, clip, joints)
    writer.extend("VRMC_vrm", _vrm(person, joints))
    return writer.to_bytes()


def _skeleton(writer: Writer, root: int) -> dict[str, int]:
    joints: dict[str, int] = {}
    for name, (parent, _) in rig.BONES.items():
        node = g.Node(name=name, translation=list(rig.offset(name)))
        joints[name] = writer.node(node, joints[parent] if parent else root)
    return joints


def _skin(writer: Writer, parts: list[Part], root: int, joints: dict[str, int]) -> None:
    mesh = join([part.mesh for part in parts])
    colours = np.concatenate([part.colours for part in parts])
    weights = np.concatenate([part.weights for part in parts])
    order = np.argsort(-weights, axis=1, kind="stable")[:, :4]
    shares = np.take_along_axis(weights, order, axis=1)
    shares = np.round(shares / shares.sum(axis=1, keepdims=True) * 255)
    shares[:, 0] += 255 - shares.sum(axis=1)
    order[shares == 0] = 0
    attributes = g.Attributes(
        POSITION=writer.accessor(mesh.positions.astype(np.float32), VERTEX, bounds=True),
        NORMAL=writer.accessor(np.round(mesh.normals * 127).astype(np.int8), VERTEX, normalized=True),
        COLOR_0=writer.accessor(_tints(colours), VERTEX, normalized=True),
        JOINTS_0=writer.accessor(order.astype(np.uint8), VERTEX),
        WEIGHTS_0=writer.accessor(shares.astype(np.uint8), VERTEX, normalized=True),
    )
    pbr = g.PbrMetallicRoughness(baseColorFactor=[1, 1, 1, 1], metallicFactor=0.0, roughnessFactor=0.85)
    material = writer.material(g.Material(name="figure", pbrMetallicRoughness=pbr, alphaMode=None, emissiveFactor=None))
    primitive = g.Primitive(attributes=attributes, indices=writer.indices(mesh.triangles), material=material)
    inverse = np.tile(np.eye(4), (len(rig.NAMES), 1, 1))
    inverse[:, 3, :3] = -rig.REST  # column-major: the translation is the last row of the array
    bind = writer.accessor(inverse.reshape(-1, 16).astype(np.float32))
    writer.gltf.skins.append(
        g.Skin(name="rig", inverseBindMatrices=bind, skeleton=joints["hips"], joints=list(joints.values()))
    )
    writer.node(g.Node(name="figure", mesh=writer.mesh("figure", [primitive]), skin=0), root)


def _tints(colours: Array) -> NDArray[np.uint8]:
    """Linear colours as bytes with an alpha of 1."""
    tints = np.round(np.clip(colours, 0, 1) * 255)
    return np.concatenate([tints, np.full((len(tints), 1), 255)], axis=1).astype(np.uint8)


def _animation(writer: Writer, clip: clips.Clip, joints: dict[str, int]) -> None:
    times, hips, turns = clips.sampled(clip)
    made = g.Animation(name=clip.name, channels=[], samplers=[])
    made.extras = {"speed": clip.speed, "loop": True}
    clock = writer.accessor(times.astype(np.float32), bounds=True)

    def drive(bone: str, path: str, values: Array) -> None:
        still = np.abs(values - values[0]).max() < 1e-6
        keys = values[[0, -1]] if still else values
        when = writer.accessor(times[[0, -1]].astype(np.float32), bounds=True) if still else clock
        if path == "rotation":
            output = writer.accessor(np.round(keys * 32767).astype(np.int16), normalized=True)
        else:
            output = writer.accessor(keys.astype(np.float32))
        made.samplers.append(g.AnimationSampler(input=when, output=output, interpolation=None))
        target = g.AnimationChannelTarget(node=joints[bone], path=path)
        made.channels.append(g.AnimationChannel(sampler=len(made.samplers) - 1, target=target))

    drive("hips", "translation", hips)
    for bone in rig.NAMES:
        drive(bone, "rotation", turns[bone])
    writer.gltf.animations.append(made)


def _vrm(person: people.Person, joints: dict[str, int]) -> dict[str, Any]:
    meta = {
        "name": person.name,
        "version": "1.0",
        "authors": ["The Roomscale team"],
        "copyrightInformation": "CC0 1.0: no rights reserved",
        "licenseUrl": LICENCE_URL,
        "otherLicenseUrl": "https://creativecommons.org/publicdomain/zero/1.0/",
        "avatarPermission": "everyone",
        "allowExcessivelyViolentUsage": True,
        "allowExcessivelySexualUsage": True,
        "commercialUsage": "corporation",
        "allowPoliticalOrReligiousUsage": True,
        "allowAntisocialOrHateUsage": True,
        "creditNotation": "unnecessary",
        "allowRedistribution": True,
        "modification": "allowModificationRedistribution",
    }
    return {"specVersion": "1.0", "meta": meta, "humanoid": {"humanBones": {n: {"node": k} for n, k in joints.items()}}}
