"""Bits of ((x / 255) - mean) / std for all 256 pixel values by PyTorch in float32, written to normalization.json.

Usage: /usr/bin/python3 test/oracle/write_normalization.py
"""
import json
import os

import torch

HERE = os.path.dirname(os.path.abspath(__file__))
MEAN = [0.49139968, 0.48215841, 0.44653091]
STD = [0.24703223, 0.24348513, 0.26158784]

pixels = torch.arange(256, dtype=torch.uint8).reshape(256, 1).expand(256, 3)
values = (pixels.float() / 255 - torch.tensor(MEAN)) / torch.tensor(STD)
record = {
    "generator": f"test/oracle/write_normalization.py, torch {torch.__version__}",
    "mean": MEAN,
    "std": STD,
    "bits": values.contiguous().numpy().view("int32").flatten().tolist(),  # [pixel, channel]
}
with open(f"{HERE}/normalization.json", "w") as file:
    file.write(json.dumps(record, separators=(",", ":")) + "\n")
