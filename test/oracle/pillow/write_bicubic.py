"""Writes bicubic.json: what Pillow's bicubic makes of images, and torchvision's Resize and CenterCrop with either filter, for
test/runtime/data/{resize,images/fit-image}.test.ts.

    /usr/bin/python3 test/oracle/pillow/write_bicubic.py pixels     # with Pillow
    python3 test/oracle/pillow/write_bicubic.py fits                # with torchvision

Made with Debian's Pillow 9.4, which netc follows, and with torchvision 0.29 on Pillow 13. Images come from `noise`, as in
make-fixtures.py.
"""

import json
import pathlib
import sys

import PIL
from PIL import Image

from write_resized_crops import md5, noise

SIZES = [
    ((32, 32), (96, 96)),
    ((32, 32), (33, 31)),
    ((32, 32), (16, 16)),
    ((32, 32), (224, 224)),
    ((32, 32), (24, 40)),
    ((32, 32), (7, 32)),
    ((32, 32), (1, 1)),
    ((1, 1), (5, 3)),
    ((2, 3), (40, 41)),
    ((97, 61), (13, 200)),
    ((211, 300), (3, 5)),
]
# (height, width), Resize, CenterCrop, filter
FITS = [
    ((60, 90), 48, 40, "bicubic"),
    ((90, 61), 48, 40, "bilinear"),
    ((31, 20), 64, 56, "bicubic"),
    ((100, 133), 36, 32, "bicubic"),
    ((75, 75), 75, 64, "bicubic"),
    ((60, 90), (50, 44), 40, "bicubic"),
    ((20, 61), (32, 32), 32, "bilinear"),
]


def pixels():
    cases = []
    for start, size in SIZES:
        for channels in (1, 3):
            array = noise(*start, channels)
            image = Image.fromarray(array[:, :, 0] if channels == 1 else array)
            made = md5(image.resize((size[1], size[0]), Image.BICUBIC))
            cases.append({"from": start, "to": size, "channels": channels, "md5": made})
    return {"pillow": PIL.__version__, "resize": cases}


def fits():
    import torchvision
    from torchvision.transforms import CenterCrop, InterpolationMode, Resize

    cases = []
    for size, resize, crop, name in FITS:
        image = Image.fromarray(noise(*size, 3))
        made = CenterCrop(crop)(Resize(resize, InterpolationMode(name))(image))
        cases.append({"size": size, "resize": resize, "crop": crop, "interpolation": name, "md5": md5(made)})
    return {"torchvision": torchvision.__version__, "fits": cases}


place = pathlib.Path(__file__).with_name("bicubic.json")
known = json.loads(place.read_text()) if place.exists() else {}
made = pixels() if sys.argv[1] == "pixels" else fits()
place.write_text(json.dumps({**known, **made}, separators=(",", ":")) + "\n")
