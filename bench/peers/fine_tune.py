"""The steps of bench/recipe-steps.mjs once more, by PyTorch: timm's EfficientNet-Lite0, its own reading of the same file of weights,
batch norms in evaluation mode, torch.optim.SGD.
    python3 bench/peers/fine_tune.py FOLDER WEIGHTS RATE
The classifier starts as netc drew it; the file must train without dropout. Prints both losses of each step, and the largest
difference. Seen for batches of 16 at a rate of 3e-5, about what the body of a network is tuned by: 2e-4 apart at most in 20 steps.
At 5e-4 they part: 6e-5 in step 3, 1e-3 in step 5, 4e-2 in step 6, as rounding is magnified where losses rise at first; steps that
differed by rule would differ in the first of them, by as much at either rate."""
import json
import sys
from pathlib import Path

import numpy as np
import timm
import torch

folder, weights, rate = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])
torch.set_num_threads(2)
told = json.loads((folder / "steps.json").read_text())
batch, size = told["batch"], told["input"]["height"]
drawn, offset, raw = {}, 0, np.fromfile(folder / "weights.bin", np.float32)
for tensor in told["tensors"]:
    count = int(np.prod(tensor["shape"]))
    drawn[tensor["name"]] = torch.tensor(raw[offset : offset + count].reshape(tensor["shape"]))
    offset += count

head = drawn["classifier.weight"]  # [inputs, classes] in netc
model = timm.create_model("tf_efficientnet_lite0", num_classes=head.shape[1], drop_rate=0.0)
stored = torch.load(weights, map_location="cpu", weights_only=True)
ours = [name for name in model.state_dict() if not name.startswith("classifier") and not name.endswith("num_batches_tracked")]
theirs = [name for name in stored if not name.startswith("_fc") and not name.endswith("num_batches_tracked")]
assert len(ours) == len(theirs) and all(model.state_dict()[a].shape == stored[b].shape for a, b in zip(ours, theirs))
state = {a: stored[b] for a, b in zip(ours, theirs)}
model.load_state_dict({**state, "classifier.weight": head.T.contiguous(), "classifier.bias": drawn["classifier.bias"]}, strict=False)
model.eval()  # running statistics
norms = [p for m in model.modules() if isinstance(m, torch.nn.BatchNorm2d) for p in m.parameters()]
for p in norms:
    p.requires_grad_(False)
optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=rate, momentum=0.9, nesterov=True)
mean, std = (torch.tensor(told["normalize"][key], dtype=torch.float32).reshape(1, 3, 1, 1) for key in ("mean", "std"))
images = np.fromfile(folder / "images.bin", np.uint8).reshape(-1, batch, size, size, 3)
labels = np.fromfile(folder / "labels.bin", np.int32).reshape(-1, batch)
worst = 0.0
for step, (pixels, classes) in enumerate(zip(images, labels)):
    x = (torch.tensor(pixels).permute(0, 3, 1, 2).float() / 255 - mean) / std
    logits = model(x)
    loss = torch.nn.functional.cross_entropy(logits, torch.tensor(classes).long(), label_smoothing=0.1)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    other = told["losses"][step]["loss"]
    worst = max(worst, abs(other - loss.item()))
    print(f"step {step + 1}  netc {other:.6f}  PyTorch {loss.item():.6f}")
print(f"largest difference {worst:.2e}")
