"""A pipeline written from an ONNX model's own metadata and nothing else: the probabilities of pictures' classes.

Usage: predict_from_metadata.py MODEL PICTURE...   (prints JSON: a list of {class: probability})
"""

import json
import math
import sys

import numpy as np
import onnxruntime
from PIL import Image, ImageOps


def decode(paths, step):
    """Pillow's own conversions; what is grey by the formula is what its convert("L") gives."""
    assert step["orientation"] == "exif" and step["alpha"] == "drop" and step["color_profile"] == "ignore"
    (path,) = paths
    pixels = np.asarray(ImageOps.exif_transpose(Image.open(path)).convert(step["channels"]))
    return [pixels.reshape(*pixels.shape[:2], -1)]


def triangle(x):
    return max(0.0, 1 - abs(x))


def cubic(x):
    """Keys's, with a = -0.5."""
    a, x = -0.5, abs(x)
    if x < 1:
        return ((a + 2) * x - (a + 3)) * x * x + 1
    return (((x - 5) * x + 8) * x - 4) * a if x < 2 else 0.0


FILTERS = {"triangle": triangle, "cubic": cubic}


def resampled(image, length, axis, how):
    """One pass over an axis, in whole numbers."""
    before = image.shape[axis]
    if before == length:
        return image
    assert how["filter"] in FILTERS and how["antialias"] and how["rounding"] == "half_up"
    scale = before / length
    reach = max(scale, 1.0)
    weight_at = FILTERS[how["filter"]]
    weights = np.zeros((length, before), dtype=np.int64)
    for target in range(length):
        centre = (target + 0.5) * scale
        near = [weight_at((x + 0.5 - centre) / reach) for x in range(before)]
        total = sum(near)
        weights[target] = [
            math.trunc(math.copysign(0.5, weight) + weight / total * 2 ** how["weight_bits"]) for weight in near
        ]
    moved = np.moveaxis(image.astype(np.int64), axis, 0)
    sums = np.tensordot(weights, moved, 1) + 2 ** (how["weight_bits"] - 1)
    return np.moveaxis(np.clip(sums >> how["weight_bits"], 0, 255), 0, axis).astype(np.uint8)


def resize_to(image, height, width, how):
    """Both passes, in the order that is said."""
    for side in how["order"]:
        length, axis = {"height": (height, 0), "width": (width, 1)}[side]
        image = resampled(image, length, axis, how)
    return image


def resize(images, step):
    """Whatever the proportions."""
    return [resize_to(image, step["height"], step["width"], step["resampling"]) for image in images]


def resize_and_center_crop(images, step):
    """Python's own round() is the one that is meant by half_to_even."""
    assert step["longer_side"] == "floor" and step["crop_offset"] == "half_to_even"
    height, width = step["height"], step["width"]
    (image,) = images
    rows, columns, _ = image.shape
    wanted = step.get("resize")
    least_height, least_width = (wanted, wanted) if isinstance(wanted, int) else (height, width)
    if isinstance(wanted, dict):
        covering = (wanted["height"], wanted["width"])
    elif rows * least_width >= columns * least_height:
        covering = (least_width * rows // columns, least_width)
    else:
        covering = (least_height, least_height * columns // rows)
    resized = resize_to(image, *covering, step["resampling"])
    top, left = round((covering[0] - height) / 2), round((covering[1] - width) / 2)
    return [resized[top : top + height, left : left + width]]


def views(images, step):
    """NumPy's "reflect" does not repeat the border either."""
    (image,) = images
    height, width, _ = image.shape
    shown = []
    for view in step["views"]:
        by = view["shift"]
        padded = np.pad(image, ((abs(by),) * 2, (abs(by),) * 2, (0, 0)), mode=step["border"])
        moved = padded[abs(by) + by :, abs(by) + by :][:height, :width]
        shown.append(moved[:, ::-1] if view["mirror"] else moved)
    return shown


def average_views(logits, step):
    """One vector in place of several."""
    return [sum(weight * own.astype(np.float64) for weight, own in zip(step["weights"], logits, strict=True))]


def softmax(logits, _step):
    """Of the one vector that is left."""
    (own,) = logits
    exponentials = np.exp(own.astype(np.float64) - own.max())
    return exponentials / exponentials.sum()


session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
metadata = session.get_modelmeta().custom_metadata_map
classes, description = json.loads(metadata["classes"]), json.loads(metadata["preprocessing"])
assert description["version"] == 1


def model(images, step):
    """Images of uint8; normalisation is in the model."""
    assert step["layout"] == "NHWC" and step["type"] == "uint8" and step["contains"]
    batch = np.stack(images)
    assert list(batch.shape[1:]) == step["shape"][1:]
    return list(session.run(None, {session.get_inputs()[0].name: batch})[0])


STEPS = {step.__name__: step for step in (decode, resize, resize_and_center_crop, views, model, average_views, softmax)}

found = []
for picture in sys.argv[2:]:
    value = [picture]
    for settings in description["steps"]:
        value = STEPS[settings["step"]](value, settings)
    found.append(dict(zip(classes, value.tolist(), strict=True)))
print(json.dumps(found))
