"""interim"""

from __future__ import annotations

import io

from PIL import Image

from roomscale.scenes.package.pictures import Encoded, Picture


def encode(picture: Picture, edge: int, plain: bool) -> Encoded | None:
    try:
        with Image.open(io.BytesIO(picture.data)) as opened:
            opened.load()
            image: Image.Image = opened
    except Exception:
        return None
    image = image.convert("RGBA" if "A" in image.getbands() or "transparency" in image.info else "RGB")
    scale = min(1.0, edge / max(image.size))
    if scale < 1:
        image = image.resize(
            (max(1, round(image.width * scale)), max(1, round(image.height * scale))), Image.Resampling.LANCZOS
        )
    out = io.BytesIO()
    if not plain:
        image.save(out, "WEBP", quality=80)
        return Encoded(out.getvalue(), "image/webp", *image.size)
    if image.mode == "RGBA":
        image.save(out, "PNG", optimize=True)
        return Encoded(out.getvalue(), "image/png", *image.size)
    image.save(out, "JPEG", quality=85)
    return Encoded(out.getvalue(), "image/jpeg", *image.size)
