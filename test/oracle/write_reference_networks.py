"""What torchvision's and timm's own modules say of the networks that come with netc. Writes reference-networks.json.

Names and shapes of all tensors as one digest; and for some, with weights by a formula in place of random ones: the logits in
evaluation, and loss and norms of gradients in training, all in float64; with how far PyTorch's own float32 is from them.

Usage: /opt/peers/torch/bin/python test/oracle/write_reference_networks.py   (torch, torchvision and timm)
"""
import hashlib
import json
import os

import numpy as np
import timm
import torch
import torch.nn.functional as F
import torchvision

HERE = os.path.dirname(os.path.abspath(__file__))
COUNT, SIZE, CLASSES = 8, 64, 1000
NETWORKS = {
    "resnet-18": (torchvision, "resnet18", False), "resnet-34": (torchvision, "resnet34", False),
    "resnet-50": (torchvision, "resnet50", False), "resnet-101": (torchvision, "resnet101", False),
    "resnet-152": (torchvision, "resnet152", False), "wide-resnet-50-2": (torchvision, "wide_resnet50_2", False),
    "resnet-50-d": (timm, "resnet50d", True), "se-resnet-50": (timm, "seresnet50", True),
    "repvgg-a0": (timm, "repvgg_a0", True), "resnext-50": (torchvision, "resnext50_32x4d", True),
    "mobilenet-v2": (torchvision, "mobilenet_v2", True), "mobilenet-v3-large": (torchvision, "mobilenet_v3_large", True),
    "efficientnet-b0": (timm, "efficientnet_b0", True), "efficientnet-lite0": (timm, "tf_efficientnet_lite0", True),
    "convnext-t": (timm, "convnext_tiny", True), "regnet-x-400mf": (torchvision, "regnet_x_400mf", False),
    "regnet-y-400mf": (timm, "regnety_004", True), "densenet-121": (torchvision, "densenet121", True),
    "shufflenet-v2": (torchvision, "shufflenet_v2_x1_0", True)}


def uniform(key, count):
    """Numbers from 0 to 1 by a hash of key and place (the finaliser of MurmurHash3)."""
    x = (np.arange(count, dtype=np.uint64) + np.uint64(key * 1_000_003)).astype(np.uint32)
    x ^= x >> np.uint32(16)
    x *= np.uint32(0x85EBCA6B)
    x ^= x >> np.uint32(13)
    x *= np.uint32(0xC2B2AE35)
    x ^= x >> np.uint32(16)
    return x.astype(np.float64) / 2**32


def values(name, shape, key):
    drawn = uniform(key, int(np.prod(shape)))
    if len(shape) > 1:
        drawn = (2 * drawn - 1) * np.sqrt(6 / np.prod(shape[1:]))
    elif name.endswith(".weight") or name.endswith("running_var"):
        drawn = 0.75 + drawn / 2
    else:
        drawn = (drawn - 0.5) / 5
    return torch.from_numpy(drawn.astype(np.float32).astype(np.float64)).reshape(shape)


def build(library, name):
    if library is torchvision:
        return getattr(torchvision.models, name)(weights=None)
    return timm.create_model(name, pretrained=False)


def record(library, name, has_numbers):
    model = build(library, name).double()
    for module in model.modules():  # what is drawn at random is another matter
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    tensors = {key: value for key, value in model.state_dict().items() if not key.endswith("num_batches_tracked")}
    # 1×1 convolutions over a vector are linear layers here
    lines = sorted(f"{key} {'x'.join(str(size) for size in value.shape if size != 1)}" for key, value in tensors.items())
    found = {"model": f"{library.__name__} {name}", "parameters": sum(p.numel() for p in model.parameters()),
             "tensors": hashlib.sha256("\n".join(lines).encode()).hexdigest()}
    if not has_numbers:
        return found
    for place, key in enumerate(sorted(tensors)):
        tensors[key].copy_(values(key, tuple(tensors[key].shape), place + 1))
    first = {key: value.clone() for key, value in model.state_dict().items()}
    images = torch.from_numpy(np.floor(uniform(0, COUNT * SIZE * SIZE * 3) * 256) / 255)
    images = (images.reshape(COUNT, SIZE, SIZE, 3).permute(0, 3, 1, 2) - 0.5) / 0.25
    rounded = lambda numbers: [float(f"{number:.8g}") for number in numbers]

    def run(dtype):
        model.load_state_dict(first)
        model.to(dtype).zero_grad()
        with torch.no_grad():
            logits = model.eval()(images.to(dtype))
        loss = F.cross_entropy(model.train()(images.to(dtype)), torch.arange(COUNT) * 7 % CLASSES)
        loss.backward()
        return logits.double(), loss.item(), {key: p.grad.double().norm().item() for key, p in model.named_parameters()}

    logits, loss, gradients = run(torch.float64)
    logits32, _, gradients32 = run(torch.float32)
    largest = logits.abs().max()
    return {**found, "largest": largest.item(), "logits": rounded(logits[:, ::97].flatten().tolist()),
            "logits32": float(f"{((logits32 - logits).abs().max() / largest).item():.3g}"), "loss": loss,
            "gradients": {key: float(f"{norm:.6g}") for key, norm in gradients.items()},
            "gradients32": float(f"{max(abs(gradients32[key] / norm - 1) for key, norm in gradients.items()):.3g}")}


def main():
    torch.set_num_threads(1)
    versions = f"torch {torch.__version__.split('+')[0]}, torchvision {torchvision.__version__.split('+')[0]}, timm {timm.__version__}"
    generator = f"test/oracle/write_reference_networks.py, {versions}"
    networks = {name: record(*settings) for name, settings in NETWORKS.items()}
    with open(f"{HERE}/reference-networks.json", "w") as file:
        json.dump({"generator": generator, "count": COUNT, "size": SIZE, "networks": networks}, file)
        file.write("\n")


main()
