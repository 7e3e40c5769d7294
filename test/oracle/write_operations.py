"""Forward and gradients of single operations in float64 on small shapes, written to operations.json.

Operands are drawn by counter_random (symmetric, stream OPERAND + index of the operand, seed = index of the case; widened from
float32, multiplied by the case's spread where it has one) in netc's layouts, the gradient of the output included; a reader draws them again. Only results are stored.

Usage: /usr/bin/python3 test/oracle/write_operations.py
"""
import json
import math
import os

import numpy as np
import torch
import torch.nn.functional as F

import counter_random as random
from net_from_graph import ACTIVATIONS, activated, filter_of, padded, shuffled, subsampled

HERE = os.path.dirname(os.path.abspath(__file__))


def window(kernel, stride, padding):
    """padding: top, bottom, left, right."""
    return {"kernel": kernel, "stride": stride, "padding": dict(zip(("top", "bottom", "left", "right"), padding))}


def conv2d(batch, height, width, inputs, outputs, kernel, stride, padding, bias):
    op = {"kind": "conv2d", "channels": outputs, "bias": bias, **window(kernel, stride, padding)}
    return {"op": op, "input": [batch, height, width, inputs]}


def grouped(batch, height, width, inputs, outputs, kernel, stride, padding, bias, groups, dilation=None):
    case = conv2d(batch, height, width, inputs, outputs, kernel, stride, padding, bias)
    case["op"].update({"groups": groups} if groups > 1 else {}, **({"dilation": dilation} if dilation else {}))
    return case


def pool(kind, batch, height, width, channels, kernel, stride, padding):
    return {"op": {"kind": kind, **window(kernel, stride, padding)}, "input": [batch, height, width, channels]}


NONE, ONE, TWO = (0, 0, 0, 0), (1, 1, 1, 1), (2, 2, 2, 2)

CASES = [
    conv2d(2, 5, 6, 3, 4, [3, 3], [1, 1], ONE, False),
    conv2d(2, 8, 8, 4, 8, [3, 3], [1, 1], ONE, False),
    conv2d(1, 8, 8, 8, 16, [3, 3], [1, 1], ONE, True),
    conv2d(3, 9, 9, 16, 8, [3, 3], [1, 1], ONE, False),
    conv2d(2, 12, 12, 4, 4, [3, 3], [1, 1], ONE, False),
    conv2d(1, 4, 4, 5, 7, [3, 3], [1, 1], ONE, True),
    conv2d(2, 3, 3, 6, 6, [3, 3], [1, 1], ONE, False),
    conv2d(5, 1, 1, 3, 5, [3, 3], [1, 1], ONE, True),
    conv2d(2, 7, 5, 3, 9, [3, 3], [1, 1], NONE, False),
    conv2d(1, 7, 7, 2, 3, [3, 3], [1, 1], TWO, True),
    conv2d(2, 8, 8, 4, 8, [3, 3], [2, 2], ONE, False),
    conv2d(2, 9, 7, 3, 5, [3, 3], [2, 2], ONE, True),
    conv2d(1, 11, 13, 2, 3, [3, 3], [3, 3], ONE, False),
    conv2d(2, 6, 6, 8, 16, [1, 1], [1, 1], NONE, False),
    conv2d(2, 6, 6, 8, 16, [1, 1], [2, 2], NONE, True),
    conv2d(2, 7, 5, 3, 2, [1, 1], [2, 2], NONE, True),
    conv2d(1, 5, 5, 3, 4, [1, 1], [1, 1], ONE, True),
    conv2d(1, 13, 15, 3, 8, [7, 7], [2, 2], NONE, True),
    conv2d(2, 10, 9, 3, 4, [5, 5], [1, 1], TWO, False),
    conv2d(1, 17, 13, 2, 5, [5, 5], [3, 3], TWO, True),
    conv2d(2, 6, 7, 3, 3, [2, 2], [1, 1], ONE, True),
    conv2d(1, 8, 8, 3, 4, [2, 2], [2, 2], NONE, False),
    conv2d(1, 6, 6, 1, 1, [3, 3], [1, 1], ONE, False),
    conv2d(2, 5, 5, 1, 6, [4, 4], [1, 1], TWO, True),
    conv2d(2, 9, 8, 3, 4, [3, 5], [2, 1], (0, 1, 3, 2), True),
    conv2d(1, 6, 11, 4, 3, [4, 2], [1, 3], (2, 1, 0, 1), False),
    conv2d(1, 4, 4, 2, 3, [4, 4], [1, 1], NONE, True),
    conv2d(2, 5, 5, 3, 2, [1, 1], [4, 4], NONE, False),
    {"op": {"kind": "batch_norm", "eps": 1e-5, "momentum": 0.1, "scale": True}, "input": [4, 3, 3, 5]},
    {"op": {"kind": "batch_norm", "eps": 1e-3, "momentum": 0.3, "scale": True}, "input": [2, 5, 4, 8]},
    {"op": {"kind": "batch_norm", "eps": 1e-5, "momentum": 1.0, "scale": True}, "input": [2, 1, 1, 3]},
    {"op": {"kind": "relu"}, "input": [2, 3, 5, 3]},
    pool("max_pool", 2, 6, 6, 4, [2, 2], [2, 2], NONE),
    pool("max_pool", 2, 7, 9, 3, [3, 3], [2, 2], ONE),
    pool("max_pool", 1, 6, 5, 5, [3, 3], [1, 1], ONE),
    pool("max_pool", 1, 7, 7, 2, [2, 3], [1, 2], (1, 0, 1, 1)),
    pool("max_pool", 2, 5, 5, 8, [3, 3], [3, 3], NONE),
    pool("max_pool", 1, 5, 5, 3, [1, 1], [2, 2], NONE),
    pool("average_pool", 2, 6, 6, 4, [2, 2], [2, 2], NONE),
    pool("average_pool", 2, 7, 5, 3, [3, 3], [2, 2], ONE),
    pool("average_pool", 1, 5, 5, 5, [2, 2], [1, 1], ONE),
    pool("average_pool", 1, 7, 8, 2, [4, 3], [2, 3], (2, 1, 0, 1)),
    pool("average_pool", 2, 3, 3, 8, [3, 3], [3, 3], NONE),
    {"op": {"kind": "global_average_pool"}, "input": [3, 4, 5, 6]},
    {"op": {"kind": "global_average_pool"}, "input": [2, 1, 1, 3]},
    {"op": {"kind": "linear", "features": 10, "bias": True}, "input": [4, 12]},
    {"op": {"kind": "linear", "features": 3, "bias": False}, "input": [2, 2, 3, 5]},
    {"op": {"kind": "linear", "features": 7, "bias": True}, "input": [1, 1]},
    {"op": {"kind": "cross_entropy", "label_smoothing": 0.0}, "input": [5, 10]},
    {"op": {"kind": "cross_entropy", "label_smoothing": 0.1}, "input": [4, 3]},
    {"op": {"kind": "cross_entropy", "label_smoothing": 0.0}, "input": [3, 4], "spread": 128.0},
    {"op": {"kind": "cross_entropy", "label_smoothing": 0.0}, "input": [4, 5], "shares": [0.75, 1.0, 0.5, 0.625]},
    {"op": {"kind": "cross_entropy", "label_smoothing": 0.1}, "input": [4, 3], "shares": [0.75, 1.0, 0.5, 0.625]},
    {"op": {"kind": "subsample", "channels": 8, "stride": [2, 2]}, "input": [2, 6, 6, 4]},
    {"op": {"kind": "subsample", "channels": 5, "stride": [2, 3]}, "input": [2, 7, 8, 5]},
    {"op": {"kind": "subsample", "channels": 9, "stride": [1, 1]}, "input": [1, 3, 4, 3]},
    {"op": {"kind": "gelu"}, "input": [2, 3, 5, 3]},
    {"op": {"kind": "gelu"}, "input": [1, 4, 4, 8], "spread": 8.0},
    {"op": {"kind": "batch_norm", "eps": 1e-12, "momentum": 0.4, "scale": False}, "input": [3, 4, 2, 5]},
    {"op": {"kind": "scale", "factor": 0.125}, "input": [4, 6]},
    {"op": {"kind": "sigmoid"}, "input": [3, 9]},
    {"op": {"kind": "sigmoid"}, "input": [2, 3, 5, 3], "spread": 12.0},
    # Depthwise, with one filter a channel and with several
    grouped(2, 7, 6, 8, 8, [3, 3], [1, 1], ONE, False, 8),
    grouped(1, 9, 8, 13, 13, [3, 3], [2, 2], ONE, True, 13),
    grouped(2, 8, 7, 5, 5, [5, 5], [1, 1], TWO, True, 5),
    grouped(1, 9, 10, 11, 11, [7, 7], [1, 1], (3, 3, 3, 3), False, 11),
    grouped(1, 6, 9, 4, 4, [3, 5], [2, 1], (0, 1, 3, 2), True, 4),
    grouped(2, 6, 7, 3, 6, [3, 3], [1, 1], ONE, True, 3),
    grouped(1, 7, 7, 2, 8, [3, 3], [2, 2], (0, 1, 0, 1), False, 2),
    grouped(1, 9, 8, 9, 9, [3, 3], [1, 1], TWO, False, 9, [2, 2]),
    # Groups of 4 channels and of other numbers
    grouped(2, 6, 5, 8, 8, [3, 3], [1, 1], ONE, False, 2),
    grouped(1, 7, 8, 12, 12, [3, 3], [2, 2], ONE, True, 3),
    grouped(1, 5, 6, 16, 8, [3, 3], [1, 1], ONE, False, 2),
    grouped(1, 5, 5, 8, 24, [1, 1], [1, 1], NONE, True, 2),
    grouped(1, 6, 6, 6, 9, [3, 3], [1, 1], (1, 0, 2, 1), True, 3),
    grouped(1, 7, 6, 10, 4, [2, 3], [1, 2], ONE, False, 2),
    # Dilated, in one group and in several
    grouped(2, 8, 7, 3, 5, [3, 3], [1, 1], TWO, True, 1, [2, 2]),
    grouped(1, 9, 11, 2, 3, [3, 2], [2, 1], (1, 2, 0, 3), False, 1, [3, 2]),
    grouped(1, 8, 8, 8, 8, [3, 3], [1, 1], TWO, False, 2, [2, 2]),
    grouped(1, 10, 9, 4, 8, [3, 3], [2, 2], (2, 1, 2, 1), True, 2, [1, 3]),
    {"op": {"kind": "relu6"}, "input": [2, 3, 5, 3], "spread": 8.0},
    {"op": {"kind": "leaky_relu", "slope": 0.2}, "input": [2, 3, 5, 3]},
    {"op": {"kind": "silu"}, "input": [2, 3, 5, 3], "spread": 8.0},
    {"op": {"kind": "hard_swish"}, "input": [2, 3, 5, 3], "spread": 4.0},
    {"op": {"kind": "hard_sigmoid"}, "input": [2, 3, 5, 3], "spread": 4.0},
    {"op": {"kind": "layer_norm", "eps": 1e-6}, "input": [2, 3, 2, 11]},
    {"op": {"kind": "layer_norm", "eps": 1e-3}, "input": [4, 9]},
    {"op": {"kind": "layer_norm", "eps": 1e-5}, "input": [2, 2, 3, 16]},
    {"op": {"kind": "group_norm", "groups": 3, "eps": 1e-5}, "input": [2, 3, 2, 12]},
    {"op": {"kind": "group_norm", "groups": 1, "eps": 1e-3}, "input": [3, 2, 2, 5]},
    {"op": {"kind": "group_norm", "groups": 7, "eps": 1e-2}, "input": [2, 3, 3, 7]},
    {"op": {"kind": "learned_scale", "initial": 1e-6, "per": "channel"}, "input": [2, 3, 2, 11]},
    {"op": {"kind": "learned_scale", "initial": 0, "per": "tensor"}, "input": [2, 3, 2, 11]},
    {"op": {"kind": "learned_scale", "initial": 0, "per": "channel"}, "input": [4, 9]},
    {"op": {"kind": "slice", "from": 3, "channels": 7}, "input": [2, 3, 2, 12]},
    {"op": {"kind": "slice", "from": 0, "channels": 5}, "input": [3, 9]},
    {"op": {"kind": "shuffle", "groups": 3}, "input": [2, 3, 2, 12]},
]


def operand(case, index, shape):
    drawn = random.symmetric(case, random.OPERAND + index, math.prod(shape))
    return torch.from_numpy(drawn.astype(np.float32).astype(np.float64).reshape(shape))


def parameter_shapes(op, shape):
    kind = op["kind"]
    if kind == "conv2d":
        weight = (*op["kernel"], shape[3] // op.get("groups", 1), op["channels"])
        return [weight] + ([(op["channels"],)] if op["bias"] else [])
    if kind == "linear":
        return [(math.prod(shape[1:]), op["features"])] + ([(op["features"],)] if op["bias"] else [])
    if kind in ("layer_norm", "group_norm"):
        return [(shape[-1],)] * 2
    if kind == "learned_scale":
        return [(shape[-1] if op["per"] == "channel" else 1,)]
    if kind == "batch_norm":
        return [(shape[3],)] * (2 if op["scale"] else 1)
    return []


def apply(op, x, parameters):
    """x and the result in netc's layout, channels last."""
    kind = op["kind"]
    if kind in ACTIVATIONS:
        return activated(op, x)
    if kind == "layer_norm":
        return F.layer_norm(x, parameters[0].shape, *parameters, op["eps"])
    if kind == "learned_scale":
        return x * parameters[0]
    if kind == "slice":
        return x[..., op["from"]:op["from"] + op["channels"]]
    if kind == "scale":
        return x * op["factor"]
    if kind == "linear":
        result = x.flatten(1) @ parameters[0]
        return result + parameters[1] if op["bias"] else result
    channels_first = x.permute(0, 3, 1, 2)
    if kind == "conv2d":
        bias = parameters[1] if op["bias"] else None
        weight = parameters[0].permute(3, 2, 0, 1).contiguous()
        result = F.conv2d(padded(channels_first, op, 0.0), weight, bias, **filter_of(op))
    elif kind == "batch_norm":
        scale, shift = parameters if op["scale"] else (None, *parameters)
        result = F.batch_norm(channels_first, None, None, scale, shift, training=True, eps=op["eps"])
    elif kind == "subsample":
        result = subsampled(channels_first, op)
    elif kind == "group_norm":
        result = F.group_norm(channels_first, op["groups"], *parameters, op["eps"])
    elif kind == "shuffle":
        result = shuffled(channels_first, op["groups"])
    elif kind == "max_pool":
        result = F.max_pool2d(padded(channels_first, op, -math.inf), tuple(op["kernel"]), tuple(op["stride"]))
    elif kind == "average_pool":
        result = F.avg_pool2d(padded(channels_first, op, 0.0), tuple(op["kernel"]), tuple(op["stride"]))
    else:
        return F.adaptive_avg_pool2d(channels_first, 1).flatten(1)
    return result.permute(0, 2, 3, 1)


def record(index, case):
    op, shape = case["op"], case["input"]
    x = (operand(index, 0, shape) * case.get("spread", 1.0)).requires_grad_()
    if op["kind"] == "cross_entropy":
        labels = torch.from_numpy((random.draw(index, random.LABELS, shape[0]) % np.uint64(shape[1])).astype(np.int64))
        others = labels.roll(1)  # the second labels of mixed images
        target = labels
        if "shares" in case:
            shares = torch.tensor(case["shares"], dtype=torch.float64)[:, None]
            target = shares * F.one_hot(labels, shape[1]) + (1 - shares) * F.one_hot(others, shape[1])
        loss = F.cross_entropy(x, target, label_smoothing=op["label_smoothing"])
        loss.backward()
        return {**case, "labels": labels.tolist(), "otherLabels": others.tolist(), "output": numbers(loss), "inputGradient": numbers(x.grad)}
    parameters = [operand(index, 1 + k, s).requires_grad_() for k, s in enumerate(parameter_shapes(op, shape))]
    output = apply(op, x, parameters)
    output.backward(operand(index, 9, tuple(output.shape)))
    return {
        **case,
        "outputShape": list(output.shape),
        "output": numbers(output),
        "inputGradient": numbers(x.grad),
        "parameterGradients": [numbers(parameter.grad) for parameter in parameters],
        **running_statistics(op, x),
    }


def running_statistics(op, x):
    """Of batch norm after one step from mean 0 and variance 1."""
    if op["kind"] != "batch_norm":
        return {}
    mean, variance = torch.zeros(x.shape[3], dtype=x.dtype), torch.ones(x.shape[3], dtype=x.dtype)
    F.batch_norm(x.detach().permute(0, 3, 1, 2), mean, variance, training=True, momentum=op["momentum"])
    return {"runningMean": numbers(mean), "runningVariance": numbers(variance)}


def numbers(tensor):
    return [float(f"{value:.9g}") for value in tensor.detach().flatten().tolist()]


def main():
    torch.set_num_threads(1)
    records = [json.dumps(record(index, case), separators=(",", ":")) for index, case in enumerate(CASES)]
    with open(f"{HERE}/operations.json", "w") as file:
        generator = f"test/oracle/write_operations.py, torch {torch.__version__}"
        file.write('{"generator":' + json.dumps(generator) + ',"cases":[\n' + ",\n".join(records) + "\n]}\n")
    print(f"{len(records)} operations, {os.path.getsize(f'{HERE}/operations.json')} bytes")


if __name__ == "__main__":
    main()
