"""Writes what Pillow and PyTorch make of images, for test/runtime/data/{resize,augment}.test.ts.

    /usr/bin/python3 test/oracle/pillow/make-fixtures.py ~/.cache/netc/cifar10/cifar-10-batches-bin

Made with Debian's Pillow 9.4 and PyTorch 1.13. images.bin holds the first 16 CIFAR-10 test images, interleaved.
Generated images come from the recurrence in `noise`, which the tests repeat.
"""

import hashlib
import json
import pathlib
import sys

import numpy
import PIL
import torch
from PIL import Image, ImageOps

HERE = pathlib.Path(__file__).parent
COUNT = 16
PADDING = 4
# (from height, from width), (to height, to width): both ways, mixed, one axis alone, extreme.
SIZES = [
    ((32, 32), (96, 96)),
    ((32, 32), (64, 64)),
    ((32, 32), (224, 224)),
    ((32, 32), (33, 31)),
    ((32, 32), (16, 16)),
    ((32, 32), (24, 40)),
    ((32, 32), (32, 50)),
    ((32, 32), (7, 32)),
    ((32, 32), (1, 1)),
    ((32, 32), (32, 32)),
    ((1, 1), (5, 3)),
    ((5, 3), (96, 17)),
    ((97, 61), (13, 200)),
    ((211, 300), (3, 5)),
    ((2, 1000), (3, 7)),
]


def noise(height, width, channels):
    """Bytes of a 32-bit linear congruential generator (Numerical Recipes), highest first."""
    state, values = height * 65537 + width * 257 + channels, []
    for _ in range(height * width * channels):
        state = (state * 1664525 + 1013904223) % 2**32
        values.append(state >> 24)
    return numpy.array(values, numpy.uint8).reshape(height, width, channels)


def to_pillow(array):
    return Image.fromarray(array[:, :, 0] if array.shape[2] == 1 else array)


def md5(array):
    return hashlib.md5(numpy.ascontiguousarray(array).tobytes()).hexdigest()


def resized(array, size):
    return numpy.asarray(to_pillow(array).resize((size[1], size[0]), Image.BILINEAR))


def cropped(array, mode, top, left, mirrored):
    """torchvision's RandomCrop(32, padding) at a given place, then a mirror."""
    if mode == "zero":
        padded = ImageOps.expand(Image.fromarray(array), border=PADDING, fill=0)
    else:  # torchvision pads arrays with numpy's "reflect"; PyTorch's own must agree
        padded = numpy.pad(array, ((PADDING, PADDING), (PADDING, PADDING), (0, 0)), mode="reflect")
        planes = torch.from_numpy(array).permute(2, 0, 1)[None].float()
        other = torch.nn.functional.pad(planes, (PADDING,) * 4, mode="reflect")[0].permute(1, 2, 0).byte().numpy()
        assert (padded == other).all()
        padded = Image.fromarray(padded)
    image = padded.crop((left, top, left + array.shape[1], top + array.shape[0]))
    return numpy.asarray(ImageOps.mirror(image) if mirrored else image)


def main():
    batch = numpy.fromfile(pathlib.Path(sys.argv[1]) / "test_batch.bin", numpy.uint8, COUNT * 3073)
    images = batch.reshape(COUNT, 3073)[:, 1:].reshape(COUNT, 3, 32, 32).transpose(0, 2, 3, 1)
    images = numpy.ascontiguousarray(images)
    images.tofile(HERE / "images.bin")

    resize = {"pillow": PIL.__version__, "cifar": [], "noise": []}
    for start, size in SIZES:
        if start == (32, 32):
            resize["cifar"].append({"to": size, "md5": [md5(resized(image, size)) for image in images]})
        for channels in (1, 3):
            case = {"from": start, "to": size, "channels": channels}
            resize["noise"].append({**case, "md5": md5(resized(noise(*start, channels), size))})
    # One image in full, so that a difference can be seen and not only known.
    resize["first_to_40x40"] = resized(images[0], (40, 40)).reshape(-1).tolist()
    (HERE / "resize.json").write_text(json.dumps(resize) + "\n")

    crops = {
        f"{mode} {top} {left} {'mirrored' if mirrored else 'straight'}": md5(cropped(images[1], mode, top, left, mirrored))
        for mode in ("zero", "reflect")
        for top in range(2 * PADDING + 1)
        for left in range(2 * PADDING + 1)
        for mirrored in (False, True)
    }
    (HERE / "crops.json").write_text(json.dumps(crops, indent=1) + "\n")


main()
