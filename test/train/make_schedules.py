"""Learning rates of PyTorch's schedulers, which schedules.test.ts compares with: make_schedules.py > schedules.json"""
import json
import warnings

import torch
from torch.optim import SGD
from torch.optim import lr_scheduler as schedulers

warnings.simplefilter("ignore")
STEPS_PER_EPOCH, EPOCHS = 7, 12
TOTAL = STEPS_PER_EPOCH * EPOCHS
LOSSES = [1.0, 0.8, 0.8, 0.79999, 0.9, 0.7, 0.71, 0.72, 0.73, 0.5, 0.6, 0.6]


def rates(make):
    optimizer = SGD([torch.zeros(1)], lr=1.0)
    scheduler = make(optimizer)
    found = []
    for _ in range(TOTAL):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if len(found) < TOTAL:
            scheduler.step()
    return found


def warm(optimizer, steps, factor, scheduler):
    warmup = schedulers.LinearLR(optimizer, start_factor=factor, total_iters=steps)
    return schedulers.SequentialLR(optimizer, [warmup, scheduler], milestones=[steps])


def plateau(factor, patience):
    optimizer = SGD([torch.zeros(1)], lr=1.0)
    scheduler = schedulers.ReduceLROnPlateau(optimizer, factor=factor, patience=patience)
    found = []
    for loss in LOSSES:
        found += [optimizer.param_groups[0]["lr"]] * STEPS_PER_EPOCH
        scheduler.step(loss)
    return found


CASES = [
    ({"name": "constant"}, rates(lambda o: schedulers.ConstantLR(o, factor=1))),
    ({"name": "step", "epochs": 5, "gamma": 0.1}, rates(lambda o: schedulers.StepLR(o, 5 * STEPS_PER_EPOCH, 0.1))),
    ({"name": "cosine"}, rates(lambda o: schedulers.CosineAnnealingLR(o, TOTAL))),
    ({"name": "cosine", "minFactor": 0.05}, rates(lambda o: schedulers.CosineAnnealingLR(o, TOTAL, eta_min=0.05))),
    (
        {"name": "cosine", "warmup": {"epochs": 2, "factor": 0.01}},
        rates(lambda o: warm(o, 14, 0.01, schedulers.CosineAnnealingLR(o, TOTAL - 14))),
    ),
    (
        {"name": "step", "epochs": 4, "gamma": 0.5, "warmup": {"epochs": 1, "factor": 0.1}},
        rates(lambda o: warm(o, 7, 0.1, schedulers.StepLR(o, 4 * STEPS_PER_EPOCH, 0.5))),
    ),
    ({"name": "one-cycle"}, rates(lambda o: schedulers.OneCycleLR(o, max_lr=1.0, total_steps=TOTAL))),
    ({"name": "plateau", "factor": 0.5, "patience": 1}, plateau(0.5, 1)),
    ({"name": "plateau", "factor": 0.1, "patience": 2}, plateau(0.1, 2)),
]

print(
    json.dumps(
        {
            "stepsPerEpoch": STEPS_PER_EPOCH,
            "totalSteps": TOTAL,
            "losses": LOSSES,
            "cases": [{"schedule": schedule, "rates": found} for schedule, found in CASES],
        }
    )
)
