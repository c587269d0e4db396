"""Every kind of file that a reader must see through, and some that look odd and are good.

Each case is a name, the code that the reader must give it (None: it is accepted), and the bytes of a file.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.scenes.crafted import (
    BINARY,
    POSITIONS,
    Json,
    animated,
    changed,
    chunk,
    container,
    glb,
    gltf,
    jpeg,
    padded,
    png,
    png_chunk,
    triangle,
    webp_lossless,
    with_extension,
    with_image,
)


@dataclass(frozen=True)
class Case:
    """A crafted file. `code`: of the error that is expected first or among others, None if it is accepted."""

    name: str
    code: str | None
    make: Callable[[], bytes]


def _text(fragment: str, replacement: str) -> bytes:
    text = gltf(triangle()).decode()
    assert fragment in text
    return text.replace(fragment, replacement, 1).encode()


def _nodes(*children: list[int]) -> bytes:
    tree = triangle()
    tree["nodes"] = [{"children": own} if own else {"mesh": 0} for own in children]
    return gltf(tree)


def _accessor(**fields: Any) -> bytes:
    tree = triangle()
    tree["accessors"][0].update(fields)
    return gltf({**tree, "accessors": [_without_none(item) for item in tree["accessors"]]})


def _without_none(item: Json) -> Json:
    return {key: value for key, value in item.items() if value is not None}


def _uri(uri: str) -> bytes:
    return gltf(changed("buffers", 0, "uri", to=uri))


def _meshopt(**fields: Any) -> bytes:
    tree = triangle()
    compressed = {"buffer": 0, "byteLength": 36, "byteStride": 12, "count": 3, "mode": "ATTRIBUTES"} | fields
    tree["bufferViews"][0]["extensions"] = {"EXT_meshopt_compression": compressed}
    tree["extensionsUsed"] = ["EXT_meshopt_compression"]
    return gltf(tree)


_BOMB = zlib.compress(bytes(50_000_000))
_JSON_TEXT = padded(json.dumps(triangle()).encode())
_TRIANGLE_GLB = glb()


def _container_cases() -> list[Case]:
    text, binary = chunk(b"JSON", _JSON_TEXT), chunk(b"BIN\0", BINARY)
    whole = _TRIANGLE_GLB
    return [
        Case("a triangle", None, glb),
        Case("a triangle with data: URIs", None, lambda: gltf(triangle())),
        Case("an empty file", "EMPTY_FILE", lambda: b""),
        Case("a header cut off", "GLB_LENGTH_TOO_SMALL", lambda: whole[:10]),
        Case("json cut off", "GLB_LENGTH_MISMATCH", lambda: whole[:200]),
        Case("binary cut off", "GLB_LENGTH_MISMATCH", lambda: whole[:-20]),
        Case("another magic", "UNKNOWN_FORMAT", lambda: container(text, binary, magic=b"XXXX")),
        Case("version 3", "GLB_INVALID_VERSION", lambda: container(text, binary, version=3)),
        Case("a length too small", "GLB_LENGTH_MISMATCH", lambda: container(text, binary, length=100)),
        Case("a huge json chunk", "GLB_CHUNK_TOO_BIG", lambda: container(chunk(b"JSON", b"{}  ", 0xFFFFFFF0))),
        Case("a huge bin chunk", "GLB_CHUNK_TOO_BIG", lambda: container(text, chunk(b"BIN\0", b"", 0xFFFFFFF0))),
        Case("an odd chunk", "GLB_CHUNK_LENGTH_UNALIGNED", lambda: container(chunk(b"JSON", b"{}", 2))),
        Case("half a chunk header", "GLB_CHUNK_TRUNCATED", lambda: container(text, b"\0\0\0\0")),
        Case("json twice", "GLB_DUPLICATE_CHUNK", lambda: container(text, text, binary)),
        Case("bin twice", "GLB_DUPLICATE_CHUNK", lambda: container(text, binary, binary)),
        Case("bin first", "GLB_UNEXPECTED_FIRST_CHUNK", lambda: container(binary, text)),
        Case("bin third", "GLB_UNEXPECTED_BIN_CHUNK", lambda: container(text, chunk(b"NOTE", b""), binary)),
        Case("no chunk", "GLB_UNEXPECTED_FIRST_CHUNK", container),
        Case("a thousand chunks", "GLB_TOO_MANY_CHUNKS", lambda: container(text, *[chunk(b"NOTE", b"")] * 1000)),
        Case("foreign bytes behind", "GLB_LENGTH_MISMATCH", lambda: whole + bytes(1024)),
        Case("an unknown chunk", None, lambda: container(text, binary, chunk(b"NOTE", b"abcd"))),
        Case("no binary", "BUFFER_WITHOUT_DATA", lambda: glb(binary=None)),
        Case("gzip", "UNKNOWN_FORMAT", lambda: b"\x1f\x8b" + bytes(100)),
        Case("utf-16", "INVALID_JSON", lambda: container(chunk(b"JSON", "{}".encode("utf-16-le")))),
        Case("not utf-8", "INVALID_JSON", lambda: b'{"asset": "\xff"}'),
        Case("a byte order mark", "INVALID_JSON", lambda: b"\xef\xbb\xbf" + gltf(triangle())),
    ]


def _json_cases() -> list[Case]:
    return [
        Case("json cut off in a gltf", "INVALID_JSON", lambda: gltf(triangle())[:300]),
        Case("a key twice", "DUPLICATE_KEY", lambda: _text('"scene": 0', '"scene": 0, "scene": 99')),
        Case("uri twice", "DUPLICATE_KEY", lambda: _text('"uri"', '"uri": "../../etc/passwd", "uri"')),
        Case("NaN", "INVALID_JSON", lambda: _text('"mesh": 0', '"mesh": 0, "translation": [NaN, 0, 0]')),
        Case("Infinity", "INVALID_JSON", lambda: _text('"mesh": 0', '"mesh": 0, "scale": [-Infinity, 0, 0]')),
        Case("1e999", "VALUE_NOT_IN_RANGE", lambda: _text('"mesh": 0', '"mesh": 0, "scale": [1e999, 0, 0]')),
        Case("a huge index", "UNRESOLVED_REFERENCE", lambda: _text('"mesh": 0', f'"mesh": 1{"0" * 400}')),
        Case(
            "a huge number",
            "VALUE_NOT_IN_RANGE",
            lambda: _text('"mesh": 0', f'"mesh": 0, "scale": [1{"0" * 400}, 1, 1]'),
        ),
        Case("5,000 digits", "INVALID_JSON", lambda: b'{"asset":{"version":"2.0"},"extras":' + b"9" * 5000 + b"}"),
        Case("an index below zero", "UNRESOLVED_REFERENCE", lambda: gltf(changed("nodes", 0, "mesh", to=-1))),
        Case("a text for an index", "TYPE_MISMATCH", lambda: gltf(changed("nodes", 0, "mesh", to="0"))),
        Case("true for an index", "TYPE_MISMATCH", lambda: gltf(changed("nodes", 0, "mesh", to=True))),
        Case(
            "null for lists",
            "TYPE_MISMATCH",
            lambda: gltf({"asset": {"version": "2.0"}, "nodes": None, "scenes": [None]}),
        ),
        Case("no asset", "UNDEFINED_PROPERTY", lambda: b'{"scenes":[{}]}'),
        Case("a list for a root", "TYPE_MISMATCH", lambda: b"[1]"),
        Case("glTF 1", "UNKNOWN_ASSET_MAJOR_VERSION", lambda: gltf(changed("asset", "version", to="1.0"))),
        Case(
            "a newer glTF",
            "UNKNOWN_ASSET_MIN_VERSION",
            lambda: gltf(changed("asset", to={"version": "2.1", "minVersion": "2.1"})),
        ),
        Case(
            "names to fool a terminal",
            None,
            lambda: gltf(changed("nodes", 0, "name", to="\x1b[31mpwned\x07 \u202egnp.exe \0")),
        ),
        Case("__proto__", "FORBIDDEN_KEY", lambda: gltf(changed("extras", to={"__proto__": {"x": 1}}))),
        Case(
            "constructor.prototype",
            "FORBIDDEN_KEY",
            lambda: gltf(changed("extras", to=[1, {"constructor": {"prototype": {}}}])),
        ),
        Case("half a surrogate pair", "INVALID_JSON", lambda: _text('"name": "tri"', '"name": "\\ud800"')),
        Case("ten million empty lists", "JSON_TOO_LARGE", lambda: b'{"extras":[' + b"[]," * 10_000_000 + b"[]]}"),
        Case("a deep abyss", "JSON_TOO_DEEP", lambda: b'{"extras":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
        Case("too deep for viewers", "JSON_TOO_DEEP", lambda: b'{"extras":' + b"[" * 200 + b"]" * 200 + b"}"),
    ]


def _graph_cases() -> list[Case]:
    diamond = [[index + 1, index + 1] for index in range(40)]
    chain = [[index + 1] for index in range(600)]
    return [
        Case("its own child", "NODE_LOOP", lambda: _nodes([0])),
        Case("a loop of two", "NODE_LOOP", lambda: _nodes([1], [0])),
        Case("a loop out of sight", "NODE_LOOP", lambda: _nodes([], [2], [1])),
        Case("two parents", "NODE_PARENT_OVERRIDE", lambda: _nodes([2], [2], [])),
        Case("a diamond of 2^40 paths", "ARRAY_NON_UNIQUE", lambda: _nodes(*diamond, [])),
        Case("a child that is not there", "UNRESOLVED_REFERENCE", lambda: _nodes([7])),
        Case("600 nodes deep", "NODE_TOO_DEEP", lambda: _nodes(*chain, [])),
        Case(
            "a child as root",
            "SCENE_NON_ROOT_NODE",
            lambda: gltf(triangle() | {"nodes": [{"mesh": 0}, {"children": [0]}]}),
        ),
        Case("no scene", None, lambda: gltf(_without_none(triangle() | {"scenes": None, "scene": None}))),
        Case(
            "matrix and translation",
            "NODE_MATRIX_TRS",
            lambda: gltf(changed("nodes", 0, to={"matrix": _IDENTITY, "translation": [1, 2, 3]})),
        ),
        Case(
            "a flat matrix",
            "NODE_MATRIX_NON_TRS",
            lambda: gltf(changed("nodes", 0, "matrix", to=[1, 0, 0, 0, 1, *_IDENTITY[5:]])),
        ),
        Case(
            "a quaternion of length 2",
            "ROTATION_NON_UNIT",
            lambda: gltf(changed("nodes", 0, "rotation", to=[1, 1, 1, 1])),
        ),
        Case(
            "a quaternion of zeros", "ROTATION_NON_UNIT", lambda: gltf(changed("nodes", 0, "rotation", to=[0, 0, 0, 0]))
        ),
        Case("very far away", None, lambda: gltf(changed("nodes", 0, "translation", to=[1e38, 1e38, 1e38]))),
        Case(
            "joints of two trees",
            "SKIN_NO_COMMON_ROOT",
            lambda: gltf(triangle() | {"nodes": [{"mesh": 0}, {"name": "a"}], "skins": [{"joints": [0, 1]}]}),
        ),
    ]


_IDENTITY = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]


def _nan_positions() -> bytes:
    return glb(triangle(), struct.pack("<f", float("nan")) + BINARY[4:])


def _data_cases() -> list[Case]:
    sparse = {"indices": {"bufferView": 1, "componentType": 5123}, "values": {"bufferView": 0}}
    unordered = POSITIONS + struct.pack("<3H", 1, 0, 2) + bytes(6)
    return [
        Case("accessor past its view", "ACCESSOR_TOO_LONG", lambda: _accessor(count=300)),
        Case(
            "an offset of 4 GiB",
            "BUFFER_VIEW_TOO_LONG",
            lambda: glb(changed("bufferViews", 1, "byteOffset", to=4294967290)),
        ),
        Case(
            "an index out of range",
            "ACCESSOR_INDEX_OOB",
            lambda: glb(binary=POSITIONS + struct.pack("<3H", 0, 1, 9999) + bytes(6)),
        ),
        Case(
            "a restart",
            "ACCESSOR_INDEX_PRIMITIVE_RESTART",
            lambda: glb(binary=POSITIONS + struct.pack("<3H", 0, 1, 65535) + bytes(6)),
        ),
        Case("24 GB of zeros", "ACCESSOR_ZERO_BOMB", lambda: _accessor(bufferView=None, count=2_000_000_000)),
        Case(
            "6 GB from sparse",
            "ACCESSOR_ZERO_BOMB",
            lambda: _accessor(bufferView=None, count=500_000_000, sparse={"count": 1, **sparse}),
        ),
        Case(
            "sparse out of order",
            "ACCESSOR_SPARSE_INDICES_NON_INCREASING",
            lambda: glb(changed("accessors", 0, "sparse", to={"count": 3, **sparse}), unordered),
        ),
        Case(
            "sparse out of range",
            "ACCESSOR_SPARSE_INDEX_OOB",
            lambda: glb(
                changed("accessors", 0, "sparse", to={"count": 3, **sparse}),
                POSITIONS + struct.pack("<3H", 0, 1, 3) + bytes(6),
            ),
        ),
        Case(
            "sparse more than all",
            "ACCESSOR_SPARSE_COUNT_OUT_OF_RANGE",
            lambda: _accessor(sparse={"count": 4, **sparse}),
        ),
        Case("stride 1", "VALUE_NOT_IN_RANGE", lambda: glb(changed("bufferViews", 0, "byteStride", to=1))),
        Case(
            "stride below the element",
            "ACCESSOR_SMALL_BYTESTRIDE",
            lambda: glb(changed("bufferViews", 0, "byteStride", to=4)),
        ),
        Case("NaN in positions", "ACCESSOR_INVALID_FLOAT", _nan_positions),
        Case("no bounds", "MESH_PRIMITIVE_POSITION_ACCESSOR_WITHOUT_BOUNDS", lambda: _accessor(min=None, max=None)),
        Case("wrong bounds", "ACCESSOR_MAX_MISMATCH", lambda: _accessor(max=[1, 2, 0])),
        Case(
            "unknown component type",
            "MESH_PRIMITIVE_ATTRIBUTES_ACCESSOR_INVALID_FORMAT",
            lambda: _accessor(componentType=9999),
        ),
        Case("unaligned", "ACCESSOR_OFFSET_ALIGNMENT", lambda: _accessor(byteOffset=2, count=2)),
        Case("mode 99", "VALUE_NOT_IN_LIST", lambda: glb(changed("meshes", 0, "primitives", 0, "mode", to=99))),
        Case("unequal counts", "MESH_PRIMITIVE_UNEQUAL_ACCESSOR_COUNT", _unequal_counts),
        Case("the same bytes 10,000 times", "DECODED_TOO_LARGE", _same_bytes_often),
        Case("meshopt that unpacks to more than its view", "MESHOPT_SIZE_MISMATCH", lambda: _meshopt(count=50_000_000)),
        Case("a meshopt bomb", "MESHOPT_BOMB", _meshopt_bomb),
        Case("meshopt with an odd stride", "MESHOPT_INVALID", lambda: _meshopt(byteStride=6, count=6)),
        Case("times backwards", "ACCESSOR_ANIMATION_INPUT_NON_INCREASING", lambda: animated([1.0, 0.5, 0.75], 3)),
        Case("times below zero", "ACCESSOR_ANIMATION_INPUT_NEGATIVE", lambda: animated([-1.0, 0.5], 2)),
        Case(
            "three values for two times",
            "ANIMATION_SAMPLER_OUTPUT_ACCESSOR_INVALID_COUNT",
            lambda: animated([0.0, 1.0], 3),
        ),
        Case("an animation", None, lambda: animated([0.0, 1.0], 2)),
        Case("a turning animation", None, lambda: animated([0.0, 1.0], 2, "rotation", 4)),
        Case(
            "a sampler that is not there",
            "UNRESOLVED_REFERENCE",
            lambda: gltf(
                triangle()
                | {
                    "animations": [
                        {
                            "channels": [{"sampler": 4, "target": {"node": 0, "path": "scale"}}],
                            "samplers": [{"input": 0, "output": 0}],
                        }
                    ]
                }
            ),
        ),
    ]


def _unequal_counts() -> bytes:
    tree = triangle()
    tree["accessors"].append({"bufferView": 0, "componentType": 5126, "count": 2, "type": "VEC3"})
    tree["meshes"][0]["primitives"][0]["attributes"]["NORMAL"] = 2
    return glb(tree)


def _same_bytes_often() -> bytes:
    tree = triangle()
    tree["buffers"][0]["byteLength"] = 1_200_000
    tree["bufferViews"].append({"buffer": 0, "byteLength": 1_200_000})
    tree["accessors"] += [{"bufferView": 2, "componentType": 5126, "count": 100_000, "type": "VEC3"}] * 10_000
    return glb(tree, BINARY + bytes(1_200_000 - len(BINARY)))


def _meshopt_bomb() -> bytes:
    tree = triangle()
    count = 50_000_000
    tree["buffers"].append({"byteLength": count * 12, "extensions": {"EXT_meshopt_compression": {"fallback": True}}})
    tree["bufferViews"][0] = {
        "buffer": 1,
        "byteLength": count * 12,
        "byteStride": 12,
        "extensions": {
            "EXT_meshopt_compression": {
                "buffer": 0,
                "byteLength": 36,
                "byteStride": 12,
                "count": count,
                "mode": "ATTRIBUTES",
            }
        },
    }
    tree["extensionsUsed"] = tree["extensionsRequired"] = ["EXT_meshopt_compression"]
    return glb(tree)


def _uri_cases() -> list[Case]:
    refused = {
        "out of the folder": "../../../../etc/passwd",
        "out of the folder, escaped": "%2e%2e/%2e%2e/etc/passwd",
        "a separator in an escape": "..%2f..%2fetc%2fpasswd",
        "an absolute path": "/etc/passwd",
        "file:": "file:///etc/passwd",
        "http:": "http://169.254.169.254/latest/meta-data/",
        "https:": "https://example.com/a.bin",
        "another host": "//example.com/a.bin",
        "a Windows drive": "C:\\Windows\\win.ini",
        "a Windows drive, escaped": "C%3A/Windows/win.ini",
        "a Windows share": "\\\\host\\share\\a.bin",
        "backslashes": "..\\..\\secret.bin",
        "NUL": "a.bin\0.png",
        "NUL, escaped": "a.bin%00.png",
        "mxc:": "mxc://evil.example/../../_matrix/client/v3/account",
        "blob:": "blob:https://x/1",
        "a fragment": "a.bin#b",
        "a device": "../../../../../../dev/zero",
    }
    cases = [Case(f"a buffer at {name}", "UNSAFE_URI", lambda uri=uri: _uri(uri)) for name, uri in refused.items()]  # type: ignore[misc]
    unused = triangle()
    unused["buffers"].append({"byteLength": 4, "uri": "http://example.com/unused.bin"})
    return [
        *cases,
        Case("a buffer that is not there", "IO_ERROR", lambda: _uri("not_here.bin")),
        Case("a remote buffer that nothing uses", None, lambda: gltf(unused)),
        Case(
            "a remote image",
            "UNSAFE_URI",
            lambda: gltf(
                triangle() | {"images": [{"uri": "https://tracker.example/p.png"}], "textures": [{"source": 0}]}
            ),
        ),
        Case("broken base64", "INVALID_URI", lambda: _uri("data:application/octet-stream;base64,@@@@")),
        Case("a broken data: header", "INVALID_URI", lambda: _uri("data:application/octet-stream;;base64,AA==")),
        Case("4 MB for 48 bytes", "BUFFER_TOO_LONG", lambda: gltf(triangle(), bytes(4_500_000))),
        Case("a short buffer", "BUFFER_BYTE_LENGTH_MISMATCH", lambda: gltf(triangle(), bytes(40))),
        Case(
            "a data: URI in percent signs",
            None,
            lambda: _uri("data:application/octet-stream," + "".join(f"%{byte:02x}" for byte in BINARY)),
        ),
        Case(
            "a link to javascript:",
            "UNSAFE_LINK",
            lambda: gltf(with_extension("OMI_link", node={"uri": "javascript:alert(1)"})),
        ),
        Case(
            "a portal to data:",
            "UNSAFE_LINK",
            lambda: gltf(with_extension("MX_portal", node={"uri": "data:text/html,x"})),
        ),
        Case(
            "a link to https:",
            None,
            lambda: gltf(with_extension("OMI_link", node={"uri": "https://example.com", "title": "x"})),
        ),
        Case(
            "a link to matrix:",
            None,
            lambda: gltf(with_extension("OMI_link", node={"uri": "matrix:r/plaza:localhost"})),
        ),
    ]


def _image_cases() -> list[Case]:
    text_bomb = png_chunk(b"zTXt", b"Comment\0\0" + _BOMB)
    profile_bomb = png_chunk(b"iCCP", b"profile\0\0" + _BOMB)
    international_bomb = png_chunk(b"iTXt", b"Comment\0\1\0en\0Kommentar\0" + _BOMB)
    return [
        Case("a png", None, lambda: with_image(png(), "image/png")),
        Case("a jpeg", None, lambda: with_image(jpeg(64, 32), "image/jpeg")),
        Case("30,000 × 30,000", "IMAGE_TOO_LARGE", lambda: with_image(png(30_000, 30_000), "image/png")),
        Case("65,535 × 65,535, cut off", "IMAGE_TOO_LARGE", lambda: with_image(png(65_535, 65_535)[:40], "image/png")),
        Case("2^31 − 1 pixels wide", "IMAGE_TOO_LARGE", lambda: with_image(png(2**31 - 1, 2**31 - 1), "image/png")),
        Case("a wrong checksum", None, lambda: with_image(png(bad_crc=True), "image/png")),
        Case("a png cut off", "IMAGE_UNEXPECTED_EOS", lambda: with_image(png(end=False), "image/png")),
        Case("a text bomb", "IMAGE_TEXT_BOMB", lambda: with_image(png(extra=text_bomb), "image/png")),
        Case("a profile bomb", "IMAGE_TEXT_BOMB", lambda: with_image(png(extra=profile_bomb), "image/png")),
        Case("an iTXt bomb", "IMAGE_TEXT_BOMB", lambda: with_image(png(extra=international_bomb), "image/png")),
        Case("a jpeg bomb", "IMAGE_TOO_LARGE", lambda: with_image(jpeg(65_000, 65_000), "image/jpeg")),
        Case("a jpeg without a size", "IMAGE_DATA_INVALID", lambda: with_image(b"\xff\xd8\xff\xd9", "image/jpeg")),
        Case(
            "webp without its extension",
            "IMAGE_NON_ENABLED_MIME_TYPE",
            lambda: with_image(webp_lossless(16_384, 16_384), "image/webp"),
        ),
        Case("another type than it says", "IMAGE_MIME_TYPE_INVALID", lambda: with_image(png(), "image/jpeg")),
        Case("a gif", "IMAGE_NON_ENABLED_MIME_TYPE", lambda: with_image(b"GIF89a\1\0\1\0\0\0\0;", "image/gif")),
        Case("24 images of 8,192²", "IMAGES_TOO_LARGE", lambda: with_image(png(8192, 8192), "image/png", 24)),
        Case("no image at all", "IMAGE_UNRECOGNIZED_FORMAT", lambda: with_image(b"<svg onload=alert(1)>", "image/png")),
    ]


def _extension_cases() -> list[Case]:
    lights = {"lights": [{"type": "point"}] * 5000}
    audio = {"audio": [{"uri": "https://evil.example/a.mp3"}], "sources": [{"audio": 0}], "emitters": []}
    levels = triangle()
    levels["nodes"] = [{"mesh": 0, "extensions": {"MSFT_lod": {"ids": [other]}}} for other in (1, 0)]
    levels["extensionsUsed"] = ["MSFT_lod"]
    return [
        Case(
            "required, not used",
            "UNUSED_EXTENSION_REQUIRED",
            lambda: gltf(triangle() | {"extensionsRequired": ["KHR_mesh_quantization"]}),
        ),
        Case(
            "required, unknown",
            "UNSUPPORTED_REQUIRED_EXTENSION",
            lambda: gltf(triangle() | {"extensionsUsed": ["EVIL_x"], "extensionsRequired": ["EVIL_x"]}),
        ),
        Case(
            "not declared",
            "UNDECLARED_EXTENSION",
            lambda: gltf(with_extension("OMI_spawn_point", node={}, declared=False)),
        ),
        Case("a spawn point", None, lambda: gltf(with_extension("OMI_spawn_point", node={"title": "door"}))),
        Case(
            "unknown, optional",
            None,
            lambda: gltf(with_extension("ACME_thing", node={"any": [1, None]}, root={"x": 1})),
        ),
        Case(
            "a light that is not there",
            "UNRESOLVED_REFERENCE",
            lambda: gltf(
                with_extension("KHR_lights_punctual", node={"light": 7}, root={"lights": [{"type": "point"}]})
            ),
        ),
        Case("5,000 lights", "TOO_MANY_LIGHTS", lambda: gltf(with_extension("KHR_lights_punctual", root=lights))),
        Case(
            "a light too bright",
            "VALUE_NOT_IN_RANGE",
            lambda: gltf(
                with_extension("KHR_lights_punctual", root={"lights": [{"type": "point", "intensity": 1e30}]})
            ),
        ),
        Case(
            "a shape that is not there",
            "UNRESOLVED_REFERENCE",
            lambda: gltf(with_extension("OMI_physics_body", node={"collider": {"shape": 3}})),
        ),
        Case(
            "a mass below zero",
            "VALUE_NOT_IN_RANGE",
            lambda: gltf(with_extension("OMI_physics_body", node={"motion": {"type": "dynamic", "mass": -5}})),
        ),
        Case("remote sound", "UNSAFE_URI", lambda: gltf(with_extension("KHR_audio_emitter", root=audio))),
        Case(
            "a gain of 1e9",
            "VALUE_NOT_IN_RANGE",
            lambda: gltf(with_extension("KHR_audio_emitter", root={"sources": [{"gain": 1e9}]})),
        ),
        Case("50 million instances", "INSTANCING_BOMB", _instancing_bomb),
        Case("levels in a circle", "LOD_LOOP", lambda: gltf(levels)),
    ]


def _instancing_bomb() -> bytes:
    tree = with_extension("EXT_mesh_gpu_instancing", node={"attributes": {"TRANSLATION": 2}})
    tree["accessors"].append({"componentType": 5126, "count": 50_000_000, "type": "VEC3"})
    return gltf(tree)


CASES = [
    *_container_cases(),
    *_json_cases(),
    *_graph_cases(),
    *_data_cases(),
    *_uri_cases(),
    *_image_cases(),
    *_extension_cases(),
]
