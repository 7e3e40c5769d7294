"""PyTorch's own initialisations: deciles of large tensors, and exact values where nothing is left to chance.

Deciles are of 4e6 draws divided by the distribution's bound or deviation. `orthogonal` is what torch.nn.init.orthogonal_ makes of
the matrix that counter_random draws in place of its normal one; `dirac` is torch.nn.init.dirac_ on the first filters.

Usage: /usr/bin/python3 test/oracle/write_initializations.py
"""
import json
import math
import os
from unittest import mock

import torch
from torch import nn

import counter_random as random

HERE = os.path.dirname(os.path.abspath(__file__))
FAN_IN, FAN_OUT = 1000, 4000  # of a linear layer: 4e6 weights


def kaiming_truncated_(weight):
    """Variance 2 / inputs after the cut, by torch's own truncation."""
    deviation = math.sqrt(2 / FAN_IN) / 0.87962566103423978
    return nn.init.trunc_normal_(weight, std=deviation, a=-2 * deviation, b=2 * deviation)


INITIALIZATIONS = {
    "kaiming_normal": lambda w: nn.init.kaiming_normal_(w, nonlinearity="relu"),
    "kaiming_uniform": lambda w: nn.init.kaiming_uniform_(w, nonlinearity="relu"),
    "kaiming_truncated": kaiming_truncated_,
    "xavier_normal": nn.init.xavier_normal_,
    "xavier_uniform": nn.init.xavier_uniform_,
    "uniform_fan_in": lambda w: nn.Linear(FAN_IN, FAN_OUT).weight,
}


def deciles(make):
    torch.manual_seed(0)
    weight = make(torch.empty(FAN_OUT, FAN_IN)).detach().double().flatten().sort().values
    return [float(f"{weight[int(len(weight) * k / 10)]:.4g}") for k in range(1, 10)]


def orthogonal(rows, columns):
    drawn = torch.from_numpy(random.symmetric(rows, columns, rows * columns)).reshape(rows, columns)
    # orthogonal_ draws a matrix of its own, transposes it where it is wide, and keeps Q with the signs of R's diagonal
    with mock.patch.object(torch.Tensor, "normal_", lambda self, *_, **__: self.copy_(drawn)):
        weight = nn.init.orthogonal_(torch.empty(rows, columns, dtype=torch.float64))
    return {"rows": rows, "columns": columns, "values": [float(f"{v:.10g}") for v in weight.flatten().tolist()]}


def dirac(outputs, inputs, height, width):
    """airbench94: nn.init.dirac_ on the first filters, as many as there are inputs; the others stay (here: at 7)."""
    weight = torch.full((outputs, inputs, height, width), 7.0)
    nn.init.dirac_(weight[:inputs])
    return {"shape": [height, width, inputs, outputs], "values": weight.permute(2, 3, 1, 0).flatten().tolist()}


def main():
    document = {
        "generator": f"test/oracle/write_initializations.py, torch {torch.__version__}",
        "fanIn": FAN_IN, "fanOut": FAN_OUT,
        "deciles": {name: deciles(make) for name, make in INITIALIZATIONS.items()},
        "orthogonal": [orthogonal(7, 4), orthogonal(5, 5), orthogonal(3, 8)],
        "dirac": [dirac(6, 4, 3, 3), dirac(3, 5, 3, 3), dirac(4, 4, 5, 3)],
    }
    with open(f"{HERE}/initializations.json", "w") as file:
        json.dump(document, file)
        file.write("\n")


if __name__ == "__main__":
    main()
