# Writes a network as ONNX for onnxruntime, from the PyTorch that is at hand: torch_export.py NETWORK BATCH FILE
import inspect
import sys

import torch

from torch_networks import NETWORKS

network, batch, path = sys.argv[1], int(sys.argv[2]), sys.argv[3]
build, side = NETWORKS[network]
model = build().eval()
# The newer exporter, the default from 2.9 on, needs another package
plain = {"dynamo": False} if "dynamo" in inspect.signature(torch.onnx.export).parameters else {}
torch.onnx.export(model, torch.randn(batch, 3, side, side), path, input_names=["images"], output_names=["logits"], **plain)
