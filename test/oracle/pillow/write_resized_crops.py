"""Writes what torchvision makes of images, for test/runtime/data/{random-resized-crop,images/fit-image}.test.ts.

    python3 test/oracle/pillow/write_resized_crops.py boxes     # with torchvision
    python3 test/oracle/pillow/write_resized_crops.py pixels    # with Pillow

The boxes and fitted images were made with torchvision 0.29, the pixels of the boxes with Debian's Pillow 9.4, which netc
follows: Pillow 13 resizes some shapes down before across, and rounds otherwise by one of 255. The draws are given: torchvision's calls of uniform_ and randint are answered from
a list of numbers in [0, 1), which the test gives to netc's own in the same order. Images come from `noise`, as in
make-fixtures.py.
"""

import hashlib
import json
import pathlib
import random
import sys

import numpy
import PIL
from PIL import Image

SETTINGS = [
    ((32, 32), [0.08, 1], [3 / 4, 4 / 3]),
    ((40, 61), [0.3, 1], [3 / 4, 4 / 3]),
    ((97, 23), [0.9, 1], [3 / 4, 4 / 3]),  # no box of these proportions fits: the middle is taken
    ((23, 97), [0.9, 1], [3 / 4, 4 / 3]),
    ((50, 40), [1, 1], [1, 1.9]),
]
FITS = [((60, 90), 40), ((90, 61), 40), ((33, 32), 32), ((32, 32), 32), ((20, 31), 48), ((211, 300), 7), ((64, 67), 64)]


def noise(height, width, channels):
    """Bytes of a 32-bit linear congruential generator (Numerical Recipes), highest first."""
    state, values = height * 65537 + width * 257 + channels, []
    for _ in range(height * width * channels):
        state = (state * 1664525 + 1013904223) % 2**32
        values.append(state >> 24)
    return numpy.array(values, numpy.uint8).reshape(height, width, channels)


def md5(image):
    return hashlib.md5(numpy.ascontiguousarray(numpy.asarray(image)).tobytes()).hexdigest()


def box_for(size, scale, ratio, draws):
    """torchvision's own get_params, its random numbers replaced by `draws`; the box and how many were taken."""
    import torch
    from torchvision.transforms import RandomResizedCrop

    given = iter(draws)

    def uniform(tensor, low=0.0, high=1.0):
        return torch.tensor([low + (high - low) * next(given)], dtype=torch.float64)

    def randint(low, high, size):
        return torch.tensor([low + int(next(given) * (high - low))])

    kept = torch.Tensor.uniform_, torch.randint, torch.log
    torch.Tensor.uniform_, torch.randint = uniform, randint
    torch.log = lambda tensor: kept[2](tensor.double())
    try:
        image = Image.new("RGB", (size[1], size[0]))
        box = RandomResizedCrop.get_params(image, scale, ratio)
    finally:
        torch.Tensor.uniform_, torch.randint, torch.log = kept
    return [int(value) for value in box]


def boxes():
    import torchvision
    from torchvision.transforms import CenterCrop, Resize

    draw = random.Random(5)
    crops = []
    for size, scale, ratio in SETTINGS:
        for _ in range(12):
            draws = [draw.randrange(2**24) / 2**24 for _ in range(22)]
            top, left, height, width = box_for(size, scale, ratio, draws)
            box = {"top": top, "left": left, "height": height, "width": width}
            crops.append({"size": size, "scale": scale, "ratio": ratio, "draws": draws, "box": box})
    fits = []
    for size, side in FITS:
        image = Image.fromarray(noise(*size, 3))
        fits.append({"size": size, "side": side, "md5": md5(CenterCrop(side)(Resize(side)(image)))})
    return {"boxes made with": f"torchvision {torchvision.__version__}", "crops": crops, "fits": fits}


def pixels(fixture):
    """torchvision's resized_crop on a Pillow image: crop, then resize."""
    for crop in fixture["crops"]:
        box = crop["box"]
        edges = (box["left"], box["top"], box["left"] + box["width"], box["top"] + box["height"])
        image = Image.fromarray(noise(*crop["size"], 3)).crop(edges)
        crop["md5"] = md5(image.resize((20, 24), Image.BILINEAR))
    return {**fixture, "pixels made with": f"Pillow {PIL.__version__}"}


if __name__ == "__main__":
    place = pathlib.Path(__file__).with_name("resized-crops.json")
    result = boxes() if sys.argv[1] == "boxes" else pixels(json.loads(place.read_text()))
    place.write_text(json.dumps(result, separators=(",", ":")) + "\n")
