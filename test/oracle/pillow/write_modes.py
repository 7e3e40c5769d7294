"""Writes modes.json: small pictures of every kind that a file can have, and what Pillow 9.4 makes of them in RGB.

16-bit grey keeps its upper eight bits, where Pillow's own convert would clip it; the transparent pixels of a GIF are black.
"""

import base64
import io
import json
from pathlib import Path

import numpy as np
from PIL import Image

SIDE = 8
y, x = np.mgrid[0:SIDE, 0:SIDE]
rgb = np.stack([x * 32, y * 32, (x + y) * 16], -1).astype(np.uint8)
noise = np.random.RandomState(0).randint(0, 256, (SIDE, SIDE, 4)).astype(np.uint8)
grey16 = Image.fromarray((rgb[..., 0].astype(np.uint16) * 255 + 77))
palette = Image.fromarray(rgb).quantize(16)

PICTURES = {
    "16-bit grey PNG": (grey16, "PNG", {}),
    "16-bit grey TIFF": (grey16, "TIFF", {}),
    "CMYK JPEG": (Image.fromarray(rgb).convert("CMYK"), "JPEG", {"quality": 100}),
    "CMYK TIFF": (Image.fromarray(noise, "CMYK"), "TIFF", {}),
    "RGBA PNG": (Image.fromarray(noise, "RGBA"), "PNG", {}),
    "grey PNG with alpha": (Image.fromarray(np.ascontiguousarray(noise[..., :2]), "LA"), "PNG", {}),
    "palette PNG with transparency": (palette, "PNG", {"transparency": 3}),
    "1-bit PNG": (Image.fromarray(noise[..., 0] > 127), "PNG", {}),
    "GIF": (palette, "GIF", {}),
    "GIF with transparency": (palette, "GIF", {"transparency": 3}),
    "RGB TIFF": (Image.fromarray(rgb), "TIFF", {"compression": "tiff_lzw"}),
    "1-bit TIFF": (Image.fromarray(noise[..., 0] > 127), "TIFF", {"compression": "group4"}),
    "RGBA WebP": (Image.fromarray(noise, "RGBA"), "WEBP", {"lossless": True, "exact": True}),
}


def in_rgb(image: Image.Image) -> np.ndarray:
    if image.mode.startswith("I"):
        return np.stack([(np.asarray(image).astype(np.int64) >> 8).astype(np.uint8)] * 3, -1)
    if image.format != "GIF":
        return np.asarray(image.convert("RGB"))
    shown = np.asarray(image.convert("RGBA"))
    return np.where(shown[..., 3:] > 0, shown[..., :3], 0).astype(np.uint8)


cases = []
for name, (image, kind, options) in PICTURES.items():
    file = io.BytesIO()
    image.save(file, kind, **options)
    pixels = in_rgb(Image.open(io.BytesIO(file.getvalue())))
    encoded = [base64.b64encode(data).decode() for data in (file.getvalue(), pixels.tobytes())]
    cases.append({"name": name, "file": encoded[0], "pixels": encoded[1]})
lines = ",\n".join("  " + json.dumps(case) for case in cases)
Path(__file__).with_name("modes.json").write_text(f"[\n{lines}\n]\n")
