# PyTorch's side of a comparison: training or inference, channels-last, on one batch that lies ready in memory.
# The one argument is JSON: {network, mode: "train" | "evaluate", batchSize, threads, warmup, variant, bfloat16, sgd};
# a variant is "eager", "compile" (torch.compile), "Intel's extension" (intel-extension-for-pytorch) or, for inference, "frozen"
# (torch.jit.optimize_for_inference).
import contextlib
import json
import sys

import torch
import torch.nn.functional as F

from side_protocol import resident_bytes, serve
from torch_networks import NETWORKS

options = json.loads(sys.argv[1])
torch.set_num_threads(options["threads"])
torch.manual_seed(1)
baseline = resident_bytes("VmRSS")  # with PyTorch loaded, before the network

build, side = NETWORKS[options["network"]]
batch = options["batchSize"]
model = build().to(memory_format=torch.channels_last)
parameters = sum(parameter.numel() for parameter in model.parameters())
images = torch.randn(batch, 3, side, side).contiguous(memory_format=torch.channels_last)
labels = torch.randint(0, 10, (batch,))


def precision():
    return torch.autocast("cpu", dtype=torch.bfloat16) if options["bfloat16"] else contextlib.nullcontext()


def optimized(**parts):
    """By Intel's extension, in the precision that is asked for."""
    import intel_extension_for_pytorch

    dtype = torch.bfloat16 if options["bfloat16"] else torch.float32
    return intel_extension_for_pytorch.optimize(model, dtype=dtype, **parts)


if options["mode"] == "train":
    model.train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, **options["sgd"])
    if options["variant"] == "Intel's extension":
        model, optimizer = optimized(optimizer=optimizer)
    run = torch.compile(model) if options["variant"] == "compile" else model

    def step():
        optimizer.zero_grad(set_to_none=True)
        with precision():
            loss = F.cross_entropy(run(images), labels)
        loss.backward()
        optimizer.step()
        return loss.item()

else:
    model.eval()
    if options["variant"] == "Intel's extension":
        model = optimized()
    run = torch.compile(model) if options["variant"] == "compile" else model
    if options["variant"] == "frozen":
        run = torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.trace(model, images)))

    def step():
        with torch.inference_mode(), precision():
            logits = run(images)
            return F.cross_entropy(logits, labels).item(), (logits.argmax(1) == labels).sum().item()


ready = {"parameters": parameters, "batchSize": batch, "data": "one batch of random images in memory"}
serve(step, options["warmup"], baseline, ready)
