"""The security headers of everything that the gate itself serves. Pure.

The one rule: the client runs only its own code, speaks only to this origin and the homeserver, and is framed by nobody
else.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

COMMON = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": (
        "camera=(), geolocation=(), payment=(), usb=(), serial=(), bluetooth=(),"
        " microphone=(self), autoplay=(self), fullscreen=(self), gamepad=(self), xr-spatial-tracking=(self)"
    ),
}
API_POLICY = "default-src 'none'; frame-ancestors 'none'; sandbox"


def page_headers(connect_origins: Sequence[str]) -> dict[str, str]:
    """The headers of the client's page and files.

    `connect_origins`: URLs of other origins that it fetches from. `wasm-unsafe-eval` is for the glTF decoders, `blob:`
    for what glTF files hold (images, workers).
    """
    connect = " ".join(["'self'", "blob:", "data:", *sorted({_origin(url) for url in connect_origins})])
    policy = (
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; font-src 'self';"
        " img-src 'self' blob: data:; media-src 'self' blob:; worker-src 'self' blob:; manifest-src 'self';"
        f" connect-src {connect}; base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
    )
    return {**COMMON, "content-security-policy": policy}


def api_headers() -> dict[str, str]:
    """The headers of answers that are data."""
    return {**COMMON, "content-security-policy": API_POLICY}


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
