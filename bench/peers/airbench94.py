"""airbench94 (Keller Jordan 2024, arXiv 2404.00498; github.com/KellerJordan/cifar10-airbench) in PyTorch on the CPU: its own
network, hyperparameters and update code, on the weights and batches that bench/recipe-steps.mjs wrote; prints its losses
beside netc's.

Usage: python3 bench/peers/airbench94.py FOLDER [--bf16]

--bf16 computes in bfloat16 by autocast; recipe-steps.mjs takes netc's steps so with `--set train.precision=bfloat16`.
Where it took `all` of a run, this ends with the accuracy on the test images, by the author's six views of each.
"""
import argparse
import json
import os
import statistics
import time

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

HYP = dict(lr=11.5, momentum=0.85, weight_decay=0.0153, bias_scaler=64.0, label_smoothing=0.2, whiten_bias_epochs=3,
           batchnorm_momentum=0.6, scaling_factor=1 / 9, eps=5e-4)


class BatchNorm(nn.BatchNorm2d):
    def __init__(self, num_features):
        super().__init__(num_features, eps=1e-12, momentum=1 - HYP["batchnorm_momentum"])
        self.weight.requires_grad = False


class ConvGroup(nn.Module):
    def __init__(self, channels_in, channels_out):
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels_out, 3, padding="same", bias=False)
        self.pool = nn.MaxPool2d(2)
        self.norm1 = BatchNorm(channels_out)
        self.conv2 = nn.Conv2d(channels_out, channels_out, 3, padding="same", bias=False)
        self.norm2 = BatchNorm(channels_out)
        self.activ = nn.GELU()

    def forward(self, x):
        x = self.activ(self.norm1(self.pool(self.conv1(x))))
        return self.activ(self.norm2(self.conv2(x)))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.whiten = nn.Conv2d(3, 24, 2, padding=0, bias=True)
        self.whiten.weight.requires_grad = False
        self.groups = nn.ModuleList([ConvGroup(24, 64), ConvGroup(64, 256), ConvGroup(256, 256)])
        self.head = nn.Linear(256, 10, bias=False)

    def forward(self, x):
        x = F.gelu(self.whiten(x))
        for group in self.groups:
            x = group(x)
        return self.head(F.max_pool2d(x, 3).flatten(1)) * HYP["scaling_factor"]


class LookaheadState:
    def __init__(self, net):
        self.net_ema = {k: v.clone() for k, v in net.state_dict().items()}

    def update(self, net, decay):
        for ema_param, net_param in zip(self.net_ema.values(), net.state_dict().values()):
            if net_param.dtype == torch.float:
                ema_param.lerp_(net_param, 1 - decay)
                net_param.copy_(ema_param)


def load(net, folder, tensors):
    data = np.fromfile(os.path.join(folder, "weights.bin"), dtype=np.float32)
    state, at = net.state_dict(), 0
    for tensor in tensors:
        size = int(np.prod(tensor["shape"]))
        value = torch.from_numpy(data[at : at + size].reshape(tensor["shape"]).copy())
        at += size
        name = tensor["name"].replace("stem.conv", "whiten").replace("classifier", "head")
        name = name.replace("stages", "groups").replace(".blocks.0", "")
        if value.dim() == 4:
            value = value.permute(3, 2, 0, 1)
        elif value.dim() == 2:
            value = value.T
        state[name].copy_(value)


def whitening(images):
    """The author's, in double precision: eigenvectors of the patches' covariance over the square roots of their values."""
    patches = images.unfold(2, 2, 1).unfold(3, 2, 1).transpose(1, 3).reshape(-1, 3, 2, 2).double()
    flat = patches.reshape(len(patches), -1)
    values, vectors = torch.linalg.eigh((flat.T @ flat) / len(flat), UPLO="U")
    scaled = vectors.T.reshape(12, 3, 2, 2).flip(0) / torch.sqrt(values.flip(0).view(-1, 1, 1, 1) + HYP["eps"])
    return torch.cat((scaled, -scaled)).float()


@torch.no_grad()
def evaluate(net, folder, size, normalized, bf16):
    """The author's test-time augmentation (section 3.5): the image and its mirror, and both moved by a pixel either way."""
    images = np.fromfile(os.path.join(folder, "test-images.bin"), dtype=np.uint8).reshape(-1, *size)
    labels = torch.from_numpy(np.fromfile(os.path.join(folder, "test-labels.bin"), dtype=np.int32).astype(np.int64))
    net.eval()

    def mirrored(inputs):
        return 0.5 * net(inputs) + 0.5 * net(inputs.flip(-1))

    correct = 0
    for first in range(0, len(images), 2000):
        inputs = normalized(images[first : first + 2000])
        height, width = inputs.shape[2:]
        padded = F.pad(inputs, (1, 1, 1, 1), "reflect")
        moved = [padded[:, :, :height, :width], padded[:, :, 2:, 2:]]
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            logits = 0.5 * mirrored(inputs) + 0.25 * sum(mirrored(view) for view in moved)
        correct += int((logits.argmax(1) == labels[first : first + 2000]).sum())
    return correct / len(images)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--bf16", action="store_true", help="compute in bfloat16, by autocast")
    options = parser.parse_args()
    folder = options.folder
    with open(os.path.join(folder, "steps.json")) as file:
        recorded = json.load(file)
    batch, total, losses = recorded["batch"], recorded["steps"], recorded["losses"]
    mean, std = (torch.tensor(recorded["normalize"][key]).view(1, 3, 1, 1) for key in ("mean", "std"))
    size = tuple(recorded["input"][key] for key in ("height", "width", "channels"))

    def normalized(pixels):
        return ((torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255 - mean) / std).contiguous(memory_format=torch.channels_last)

    net = Net().to(memory_format=torch.channels_last)
    with torch.no_grad():
        load(net, folder, recorded["tensors"])
    plain = np.fromfile(os.path.join(folder, "plain.bin"), dtype=np.uint8).reshape(-1, *size)
    own = whitening(normalized(plain))
    signs = torch.sign((own * net.whiten.weight).sum((1, 2, 3), keepdim=True))  # an eigenvector has either
    print(f"whitening filters: largest difference {float((own * signs - net.whiten.weight).abs().max()):.1e} of {float(own.abs().max()):.3g}")

    kilostep_scale = 1024 * (1 + 1 / (1 - HYP["momentum"]))
    lr = HYP["lr"] / kilostep_scale
    wd = HYP["weight_decay"] * batch / kilostep_scale
    lr_biases = lr * HYP["bias_scaler"]
    norm_biases = [p for k, p in net.named_parameters() if "norm" in k and p.requires_grad]
    other_params = [p for k, p in net.named_parameters() if "norm" not in k and p.requires_grad]
    configs = [dict(params=norm_biases, lr=lr_biases, weight_decay=wd / lr_biases),
               dict(params=other_params, lr=lr, weight_decay=wd / lr)]
    optimizer = torch.optim.SGD(configs, lr=lr, momentum=HYP["momentum"], nesterov=True)
    triangle = np.interp(np.arange(1 + total), [0, int(0.23 * total), total], [0.2, 1, 0.07])
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda i: triangle[i])
    alpha = 0.95**5 * (torch.arange(total + 1) / total) ** 3
    lookahead = LookaheadState(net)

    images = np.memmap(os.path.join(folder, "images.bin"), dtype=np.uint8, mode="r").reshape(len(losses), batch, *size)
    labels = np.fromfile(os.path.join(folder, "labels.bin"), dtype=np.int32).reshape(len(losses), batch)
    loss_fn = nn.CrossEntropyLoss(label_smoothing=HYP["label_smoothing"], reduction="none")
    net.train()
    worst, times, begun = 0, [], time.perf_counter()
    for step, recorded_step in enumerate(losses):
        started = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16, enabled=options.bf16):
            loss = loss_fn(net(normalized(images[step])), torch.from_numpy(labels[step].astype(np.int64))).sum()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        scheduler.step()
        if (step + 1) % 5 == 0:
            with torch.no_grad():
                lookahead.update(net, decay=alpha[step + 1].item())
        own, theirs = loss.item() / batch, recorded_step["loss"]
        worst = max(worst, abs(own - theirs) / own)
        seconds = time.perf_counter() - started
        times.append(seconds)
        print(f"step {step + 1}  PyTorch {own:.6f}  netc {theirs:.6f}  {batch / seconds:.0f} images/s, netc {batch / recorded_step['seconds']:.0f}", flush=True)
    seconds = time.perf_counter() - begun
    if os.path.exists(os.path.join(folder, "test-images.bin")):
        with torch.no_grad():
            for tensor, average in zip(net.state_dict().values(), lookahead.net_ema.values()):
                tensor.copy_(average)
        begun = time.perf_counter()
        accuracy = evaluate(net, folder, size, normalized, options.bf16)
        print(f"{100 * accuracy:.2f} % of the test images; {seconds:.0f} s of training, {time.perf_counter() - begun:.0f} s of evaluation")
    print(f"largest relative difference of losses: {worst:.1e}")
    theirs = statistics.median(step["seconds"] for step in losses)
    print(f"medians: PyTorch {statistics.median(times):.3f} s a step, netc {theirs:.3f}")


if __name__ == "__main__":
    main()
