"""How far PyTorch's own float32 gradients lie from its float64 ones, in the first step of the large cases: the yardstick for
engines. Writes gradient-distances.json: the median over tensors of the largest difference of norm and projections by the norm.

Usage: /usr/bin/python3 test/oracle/write_gradient_distances.py
"""
import json
import statistics

import torch

from write_losses import HERE, rounded, summary, train

CASES = ["resnet-20", "tutorial-96"]


def distance(index, gradient, exact):
    ours, theirs = summary(index, gradient.double(), False), summary(index, exact, False)
    differences = [ours["norm"] - theirs["norm"], *(a - b for a, b in zip(ours["projections"], theirs["projections"]))]
    return max(map(abs, differences)) / theirs["norm"]


def median_distance(name):
    with open(f"{HERE}/cases/{name}.json") as file:
        case = {**json.load(file), "steps": 1}
    exact, rough = (train(case, dtype)[4] for dtype in (torch.float64, torch.float32))
    return rounded(statistics.median(distance(index, rough[key], exact[key]) for index, key in enumerate(exact)), 3)


def main():
    torch.set_num_threads(1)
    generator = f"test/oracle/write_gradient_distances.py, torch {torch.__version__}"
    record = {"generator": generator, **{name: median_distance(name) for name in CASES}}
    with open(f"{HERE}/gradient-distances.json", "w") as file:
        json.dump(record, file, indent=2)
        file.write("\n")


if __name__ == "__main__":
    main()
