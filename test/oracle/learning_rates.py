# PyTorch's own learning rates for every schedule of the language, as learning_rates.json beside this file.
# Run with PyTorch 1.13 or newer: /usr/bin/python3 test/oracle/learning_rates.py
import json
import os
import torch
from torch.optim.lr_scheduler import (
    ConstantLR, CosineAnnealingLR, CosineAnnealingWarmRestarts, LambdaLR, LinearLR, MultiStepLR, OneCycleLR, PolynomialLR,
    SequentialLR, StepLR,
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


def one_cycle(start, peak, end, peak_step, shape="linear"):
    # OneCycleLR ends its phases one step early (at pct_start * total_steps - 1), hence the added steps.
    def make(optimizer):
        return OneCycleLR(
            optimizer, max_lr=peak, total_steps=STEPS + 1, pct_start=(peak_step + 1) / (STEPS + 1),
            anneal_strategy={"linear": "linear", "cosine": "cos"}[shape], div_factor=peak / start, final_div_factor=start / end, cycle_momentum=False,
        )
    return make


def warmup(epochs=0, steps=None):
    return {"warmup_epochs": epochs, "warmup_steps": steps}


NONE = warmup()
cases = [
    ({"constant": {"rate": 0.1, **NONE}}, rates(lambda o: ConstantLR(o, factor=1), 0.1)),
    ({"constant": {"rate": 0.1, **warmup(2)}}, rates(after_warmup(14, lambda o: ConstantLR(o, factor=1)), 0.1)),
    ({"constant": {"rate": 0.1, **warmup(steps=5)}}, rates(after_warmup(5, lambda o: ConstantLR(o, factor=1)), 0.1)),
    ({"step": {"rate": 0.1, "factor": 0.5, "every_epochs": 2, "every_steps": None, **NONE}},
     rates(lambda o: StepLR(o, step_size=14, gamma=0.5), 0.1)),
    ({"step": {"rate": 0.1, "factor": 0.5, "every_epochs": None, "every_steps": 9, **NONE}},
     rates(lambda o: StepLR(o, step_size=9, gamma=0.5), 0.1)),
    ({"multi_step": {"rate": 0.2, "factor": 0.1, "milestones": [3, 5], "milestone_steps": None, **NONE}},
     rates(lambda o: MultiStepLR(o, milestones=[21, 35], gamma=0.1), 0.2)),
    ({"multi_step": {"rate": 0.2, "factor": 0.1, "milestones": None, "milestone_steps": [20, 33], **NONE}},
     rates(lambda o: MultiStepLR(o, milestones=[20, 33], gamma=0.1), 0.2)),
    ({"multi_step": {"rate": 0.2, "factor": 0.1, "milestones": [3, 5], "milestone_steps": None, **warmup(1)}},
     rates(after_warmup(7, lambda o: MultiStepLR(o, milestones=[14, 28], gamma=0.1)), 0.2)),
    ({"cosine": {"rate": 0.4, "end": 0.001, **NONE}},
     rates(lambda o: CosineAnnealingLR(o, T_max=STEPS, eta_min=0.001), 0.4)),
    ({"cosine": {"rate": 0.4, "end": 0.0, **warmup(1)}},
     rates(after_warmup(7, lambda o: CosineAnnealingLR(o, T_max=STEPS - 7)), 0.4)),
    ({"cosine_restarts": {"rate": 0.4, "end": 0.01, "period_epochs": 2, "period_steps": None, "period_growth": 1, **NONE}},
     rates(lambda o: CosineAnnealingWarmRestarts(o, T_0=14, eta_min=0.01), 0.4)),
    ({"cosine_restarts": {"rate": 0.4, "end": 0.0, "period_epochs": None, "period_steps": 5, "period_growth": 2, **NONE}},
     rates(lambda o: CosineAnnealingWarmRestarts(o, T_0=5, T_mult=2), 0.4)),
    ({"cosine_restarts": {"rate": 0.4, "end": 0.0, "period_epochs": 1, "period_steps": None, "period_growth": 3, **warmup(steps=4)}},
     rates(after_warmup(4, lambda o: CosineAnnealingWarmRestarts(o, T_0=7, T_mult=3)), 0.4)),
    ({"linear": {"rate": 0.4, "end": 0.0, **NONE}},
     rates(lambda o: LinearLR(o, start_factor=1, end_factor=0, total_iters=STEPS), 0.4)),
    ({"linear": {"rate": 0.4, "end": 0.1, **warmup(1)}},
     rates(after_warmup(7, lambda o: LinearLR(o, start_factor=1, end_factor=0.25, total_iters=STEPS - 7)), 0.4)),
    ({"polynomial": {"rate": 0.4, "end": 0.0, "power": 0.9, **NONE}},
     rates(lambda o: PolynomialLR(o, total_iters=STEPS, power=0.9), 0.4)),
    ({"polynomial": {"rate": 0.4, "end": 0.0, "power": 2, **warmup(steps=10)}},
     rates(after_warmup(10, lambda o: PolynomialLR(o, total_iters=STEPS - 10, power=2)), 0.4)),
    ({"one_cycle": {"peak": 0.4, "start": 0.08, "end": 0.004, "peak_at": 0.5, "shape": "linear"}},
     rates(one_cycle(0.08, 0.4, 0.004, 21), 0.4)),
    ({"one_cycle": {"peak": 0.4, "start": 0.08, "end": 0.028, "peak_at": 5 / 21, "shape": "linear"}},
     rates(one_cycle(0.08, 0.4, 0.028, 10), 0.4)),
    ({"one_cycle": {"peak": 0.4, "start": 0.02, "end": 0.0002, "peak_at": 0.5, "shape": "cosine"}},
     rates(one_cycle(0.02, 0.4, 0.0002, 21, "cosine"), 0.4)),
]
document = {
    "stepsPerEpoch": STEPS_PER_EPOCH, "epochs": EPOCHS,
    "cases": [{"learningRate": schedule, "rates": values} for schedule, values in cases],
}
with open(os.path.join(os.path.dirname(__file__), "learning_rates.json"), "w") as file:
    json.dump(document, file)
    file.write("\n")
