"""Runs a Program (JSON: graph, and of its config what training needs) with PyTorch's functional operations, in float32 or float64.

Parameters have netc's layouts (convolution [kernel height, kernel width, in, out], linear [in, out]) and are permuted on use,
so gradients come out in netc's layouts as well.
"""
import math

import numpy as np
import torch
import torch.nn.functional as F

import counter_random as random


def parameters_of(graph):
    """[(name, role, shape, fan_in, fan_out)] in graph order, weight before bias."""
    found = []
    for node in graph["nodes"]:
        op, name = node["op"], node["name"]
        if op["kind"] == "conv2d":
            kernel_height, kernel_width = op["kernel"]
            inputs = graph["nodes"][node["inputs"][0]]["shape"]["channels"] // op.get("groups", 1)
            area = kernel_height * kernel_width
            fans = (area * inputs, area * op["channels"])
            found.append((name + ".weight", "conv_weight", (kernel_height, kernel_width, inputs, op["channels"]), *fans))
            if op["bias"]:
                found.append((name + ".bias", "bias", (op["channels"],), *fans))
        elif op["kind"] == "learned_scale":
            found.append((name + ".weight", "norm_scale", (node["shape"]["channels"] if op["per"] == "channel" else 1,), 1, 1))
        elif op["kind"] in ("batch_norm", "layer_norm", "group_norm"):
            channels = node["shape"]["channels"]
            if op.get("scale", True):
                found.append((name + ".weight", "norm_scale", (channels,), 1, 1))
            found.append((name + ".bias", "norm_shift", (channels,), 1, 1))
        elif op["kind"] == "linear":
            source = graph["nodes"][node["inputs"][0]]["shape"]
            inputs = source["channels"] * source.get("height", 1) * source.get("width", 1)
            fans = (inputs, op["features"])
            found.append((name + ".weight", "linear_weight", (inputs, op["features"]), *fans))
            if op["bias"]:
                found.append((name + ".bias", "bias", (op["features"],), *fans))
    return found


def initial_parameters(graph, seed):
    """{name: float32 array}; see initialState in fixtures.ts, which draws the same bits."""
    values = {}
    for index, (name, role, shape, fan_in, fan_out) in enumerate(parameters_of(graph)):
        centred = random.symmetric(seed, random.PARAMETER + index, math.prod(shape))
        if role == "conv_weight":
            centred = centred * math.sqrt(6 / (fan_in + fan_out))
        elif role in ("linear_weight", "bias"):
            centred = centred / math.sqrt(fan_in)
        elif role == "norm_scale":
            centred = 1 + centred * 0.25
        else:
            centred = centred * 0.25
        values[name] = centred.astype(np.float32).reshape(shape)
    return values


class Net:
    """The functional network; `parameters` are leaves that require a gradient, `statistics` the running mean and variance."""

    def __init__(self, graph, seed, dtype):
        self.graph, self.dtype = graph, dtype
        self.parameters = {
            name: torch.from_numpy(value.copy()).to(dtype).requires_grad_()
            for name, value in initial_parameters(graph, seed).items()
        }
        self.roles = {name: role for name, role, *_ in parameters_of(graph)}
        self.statistics = {}
        for node in graph["nodes"]:
            if node["op"]["kind"] == "batch_norm":
                channels = node["shape"]["channels"]
                self.statistics[node["name"] + ".running_mean"] = torch.zeros(channels, dtype=dtype)
                self.statistics[node["name"] + ".running_var"] = torch.ones(channels, dtype=dtype)

    def forward(self, images, training, draws=None):
        """images: normalised [n, h, w, c]; returns logits [n, classes]. draws: seed, step and micro-batch, for dropout."""
        values = []
        for index, node in enumerate(self.graph["nodes"]):
            op, inputs = node["op"], [values[index] for index in node["inputs"]]
            if op["kind"] in ("dropout", "drop_path"):
                values.append(dropped(op, inputs[0], draws, index) if training else inputs[0])
            else:
                values.append(images.permute(0, 3, 1, 2) if op["kind"] == "input" else self.apply(node, op, inputs, training))
        return values[-1]

    def apply(self, node, op, inputs, training):
        kind, name, x = op["kind"], node["name"], inputs[0]
        if kind == "conv2d":
            weight = self.parameters[name + ".weight"].permute(3, 2, 0, 1).contiguous()
            return F.conv2d(padded(x, op, 0.0), weight, self.parameters.get(name + ".bias"), **filter_of(op))
        if kind == "batch_norm":
            return F.batch_norm(
                x, self.statistics[name + ".running_mean"], self.statistics[name + ".running_var"],
                self.parameters.get(name + ".weight"), self.parameters[name + ".bias"], training, op["momentum"], op["eps"])
        if kind == "layer_norm":
            return layer_norm(x, self.parameters[name + ".weight"], self.parameters[name + ".bias"], op["eps"])
        if kind == "group_norm":
            return F.group_norm(x, op["groups"], self.parameters[name + ".weight"], self.parameters[name + ".bias"], op["eps"])
        if kind == "learned_scale":
            return scaled(x, self.parameters[name + ".weight"])
        if kind in ACTIVATIONS:
            return activated(op, x)
        if kind == "scale":
            return x * op["factor"]
        if kind == "multiply":
            return x * (inputs[1] if inputs[1].shape == x.shape else inputs[1].reshape(len(x), -1, 1, 1))
        if kind == "concatenate":
            return torch.cat(inputs, 1)
        if kind == "slice":
            return x[:, op["from"]:op["from"] + op["channels"]]
        if kind == "shuffle":
            return shuffled(x, op["groups"])
        if kind == "add":
            return inputs[0] + inputs[1]
        if kind == "subsample":
            return subsampled(x, op)
        if kind == "max_pool":
            return F.max_pool2d(padded(x, op, -math.inf), tuple(op["kernel"]), tuple(op["stride"]))
        if kind == "average_pool":
            return F.avg_pool2d(padded(x, op, 0.0), tuple(op["kernel"]), tuple(op["stride"]))
        if kind == "global_average_pool":
            return F.adaptive_avg_pool2d(x, 1).flatten(1)
        if kind == "linear":
            flat = x.permute(0, 2, 3, 1).flatten(1) if x.dim() == 4 else x
            result = flat @ self.parameters[name + ".weight"]
            return result + self.parameters[name + ".bias"] if op["bias"] else result
        raise ValueError(f"no rule for {kind}")


def filter_of(op):
    """Of F.conv2d's arguments those that say how a filter lies over its input."""
    return {"stride": tuple(op["stride"]), "dilation": tuple(op.get("dilation", (1, 1))), "groups": op.get("groups", 1)}


# F.hardswish and F.hardsigmoid have a sixth in float32 in float64 as well
ACTIVATIONS = {
    "relu": F.relu, "relu6": F.relu6, "leaky_relu": F.leaky_relu, "gelu": F.gelu, "silu": F.silu,
    "hard_swish": lambda x: x * F.relu6(x + 3) / 6, "sigmoid": torch.sigmoid, "hard_sigmoid": lambda x: F.relu6(x + 3) / 6}


def activated(op, x):
    settings = {"negative_slope": op["slope"]} if op["kind"] == "leaky_relu" else {}
    return ACTIVATIONS[op["kind"]](x, **settings)


def layer_norm(x, scale, shift, eps):
    """Over the channels, which come second."""
    return F.layer_norm(x.movedim(1, -1), scale.shape, scale, shift, eps).movedim(-1, 1)


def scaled(x, factors):
    return x * factors.view(-1, *[1] * (x.dim() - 2))


def dropped(op, x, draws, node):
    if op["kind"] == "drop_path":
        mask = random.kept_images(draws, node, len(x), op["rate"]).reshape(-1, *[1] * (x.dim() - 1))
        return x * torch.from_numpy(mask) / (1 - op["rate"])
    last = x.movedim(1, -1)
    mask = torch.from_numpy(random.kept(draws, node, tuple(last.shape), op["rate"]))
    return (last * mask / (1 - op["rate"])).movedim(-1, 1)


def shuffled(x, groups):
    """As in torchvision's ShuffleNetV2: torch.channel_shuffle has no gradient."""
    return x.unflatten(1, (groups, x.shape[1] // groups)).transpose(1, 2).flatten(1, 2)


def subsampled(x, op):
    """He et al. 2015, section 3.3, option A: every stride-th pixel, zeros in the further channels."""
    pixels = x[:, :, ::op["stride"][0], ::op["stride"][1]]
    return F.pad(pixels, (0, 0, 0, 0, 0, op["channels"] - x.shape[1]))


def padded(x, op, value):
    padding = op["padding"]
    sides = (padding["left"], padding["right"], padding["top"], padding["bottom"])
    return F.pad(x, sides, value=value) if any(sides) else x


def optimizer_of(net, config, rate):
    """torch.optim's own optimizer for the Program's `train.optimizer`, with or without decay on norm parameters and biases."""
    (kind, options), = config["train"]["optimizer"].items()
    spared = [] if options["decay_norm_and_bias"] else ["bias", "norm_scale", "norm_shift"]
    groups = [
        {"params": [p for name, p in net.parameters.items() if net.roles[name] not in spared], "weight_decay": options["weight_decay"]},
        {"params": [p for name, p in net.parameters.items() if net.roles[name] in spared], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    if kind == "sgd":
        return torch.optim.SGD(groups, lr=rate, momentum=options["momentum"], nesterov=options["nesterov"])
    make = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[kind]
    return make(groups, lr=rate, betas=(options["beta1"], options["beta2"]), eps=options["eps"])


def normalized(images, config, dtype):
    """((x / 255) - mean) / std, every operation rounded to float32, then widened to dtype."""
    normalize = config["data"]["normalize"]
    x = torch.from_numpy(images).float() / 255
    x = (x - torch.tensor(normalize["mean"], dtype=torch.float32)) / torch.tensor(normalize["std"], dtype=torch.float32)
    return x.to(dtype)


def loss_of(logits, labels, config):
    return F.cross_entropy(logits, labels, label_smoothing=config["train"]["loss"]["cross_entropy"]["label_smoothing"])
