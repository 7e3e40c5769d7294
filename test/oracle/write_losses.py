"""Trains every case of cases/*.json (one or a list) for its steps in float32 and in float64 and writes losses/<case>.json.

Usage: /usr/bin/python3 test/oracle/write_losses.py [case ...]
"""
import glob
import json
import math
import os
import sys

import torch
import torch.nn.functional as F

import counter_random as random
from net_from_graph import Net, loss_of, normalized, optimizer_of
from updates import Plain, Updates

HERE = os.path.dirname(os.path.abspath(__file__))
WHOLE_TENSORS_BELOW = 3000  # parameters of the network: above it, norms and projections of the gradients are enough
PROJECTIONS = 3


def train(case, dtype):
    program = case["program"]
    config, graph = program["config"], program["graph"]
    net = Net(graph, case["seed"], dtype)
    updates = Updates(net, config["updates"]) if "updates" in config else Plain(optimizer_of(net, config, case["learningRate"]))
    losses, correct, norms, gradients = [], [], [], None
    for step in range(case["steps"]):
        images, labels = batch_of(case, step, dtype)
        for parameter in net.parameters.values():
            parameter.grad = None
        loss, right = 0.0, 0
        parts = config["train"].get("accumulate", 1)
        for part, (part_images, part_labels) in enumerate(zip(images.chunk(parts), labels.chunk(parts))):
            logits = net.forward(part_images, training=True, draws=(case["seed"], step + 1, part))
            part_loss = loss_of(logits, part_labels, config) * (len(part_labels) / len(labels))
            part_loss.backward()
            loss += part_loss.item()
            right += int((logits.argmax(1) == part_labels).sum())
        clip = config["train"].get("gradient_clip")
        limit = clip["norm"] if clip else math.inf
        norms.append(float(torch.nn.utils.clip_grad_norm_(updates.trained(step), limit)))
        if step == 0:
            gradients = {name: parameter.grad.clone() for name, parameter in net.parameters.items()}
        updates.step(step)
        losses.append(loss)
        correct.append(right)
    images, labels = batch_of(case, case["steps"], dtype)
    statistics = {name: float(value.norm()) for name, value in net.statistics.items()}
    updates.use_averages()
    with torch.no_grad():
        logits = net.forward(images, training=False)
        evaluation_loss = F.cross_entropy(logits, labels).item()
    return net, losses, correct, norms, gradients, statistics, logits, evaluation_loss


def batch_of(case, step, dtype):
    op = case["program"]["graph"]["nodes"][0]["op"]
    classes = case["program"]["config"]["model"]["classifier"]["classes"]
    images, labels = random.images_and_labels(
        case["seed"], step, case["batch"], op["height"], op["width"], op["channels"], classes)
    return normalized(images, case["program"]["config"], dtype), torch.from_numpy(labels)


def summary(index, tensor, whole):
    flat = tensor.flatten()
    projections = [
        float((flat * torch.from_numpy(random.symmetric(index, random.PROJECTION + k, flat.numel()))).sum())
        for k in range(PROJECTIONS)
    ]
    found = {"norm": rounded(float(flat.norm()), 10), "projections": [rounded(value, 10) for value in projections]}
    return {**found, "values": [rounded(value, 8) for value in flat.tolist()]} if whole else found


def rounded(value, digits):
    return float(f"{value:.{digits}g}")


def record(case):
    net, losses, correct, norms, gradients, statistics, logits, evaluation_loss = train(case, torch.float64)
    _, losses32, _, _, _, _, logits32, _ = train(case, torch.float32)
    parameters = sum(p.numel() for p in net.parameters.values())
    whole = parameters < WHOLE_TENSORS_BELOW and case["steps"] > 2
    drift = max(abs(a - b) / abs(a) for a, b in zip(losses, losses32))
    logit_drift = float((logits - logits32).abs().max() / logits.abs().max())
    print(f"{case['name']}: {parameters} parameters, loss {losses[0]:.4f} -> {losses[-1]:.4f}, "
          f"float32 drifts {drift:.1e}, logits {logit_drift:.1e}")
    return {
        "name": case["name"],
        "generator": f"test/oracle/write_losses.py, torch {torch.__version__}",
        "parameters": parameters,
        "losses": [rounded(value, 10) for value in losses],
        "losses32": [rounded(value, 9) for value in losses32],
        "correct": correct,
        "gradientNorms": [rounded(value, 10) for value in norms],
        "gradients": {name: summary(index, value, whole) for index, (name, value) in enumerate(gradients.items())},
        "statistics": {name: rounded(norm, 10) for name, norm in statistics.items()},
        "evaluation": {
            "loss": rounded(evaluation_loss, 10),
            "logits": [rounded(value, 8) for value in logits.flatten().tolist()],
        },
    }


def main():
    torch.set_num_threads(1)
    names = sys.argv[1:] or sorted(os.path.basename(path)[:-5] for path in glob.glob(f"{HERE}/cases/*.json"))
    for name in names:
        with open(f"{HERE}/cases/{name}.json") as file:
            cases = json.load(file)
        if isinstance(cases, list):
            text = "[\n" + ",\n".join(json.dumps(record(case), separators=(",", ":")) for case in cases) + "\n]\n"
        else:
            text = json.dumps(record(cases), separators=(",", ":")) + "\n"
        with open(f"{HERE}/losses/{name}.json", "w") as file:
            file.write(text)


if __name__ == "__main__":
    main()
