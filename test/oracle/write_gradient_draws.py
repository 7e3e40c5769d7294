"""Gradients of ResNet-20 in float64 over several draws of weights and images, and how far PyTorch's own float32 lies from
them: in a network of ReLUs a single mask that flips where a sum rounds to the other side of zero moves every tensor before
it a thousand times as far as rounding does, so that one draw says little. With GELU in ReLU's place nothing can flip.
Writes gradient-draws.json.

Usage: /usr/bin/python3 test/oracle/write_gradient_draws.py
"""
import json
import statistics

import torch

from write_gradient_distances import distance
from write_losses import HERE, rounded, summary, train

BATCH = 4
SEEDS = {"relu": [1, 2, 3, 4, 5, 6], "gelu": [1, 2]}


def draw(case, activation, seed):
    nodes = [
        {**node, "op": {"kind": activation}} if node["op"]["kind"] == "relu" else node
        for node in case["program"]["graph"]["nodes"]
    ]
    graph = {**case["program"]["graph"], "nodes": nodes}
    case = {**case, "program": {**case["program"], "graph": graph}, "seed": seed, "batch": BATCH, "steps": 1}
    exact, rough = (train(case, dtype)[4] for dtype in (torch.float64, torch.float32))
    records = {}
    for index, (name, gradient) in enumerate(exact.items()):
        found = summary(index, gradient, False)
        records[name] = {
            "norm": rounded(found["norm"], 9),
            "projections": [rounded(value, 9) for value in found["projections"]],
            "float32": rounded(distance(index, rough[name], gradient), 3),
        }
    median = statistics.median(record["float32"] for record in records.values())
    print(f"{activation}, seed {seed}: float32 lies {median:.2e} from float64 in the median over tensors")
    return {"activation": activation, "seed": seed, "batch": BATCH, "gradients": records}


def main():
    torch.set_num_threads(1)
    with open(f"{HERE}/cases/resnet-20.json") as file:
        case = json.load(file)
    draws = [draw(case, activation, seed) for activation, seeds in SEEDS.items() for seed in seeds]
    lines = ",\n".join(json.dumps(one, separators=(",", ":")) for one in draws)
    with open(f"{HERE}/gradient-draws.json", "w") as file:
        file.write('{"generator":"test/oracle/write_gradient_draws.py, torch ' + torch.__version__ + '","draws":[\n' + lines + "\n]}\n")


if __name__ == "__main__":
    main()
