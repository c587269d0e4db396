"""The tables of glTF 2.0's own objects (specification, chapter 5 "Properties Reference").

Rule: data only. What needs more than one object to judge stands in the checks beside this file.
"""

from __future__ import annotations

import re

from roomscale.scenes.checks.schema import (
    Boolean,
    Integer,
    ListOf,
    MapOf,
    Number,
    Object,
    OneOf,
    Ref,
    Text,
    Type,
)

NAME = Text()
UNIT = Number(0.0, 1.0)
_VERSION = Text(re.compile(r"[0-9]{1,9}\.[0-9]{1,9}"))


def numbers(count: int, kind: Type | None = None) -> ListOf:
    """A list of exactly `count` numbers."""
    return ListOf(kind or Number(), count, count)


def texture_info(name: str, **more: Type) -> Object:
    """A reference to a texture; `name`: the object's, `more`: what some have beside."""
    return Object(name, {"index": Ref("textures"), "texCoord": Integer(), **more}, ("index",))


TEXTURE_INFO = texture_info("textureInfo")
NORMAL_TEXTURE_INFO = texture_info("textureInfo", scale=Number())
OCCLUSION_TEXTURE_INFO = texture_info("textureInfo", strength=UNIT)

_ASSET = Object(
    "asset",
    {"copyright": Text(), "generator": Text(), "version": _VERSION, "minVersion": _VERSION},
    ("version",),
)
_SPARSE_INDICES = Object(
    "sparseIndices",
    {"bufferView": Ref("bufferViews"), "byteOffset": Integer(), "componentType": OneOf((5121, 5123, 5125), True)},
    ("bufferView", "componentType"),
)
_SPARSE_VALUES = Object("sparseValues", {"bufferView": Ref("bufferViews"), "byteOffset": Integer()}, ("bufferView",))
_SPARSE = Object(
    "sparse",
    {"count": Integer(1), "indices": _SPARSE_INDICES, "values": _SPARSE_VALUES},
    ("count", "indices", "values"),
)
_ACCESSOR = Object(
    "accessor",
    {
        "bufferView": Ref("bufferViews"),
        "byteOffset": Integer(),
        "componentType": OneOf((5120, 5121, 5122, 5123, 5125, 5126)),
        "normalized": Boolean(),
        "count": Integer(1),
        "type": OneOf(("SCALAR", "VEC2", "VEC3", "VEC4", "MAT2", "MAT3", "MAT4")),
        "min": ListOf(Number(), 1, 16),
        "max": ListOf(Number(), 1, 16),
        "sparse": _SPARSE,
        "name": NAME,
    },
    ("componentType", "count", "type"),
    needs=(("byteOffset", "bufferView"),),
)
_TARGET = Object(
    "animationTarget",
    {"node": Ref("nodes"), "path": OneOf(("translation", "rotation", "scale", "weights", "pointer"))},
    ("path",),
)
_ANIMATION = Object(
    "animation",
    {
        "channels": ListOf(
            Object("animationChannel", {"sampler": Integer(), "target": _TARGET}, ("sampler", "target"))
        ),
        "samplers": ListOf(
            Object(
                "animationSampler",
                {
                    "input": Ref("accessors"),
                    "interpolation": OneOf(("LINEAR", "STEP", "CUBICSPLINE")),
                    "output": Ref("accessors"),
                },
                ("input", "output"),
            )
        ),
        "name": NAME,
    },
    ("channels", "samplers"),
)
_BUFFER = Object("buffer", {"uri": Text(), "byteLength": Integer(1), "name": NAME}, ("byteLength",))
_BUFFER_VIEW = Object(
    "bufferView",
    {
        "buffer": Ref("buffers"),
        "byteOffset": Integer(),
        "byteLength": Integer(1),
        "byteStride": Integer(4, 252),
        "target": OneOf((34962, 34963)),
        "name": NAME,
    },
    ("buffer", "byteLength"),
)
_ORTHOGRAPHIC = Object(
    "orthographic",
    {"xmag": Number(), "ymag": Number(), "zfar": Number(above=0.0), "znear": Number(0.0)},
    ("xmag", "ymag", "zfar", "znear"),
)
_PERSPECTIVE = Object(
    "perspective",
    {
        "aspectRatio": Number(above=0.0),
        "yfov": Number(above=0.0),
        "zfar": Number(above=0.0),
        "znear": Number(above=0.0),
    },
    ("yfov", "znear"),
)
_CAMERA = Object(
    "camera",
    {
        "orthographic": _ORTHOGRAPHIC,
        "perspective": _PERSPECTIVE,
        "type": OneOf(("perspective", "orthographic")),
        "name": NAME,
    },
    ("type",),
    exactly_one=(("orthographic", "perspective"),),
)
_IMAGE = Object(
    "image",
    {"uri": Text(), "mimeType": Text(), "bufferView": Ref("bufferViews"), "name": NAME},
    exactly_one=(("uri", "bufferView"),),
    needs=(("bufferView", "mimeType"),),
)
_PBR = Object(
    "pbrMetallicRoughness",
    {
        "baseColorFactor": numbers(4, UNIT),
        "baseColorTexture": TEXTURE_INFO,
        "metallicFactor": UNIT,
        "roughnessFactor": UNIT,
        "metallicRoughnessTexture": TEXTURE_INFO,
    },
)
_MATERIAL = Object(
    "material",
    {
        "name": NAME,
        "pbrMetallicRoughness": _PBR,
        "normalTexture": NORMAL_TEXTURE_INFO,
        "occlusionTexture": OCCLUSION_TEXTURE_INFO,
        "emissiveTexture": TEXTURE_INFO,
        "emissiveFactor": numbers(3, UNIT),
        "alphaMode": OneOf(("OPAQUE", "MASK", "BLEND")),
        "alphaCutoff": Number(0.0),
        "doubleSided": Boolean(),
    },
)
_PRIMITIVE = Object(
    "primitive",
    {
        "attributes": MapOf(Ref("accessors")),
        "indices": Ref("accessors"),
        "material": Ref("materials"),
        "mode": OneOf((0, 1, 2, 3, 4, 5, 6), strict=True),
        "targets": ListOf(MapOf(Ref("accessors"))),
    },
    ("attributes",),
)
_MESH = Object(
    "mesh",
    {"primitives": ListOf(_PRIMITIVE), "weights": ListOf(Number()), "name": NAME},
    ("primitives",),
)
_NODE = Object(
    "node",
    {
        "camera": Ref("cameras"),
        "children": ListOf(Ref("nodes"), unique=True),
        "skin": Ref("skins"),
        "matrix": numbers(16),
        "mesh": Ref("meshes"),
        "rotation": numbers(4, Number(-1.0e3, 1.0e3)),
        "scale": numbers(3),
        "translation": numbers(3),
        "weights": ListOf(Number()),
        "name": NAME,
    },
    needs=(("weights", "mesh"), ("skin", "mesh")),
)
_SAMPLER = Object(
    "sampler",
    {
        "magFilter": OneOf((9728, 9729)),
        "minFilter": OneOf((9728, 9729, 9984, 9985, 9986, 9987)),
        "wrapS": OneOf((33071, 33648, 10497)),
        "wrapT": OneOf((33071, 33648, 10497)),
        "name": NAME,
    },
)
_SCENE = Object("scene", {"nodes": ListOf(Ref("nodes"), unique=True), "name": NAME})
_SKIN = Object(
    "skin",
    {
        "inverseBindMatrices": Ref("accessors"),
        "skeleton": Ref("nodes"),
        "joints": ListOf(Ref("nodes"), unique=True),
        "name": NAME,
    },
    ("joints",),
)
_TEXTURE = Object("texture", {"sampler": Ref("samplers"), "source": Ref("images"), "name": NAME})

ROOT = Object(
    "root",
    {
        "accessors": ListOf(_ACCESSOR),
        "animations": ListOf(_ANIMATION),
        "asset": _ASSET,
        "buffers": ListOf(_BUFFER),
        "bufferViews": ListOf(_BUFFER_VIEW),
        "cameras": ListOf(_CAMERA),
        "extensionsUsed": ListOf(Text(), unique=True),
        "extensionsRequired": ListOf(Text(), unique=True),
        "images": ListOf(_IMAGE),
        "materials": ListOf(_MATERIAL),
        "meshes": ListOf(_MESH),
        "nodes": ListOf(_NODE),
        "samplers": ListOf(_SAMPLER),
        "scene": Ref("scenes"),
        "scenes": ListOf(_SCENE),
        "skins": ListOf(_SKIN),
        "textures": ListOf(_TEXTURE),
    },
    ("asset",),
)
"""The root object of a glTF."""
