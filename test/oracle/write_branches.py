"""Loss and gradients of networks whose values are read more than once, by PyTorch in float64. Writes branches.json.

Usage: /usr/bin/python3 test/oracle/write_branches.py
"""
import json
import os

import torch
import torch.nn.functional as F

import counter_random as random
from net_from_graph import shuffled

HERE = os.path.dirname(os.path.abspath(__file__))
COUNT, HEIGHT, WIDTH, CLASSES, SEED = 3, 6, 5, 4, 31


class Weights:
    """Leaves in the order in which they are asked for, in netc's layouts."""

    def __init__(self):
        self.leaves = {}

    def __call__(self, name, *shape):
        values = random.symmetric(SEED, random.PARAMETER + len(self.leaves), torch.Size(shape).numel()) / 2
        self.leaves[name] = torch.from_numpy(values).reshape(shape).requires_grad_()
        return self.leaves[name]

    def conv(self, name, x, outputs):
        weight = self(f"{name}.weight", 3, 3, x.shape[1], outputs)
        return F.conv2d(x, weight.permute(3, 2, 0, 1), padding=1)

    def linear(self, name, x, outputs):
        return x @ self(f"{name}.weight", x.shape[1], outputs) + self(f"{name}.bias", outputs)


def read_by_three(x, weights):
    stem = F.relu(weights.conv("stem", x, 4))
    return weights.conv("branch", stem, 4) + F.avg_pool2d(stem, 3, 1, 1) + stem


def sum_of_four(x, weights):
    stem = F.gelu(weights.conv("stem", x, 4))
    pooled = weights.conv("first", stem, 4) + F.max_pool2d(stem, 3, 1, 1)
    return pooled + F.avg_pool2d(stem, 3, 1, 1) + weights.conv("second", stem, 4)


def added_to_itself(x, weights):
    stem = weights.conv("stem", x, 4)
    return F.relu(stem + stem)


def gate(x, weights):
    stem = F.relu(weights.conv("stem", x, 12))
    squeezed = F.relu(weights.linear("squeeze", stem.mean((2, 3)), 3))
    excited = torch.sigmoid(weights.linear("excite", squeezed, 12))
    return stem * excited[:, :, None, None] + stem


def cut_and_put_together(x, weights):
    stem = F.silu(weights.conv("stem", x, 12))
    left, right = stem[:, :5], stem[:, 3:]
    product = left * weights.conv("branch", right, 5)
    return shuffled(torch.cat([product * product, right, left, product], 1), 4)


NETWORKS = {
    "channels that are cut, shuffled, multiplied and put together again": cut_and_put_together,
    "a gate that multiplies what it was computed from": gate,
    "a map read by three branches": read_by_three, "a sum of four": sum_of_four, "a map added to itself": added_to_itself}


def record(network):
    images = torch.from_numpy(random.symmetric(SEED, random.OPERAND, COUNT * HEIGHT * WIDTH * 3))
    weights = Weights()
    body = network(images.reshape(COUNT, HEIGHT, WIDTH, 3).permute(0, 3, 1, 2), weights)
    logits = weights.linear("classifier", body.mean((2, 3)), CLASSES)
    loss = F.cross_entropy(logits, torch.arange(COUNT) % CLASSES)
    loss.backward()
    rounded = lambda values: [float(f"{value:.9g}") for value in values.flatten().tolist()]
    return {"loss": float(f"{loss.item():.9g}"), "gradients": {name: rounded(leaf.grad) for name, leaf in weights.leaves.items()}}


def main():
    torch.set_num_threads(1)
    generator = f"test/oracle/write_branches.py, torch {torch.__version__}"
    with open(f"{HERE}/branches.json", "w") as file:
        json.dump({"generator": generator, **{name: record(network) for name, network in NETWORKS.items()}}, file)
        file.write("\n")


if __name__ == "__main__":
    main()
