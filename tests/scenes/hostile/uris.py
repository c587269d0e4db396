"""Names of files that lead out of the folder, and those that only look like it."""

from __future__ import annotations

from tests.scenes.crafted import BINARY, changed, gltf, triangle, with_extension
from tests.scenes.hostile.case import Case


def _uri(uri: str) -> bytes:
    return gltf(changed("buffers", 0, "uri", to=uri))


def uri_cases() -> list[Case]:
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
