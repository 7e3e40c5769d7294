# PyTorch's own learning rates for every schedule of the language, as learning_rates.json beside this file.
# Run with PyTorch 1.13: /usr/bin/python3 test/oracle/learning_rates.py
import json
import os
import torch
from torch.optim.lr_scheduler import (
    ConstantLR, CosineAnnealingLR, LambdaLR, MultiStepLR, OneCycleLR, SequentialLR, StepLR,
)

STEPS_PER_EPOCH = 7
EPOCHS = 6
STEPS = STEPS_PER_EPOCH * EPOCHS


def rates(make_scheduler, base_rate):
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=base_rate)
    scheduler = make_scheduler(optimizer)
    result = []
    for _ in range(STEPS):
        result.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return result


def after_warmup(steps, make_rest):
    def make(optimizer):
        warmup = LambdaLR(optimizer, lambda step: step / steps)
        return SequentialLR(optimizer, [warmup, make_rest(optimizer)], milestones=[steps])
    return make


def one_cycle(start, peak, end, peak_step):
    # OneCycleLR ends its phases one step early (at pct_start * total_steps - 1), hence the added steps.
    def make(optimizer):
        return OneCycleLR(
            optimizer, max_lr=peak, total_steps=STEPS + 1, pct_start=(peak_step + 1) / (STEPS + 1),
            anneal_strategy="linear", div_factor=peak / start, final_div_factor=start / end, cycle_momentum=False,
        )
    return make


cases = [
    ({"constant": {"rate": 0.1, "warmup_epochs": 0}}, rates(lambda o: ConstantLR(o, factor=1), 0.1)),
    ({"constant": {"rate": 0.1, "warmup_epochs": 2}},
     rates(after_warmup(14, lambda o: ConstantLR(o, factor=1)), 0.1)),
    ({"step": {"rate": 0.1, "factor": 0.5, "every_epochs": 2, "warmup_epochs": 0}},
     rates(lambda o: StepLR(o, step_size=14, gamma=0.5), 0.1)),
    ({"multi_step": {"rate": 0.2, "factor": 0.1, "milestones": [3, 5], "warmup_epochs": 0}},
     rates(lambda o: MultiStepLR(o, milestones=[21, 35], gamma=0.1), 0.2)),
    ({"multi_step": {"rate": 0.2, "factor": 0.1, "milestones": [3, 5], "warmup_epochs": 1}},
     rates(after_warmup(7, lambda o: MultiStepLR(o, milestones=[14, 28], gamma=0.1)), 0.2)),
    ({"cosine": {"rate": 0.4, "end": 0.001, "warmup_epochs": 0}},
     rates(lambda o: CosineAnnealingLR(o, T_max=STEPS, eta_min=0.001), 0.4)),
    ({"cosine": {"rate": 0.4, "end": 0.0, "warmup_epochs": 1}},
     rates(after_warmup(7, lambda o: CosineAnnealingLR(o, T_max=STEPS - 7)), 0.4)),
    ({"one_cycle": {"peak": 0.4, "start": 0.08, "end": 0.004, "peak_at": 0.5}},
     rates(one_cycle(0.08, 0.4, 0.004, 21), 0.4)),
]
document = {
    "stepsPerEpoch": STEPS_PER_EPOCH, "epochs": EPOCHS,
    "cases": [{"learningRate": schedule, "rates": values} for schedule, values in cases],
}
with open(os.path.join(os.path.dirname(__file__), "learning_rates.json"), "w") as file:
    json.dump(document, file)
    file.write("\n")
