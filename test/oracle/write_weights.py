"""Writes weights/: files of weights as PyTorch and safetensors save them, and what is in them.

    python test/oracle/write_weights.py        # PyTorch 2.15, safetensors 0.8

A residual network of two blocks with torchvision's names, with random weights and statistics, in every format and under the
prefixes that wrappers add; its logits for four images; and tensors of every type and layout with their values.
"""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn

HERE = Path(__file__).parent / "weights"


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        if stride != 1:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        branch = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(branch + (self.downsample(x) if hasattr(self, "downsample") else x))


class ResNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 4, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(4)
        self.layer1 = nn.Sequential(Block(4, 4, 1))
        self.layer2 = nn.Sequential(Block(4, 6, 2))
        self.fc = nn.Linear(6, 5)

    def forward(self, x):
        x = self.layer2(self.layer1(torch.relu(self.bn1(self.conv1(x)))))
        return self.fc(x.mean((2, 3)))


def hugging_face(name):
    """transformers' ResNetForImageClassification."""
    name = name.replace("downsample.0", "shortcut.convolution").replace("downsample.1", "shortcut.normalization")
    for layer in "12":
        name = name.replace(f".conv{layer}.", f".layer.{int(layer) - 1}.convolution.")
        name = name.replace(f".bn{layer}.", f".layer.{int(layer) - 1}.normalization.")
        name = name.replace(f"layer{layer}.0.", f"resnet.encoder.stages.{int(layer) - 1}.layers.0.")
    name = name.replace("fc.", "classifier.1.")
    if name.startswith("conv1."):
        name = name.replace("conv1.", "resnet.embedder.embedder.convolution.")
    if name.startswith("bn1."):
        name = name.replace("bn1.", "resnet.embedder.embedder.normalization.")
    return name


def mmpretrain(name):
    return "head.fc" + name[2:] if name.startswith("fc") else "backbone." + name


def foreign(index, name):
    """Names of nobody's, in the order of registration."""
    return f"features.{index // 6}.{'abcdef'[index % 6]}.{name.split('.')[-1]}"


def write_frozen_training(model, images):
    """Losses of six steps from these weights, with parts of the network frozen and their norms in evaluation."""
    labels = torch.tensor([3, 0, 4, 1])

    def is_norm(name):
        return "bn" in name or "downsample.1" in name

    cases = {  # which parameters are frozen before a step
        "body": lambda name, step: name.startswith(("conv1", "bn1", "layer1")),
        "middle": lambda name, step: name.startswith("layer1"),
        "norms": lambda name, step: is_norm(name),
        "until": lambda name, step: step < 4 and not name.startswith("fc"),
    }
    told = {"labels": labels.tolist(), "losses": {}}
    for case, is_frozen in cases.items():
        network = ResNet().double()
        network.load_state_dict(model.state_dict())
        optimizer = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9)
        losses = []
        for step in range(6):
            network.train()
            for name, module in network.named_modules():
                if isinstance(module, nn.BatchNorm2d) and is_frozen(f"{name}.weight", step):
                    module.eval()
            for name, parameter in network.named_parameters():
                parameter.requires_grad_(not is_frozen(name, step))
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(network(images.double()), labels)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        told["losses"][case] = losses
    (HERE / "frozen.json").write_text(json.dumps(told) + "\n")


def main():
    HERE.mkdir(exist_ok=True)
    torch.manual_seed(7)
    model = ResNet()
    for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
        if name.endswith("running_mean"):
            tensor.normal_(0, 0.3)
        elif name.endswith("running_var"):
            tensor.uniform_(0.5, 2)
        elif tensor.is_floating_point() and tensor.dim() == 1:
            tensor.data.normal_(0.8, 0.3)
    model.eval()
    state = model.state_dict()
    images = torch.randint(0, 256, (4, 12, 12, 3), dtype=torch.uint8)
    with torch.no_grad():
        logits = model((images.permute(0, 3, 1, 2).float() / 255 - 0.5) / 0.25)
    expected = {"images": images.flatten().tolist(), "logits": logits.flatten().tolist()}
    (HERE / "logits.json").write_text(json.dumps(expected) + "\n")

    def renamed(rename):
        return {rename(name): tensor for name, tensor in state.items()}

    torch.save(state, HERE / "torchvision.pth")
    checkpoint = {
        "epoch": 3,
        "arch": "resnet",
        "state_dict": renamed(lambda name: f"module.{name}"),
        "optimizer": torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9).state_dict(),
    }
    torch.save(checkpoint, HERE / "checkpoint.pth")
    torch.save(renamed(lambda name: f"model.{name}"), HERE / "legacy.pt", _use_new_zipfile_serialization=False)
    torch.save(renamed(mmpretrain), HERE / "mmpretrain.pth", pickle_protocol=4)
    torch.save({foreign(index, name): tensor for index, (name, tensor) in enumerate(state.items())}, HERE / "foreign.pth")
    save_file(renamed(hugging_face), HERE / "hugging-face.safetensors", metadata={"format": "pt"})
    save_file(renamed(lambda name: f"backbone.{name}"), HERE / "backbone.safetensors")
    torch.save(model, HERE / "whole.pth")

    write_frozen_training(model, (images.permute(0, 3, 1, 2).float() / 255 - 0.5) / 0.25)

    values = torch.tensor([[-2.0, 0.5, 1.0], [3.0, 0.0, 65.0]])
    dtypes = {
        "F64": torch.float64,
        "F32": torch.float32,
        "F16": torch.float16,
        "BF16": torch.bfloat16,
        "I64": torch.int64,
        "I32": torch.int32,
        "I16": torch.int16,
        "I8": torch.int8,
        "U8": torch.uint8,
        "BOOL": torch.bool,
    }
    typed = {name: (values.abs() if name == "U8" else values).to(dtype) for name, dtype in dtypes.items()}
    whole = torch.arange(24, dtype=torch.float32).reshape(2, 3, 4)
    views = {
        "transposed": whole.transpose(0, 2),
        "sliced": whole[1, 1:, ::2],
        "channels_last": torch.arange(24.0).reshape(1, 2, 3, 4).contiguous(memory_format=torch.channels_last),
        "expanded": torch.tensor([7.0]).expand(3),
        "scalar": torch.tensor(2.5),
        "empty": torch.empty(0, 3),
        "parameter": nn.Parameter(torch.tensor([1.0, 2.0])),
        "subnormal": torch.tensor([6e-8, 65504.0, -6.1e-5], dtype=torch.float16),
    }
    everything = {**typed, **views}
    torch.save(everything, HERE / "types.pt")
    torch.save(everything, HERE / "types-legacy.pt", _use_new_zipfile_serialization=False)
    save_file({name: tensor.detach().clone(memory_format=torch.contiguous_format) for name, tensor in everything.items()}, HERE / "types.safetensors")
    told = {
        name: {"shape": list(tensor.shape), "values": tensor.detach().flatten().to(torch.float64).tolist()}
        for name, tensor in everything.items()
    }
    (HERE / "types.json").write_text(json.dumps(told) + "\n")


main()
