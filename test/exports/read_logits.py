"""Loads each exported project's model from its model.safetensors, strictly, and writes its logits of images.bin.

Usage: read_logits.py PROJECT...   (each holds images.bin; logits.bin is written beside it)
"""

import importlib
import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file


def main() -> None:
    torch.set_num_threads(1)
    for project in map(Path, sys.argv[1:]):
        sys.path.insert(0, str(project))
        modules = {name: importlib.import_module(name) for name in ("model", "data", "config", "train")}
        config = modules["config"].read_config(project / "config.yaml")
        name = next(line for line in (project / "train.py").read_text().splitlines() if line.startswith("from model import"))
        network = getattr(modules["model"], name.split()[-1])()
        network.load_state_dict(load_file(project / "model.safetensors"), strict=True)
        network.eval()
        size = config["model"]["input"]
        images = np.fromfile(project / "images.bin", dtype=np.uint8)
        images = images.reshape(-1, size["height"], size["width"], size["channels"])
        with torch.no_grad():
            logits = network(modules["data"].Normalize(config)(torch.from_numpy(images)))
        logits.numpy().astype(np.float32).tofile(project / "logits.bin")
        sys.path.pop(0)
        for module in ("model", "data", "config", "train", "checkpoint", "initialization", "randomness", "schedule"):
            sys.modules.pop(module, None)


main()
