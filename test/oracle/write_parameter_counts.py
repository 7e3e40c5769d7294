"""Counts the parameters of torch.nn modules built from eleven model descriptions and writes parameter-counts.json.

The descriptions are netc's `data` and `model` with nothing left out that changes a count. The modules are written from the
papers' wording, without a look at netc's graph.

Usage: /usr/bin/python3 test/oracle/write_parameter_counts.py
"""
import json
import os

import torch
from torch import nn

HERE = os.path.dirname(os.path.abspath(__file__))


def norm(eps=1e-5):
    return {"batch": {"eps": eps, "momentum": 0.1}}


def stem(channels, kernel=3, stride=1, padding=1, bias=False, norm_=norm(), activation="relu", pool=None):
    return {"channels": channels, "kernel": kernel, "stride": stride, "padding": padding, "bias": bias,
            "norm": norm_, "activation": activation, "pool": pool}


def stage(channels, blocks, stride=1, projection=False, norm_=norm(), before_add=False, activation="relu"):
    return {"channels": channels, "blocks": blocks, "stride": stride, "projection": projection, "norm": norm_,
            "activation": activation, "activation_before_add": before_add}


PLAIN = {"bias": False, "norm": norm()}
BIASED = {"bias": True, "norm": "none"}


def cifar(depth, projection=PLAIN):
    """6n + 2 layers, with projections, or without parameters as in the paper (He et al. 2015, section 4.2)."""
    blocks = (depth - 2) // 6
    return {"stem": stem(16), "pooling": "global_average", "stages": [
        stage(16, blocks), stage(32, blocks, 2, projection), stage(64, blocks, 2, projection)]}


def window(kernel, stride, padding=0):
    return {"kernel": kernel, "stride": stride, "padding": padding}


DESCRIPTIONS = [
    {"name": "resnet-20", "classes": 10, "size": [32, 32], **cifar(20)},
    {"name": "resnet-32 of 100 classes", "classes": 100, "size": [32, 32], **cifar(32)},
    {"name": "resnet-110", "classes": 10, "size": [32, 32], **cifar(110)},
    {"name": "tutorial-96", "classes": 10, "size": [96, 96],
     "stem": stem(64, 7, 2, 0, True, norm(1e-3), pool={"max": window(3, 2, 1)}),
     "stages": [stage(64, 2, before_add=True)] + [stage(c, 2, 2, BIASED, before_add=True) for c in (128, 256, 512)],
     "pooling": {"average": window(3, 3)}},
    {"name": "resnet-18 for small images", "classes": 10, "size": [32, 32], "stem": stem(64),
     "stages": [stage(64, 2)] + [stage(c, 2, 2, PLAIN) for c in (128, 256, 512)], "pooling": "global_average"},
    {"name": "resnet-34 at 224", "classes": 200, "size": [224, 224], "stem": stem(64, 7, 2, 3, pool={"max": window(3, 2, 1)}),
     "stages": [stage(64, 3), stage(128, 4, 2, PLAIN), stage(256, 6, 2, PLAIN), stage(512, 3, 2, PLAIN)],
     "pooling": "global_average"},
    {"name": "no norm, odd channels", "classes": 7, "size": [33, 27], "stem": stem(5, 5, 3, 1, True, "none"),
     "stages": [stage(5, 1, norm_="none"), stage(11, 2, 3, BIASED, norm_="none")], "pooling": {"max": window(2, 1)}},
    {"name": "projection with bias and norm", "classes": 3, "size": [20, 24], "stem": stem(6, 4, 2, 2, True),
     "stages": [stage(10, 1, 1, {"bias": True, "norm": norm()}), stage(9, 3, 2, {"bias": False, "norm": "none"})],
     "pooling": {"average": window(2, 2, 1)}},
    {"name": "no classifier bias, wide", "classes": 10, "size": [32, 32], "bias": False, "stem": stem(32, pool={"max": window(2, 2)}),
     "stages": [stage(64, 1, 1, PLAIN), stage(128, 1, 2, PLAIN), stage(256, 1, 2, PLAIN)], "pooling": {"average": window(4, 4)}},
    {"name": "one block, identity", "classes": 2, "size": [8, 8], "stem": stem(1, 1, 1, 0, False, "none", "none"),
     "stages": [stage(1, 1, activation="none")], "pooling": "global_average"},
    {"name": "resnet-56, option A", "classes": 10, "size": [32, 32], **cifar(56, "subsample")},
]


def norm_modules(description, channels):
    return [] if description == "none" else [nn.BatchNorm2d(channels, **description["batch"])]


def activation_modules(name):
    return [] if name == "none" else [nn.ReLU()]


class OptionA(nn.Module):
    def __init__(self, channels, stride):
        super().__init__()
        self.channels, self.stride = channels, stride

    def forward(self, x):
        zeros = x.new_zeros(x.shape[0], self.channels - x.shape[1], *x.shape[2:])
        return torch.cat([x, zeros], 1)[:, :, ::self.stride, ::self.stride]


class Block(nn.Module):
    def __init__(self, inputs, description, first):
        super().__init__()
        channels, stride = description["channels"], description["stride"] if first else 1
        activation = activation_modules(description["activation"])
        self.branch = nn.Sequential(
            nn.Conv2d(inputs, channels, 3, stride, 1, bias=False), *norm_modules(description["norm"], channels), *activation,
            nn.Conv2d(channels, channels, 3, 1, 1, bias=False), *norm_modules(description["norm"], channels),
            *(activation if description["activation_before_add"] else []))
        projection = description["projection"] if first else False
        self.shortcut = nn.Identity() if not projection else OptionA(channels, stride) if projection == "subsample" else nn.Sequential(
            nn.Conv2d(inputs, channels, 1, stride, bias=projection["bias"]), *norm_modules(projection["norm"], channels))
        self.activation = nn.Sequential(*activation)

    def forward(self, x):
        return self.activation(self.branch(x) + self.shortcut(x))


def network(description):
    first = description["stem"]
    modules = [
        nn.Conv2d(3, first["channels"], first["kernel"], first["stride"], first["padding"], bias=first["bias"]),
        *norm_modules(first["norm"], first["channels"]), *activation_modules(first["activation"])]
    if first["pool"]:
        size = first["pool"]["max"]
        modules.append(nn.MaxPool2d(size["kernel"], size["stride"], size["padding"]))
    channels = first["channels"]
    for part in description["stages"]:
        for index in range(part["blocks"]):
            modules.append(Block(channels, part, index == 0))
            channels = part["channels"]
    pooling = description["pooling"]
    if pooling == "global_average":
        modules.append(nn.AdaptiveAvgPool2d(1))
    else:
        (kind, size), = pooling.items()
        make = nn.AvgPool2d if kind == "average" else nn.MaxPool2d
        modules.append(make(size["kernel"], size["stride"], size["padding"]))
    features = nn.Sequential(*modules, nn.Flatten())
    with torch.no_grad():
        width = features.eval()(torch.zeros(1, 3, *description["size"])).shape[1]
    return nn.Sequential(features, nn.Linear(width, description["classes"], bias=description.get("bias", True)))


def record(description):
    height, width = description["size"]
    net = network(description)
    synthetic = {"train_images": 8, "test_images": 8, "height": height, "width": width, "channels": 3,
                 "classes": description["classes"]}
    return {
        "name": description["name"],
        "data": {"dataset": {"synthetic": synthetic}},
        "model": {
            **{key: description[key] for key in ("stem", "stages", "pooling")},
            "classifier": {"classes": description["classes"], "bias": description.get("bias", True)},
        },
        "parameters": sum(parameter.numel() for parameter in net.parameters()),
        "statistics": sum(buffer.numel() for name, buffer in net.named_buffers() if "running" in name),
    }


def main():
    records = [record(description) for description in DESCRIPTIONS]
    with open(f"{HERE}/parameter-counts.json", "w") as file:
        generator = f"test/oracle/write_parameter_counts.py, torch {torch.__version__}"
        lines = ",\n".join(json.dumps(one, separators=(",", ":")) for one in records)
        file.write('{"generator":' + json.dumps(generator) + ',"networks":[\n' + lines + "\n]}\n")
    for one in records:
        print(f"{one['parameters']:>12,}  {one['name']}")


if __name__ == "__main__":
    main()
