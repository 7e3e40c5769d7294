"""Applies torchvision's own functions, with the parameters of augmentation-draws.json, and writes augmentations.json.

Images are drawn by counter_random, as imageOf in augmentations.ts draws them. Needs a torchvision with transforms.v2 (0.29.2
was used): pip install torchvision.

Usage: python3 test/oracle/write_augmentations.py
"""
import json
import os
from unittest import mock

import numpy as np
import torch
import torchvision
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as F

import counter_random as random

HERE = os.path.dirname(os.path.abspath(__file__))


def image_of(seed, index, height, width):
    image = (random.draw(seed, index, height * width * 3) >> np.uint64(24)).astype(np.uint8).reshape(-1, 3)
    for pixel in range(0, height * width, 7):
        image[pixel] = image[pixel, 0] if pixel % 3 == 0 else 0 if pixel % 2 == 0 else 255
    return torch.from_numpy(image.reshape(height, width, 3)).permute(2, 0, 1).contiguous()


def shifted(image, across, down, mode):
    if mode == "zero":
        return F.affine(image, angle=0, translate=[across, down], scale=1, shear=[0, 0], fill=0)
    margin = max(abs(across), abs(down))
    bordered = F.pad(image, [margin] * 4, padding_mode="reflect")
    return F.crop(bordered, margin - down, margin - across, *image.shape[1:])


def jittered(image, order, factors):
    adjust = {"brightness": F.adjust_brightness, "contrast": F.adjust_contrast,
              "saturation": F.adjust_saturation, "hue": F.adjust_hue}
    for operation in order:
        image = adjust[operation](image, factors[operation])
    return image


def mixed(transform, parameters, image, before):
    """torchvision mixes each image of a batch with the one before it."""
    pair = torch.stack([before, image]).float()
    return transform.transform(pair, {"labels": None, "batch_size": 2, **parameters})[1]


def cut_mixed(share, x, y, image, before):
    """CutMix's own box for a share and a centre that are not drawn."""
    transform = v2.CutMix(num_classes=2)
    draws = [torch.tensor([x]), torch.tensor([y])]
    with mock.patch.object(transform, "_dist") as distribution, mock.patch("torch.randint", side_effect=draws):
        distribution.sample.return_value = share
        parameters = transform.make_params([image[None]])
    return mixed(transform, parameters, image, before)


def augmented(case, seed):
    size = case["height"], case["width"]
    image = image_of(seed, case["index"], *size)
    given = case["parameters"]
    if "flip" in given:
        return F.horizontal_flip(image) if given["flip"] else image
    if "pad" in given:
        mode = {"zero": "constant", "reflect": "reflect"}[given["mode"]]
        return F.crop(F.pad(image, [given["pad"]] * 4, padding_mode=mode), given["top"], given["left"], *size)
    if "translate" in given:
        return shifted(image, *given["translate"], given["mode"])
    if "erase" in given:
        top, left, side = given["erase"]
        bottom, right = top + side, left + side
        top, left = max(top, 0), max(left, 0)
        fill = torch.tensor(given["fill"], dtype=torch.uint8)[:, None, None]
        return F.erase(image, top, left, min(bottom, size[0]) - top, min(right, size[1]) - left, fill)
    if "order" in given:
        return jittered(image, given["order"], given["factors"])
    before = image_of(seed, case["index"] + 100, *size)
    if "mixup" in given:
        return mixed(v2.MixUp(num_classes=2), {"lam": given["mixup"]}, image, before)
    return cut_mixed(given["cutmix"], given["x"], given["y"], image, before)


def main():
    with open(f"{HERE}/augmentation-draws.json") as file:
        draws = json.load(file)
    images = []
    for case in draws["cases"]:
        result = augmented(case, draws["seed"])
        values = result.permute(1, 2, 0).flatten().tolist()
        images.append(values if result.dtype == torch.uint8 else [float(f"{value:.6g}") for value in values])
    generator = f"test/oracle/write_augmentations.py, torchvision {torchvision.__version__.split('+')[0]}"
    lines = ",\n".join(json.dumps(values, separators=(",", ":")) for values in images)
    with open(f"{HERE}/augmentations.json", "w") as file:
        file.write('{"generator":' + json.dumps(generator) + ',"images":[\n' + lines + "\n]}\n")
    print(f"{len(images)} images")


if __name__ == "__main__":
    main()
