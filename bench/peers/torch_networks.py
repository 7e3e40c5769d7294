# The networks of the comparisons, written in PyTorch as its users write them.
import torch.nn as nn
import torch.nn.functional as F


class Block(nn.Module):
    """The residual block of He et al. 2015."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Identity()
        if stride != 1 or inputs != outputs:
            conv = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.shortcut = nn.Sequential(conv, nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = F.relu(self.norm1(self.conv1(x)), inplace=True)
        y = self.norm2(self.conv2(y))
        return F.relu(y + self.shortcut(x), inplace=True)


class TutorialBlock(nn.Module):
    """The tutorial's block: an activation before the addition, and a bare projection."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.projection = nn.Conv2d(inputs, outputs, 1, stride) if stride != 1 else None

    def forward(self, x):
        y = F.relu(self.norm1(self.conv1(x)), inplace=True)
        y = F.relu(self.norm2(self.conv2(y)), inplace=True)
        if self.projection is not None:
            x = self.projection(x)
        return F.relu(y + x, inplace=True)


def stages(block, plan):
    return [block(inputs, outputs, stride) for inputs, outputs, stride in plan]


def resnet_20():
    widths = [(16, 1)] * 3 + [(32, 2), (32, 1), (32, 1)] + [(64, 2), (64, 1), (64, 1)]
    inputs = [16] + [width for width, _ in widths]
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU(inplace=True),
        *stages(Block, [(before, width, stride) for before, (width, stride) in zip(inputs, widths)]),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10),
    )


def tutorial_96():
    plan = [(64, 64, 1), (64, 64, 1), (64, 128, 2), (128, 128, 1), (128, 256, 2), (256, 256, 1), (256, 512, 2), (512, 512, 1)]
    return nn.Sequential(
        nn.Conv2d(3, 64, 7, 2), nn.BatchNorm2d(64, eps=1e-3), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1),
        *stages(TutorialBlock, plan),
        nn.AvgPool2d(3), nn.Flatten(), nn.Linear(512, 10),
    )


def wide_resnet_9():
    return nn.Sequential(
        nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU(inplace=True),
        *stages(Block, [(64, 128, 2), (128, 256, 2), (256, 512, 2)]),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10),
    )


def resnet_18():
    """torchvision's resnet18(num_classes=256), but for its names."""
    plan = [(64, 64, 1), (64, 64, 1), (64, 128, 2), (128, 128, 1), (128, 256, 2), (256, 256, 1), (256, 512, 2), (512, 512, 1)]
    return nn.Sequential(
        nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1),
        *stages(Block, plan),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 256),
    )


NETWORKS = {
    "resnet-20": (resnet_20, 32),
    "tutorial-96": (tutorial_96, 96),
    "wide-resnet-9": (wide_resnet_9, 32),
    "resnet-18": (resnet_18, 224),
}
