"""Trains ResNets as PyTorch does it, in float32 and in float64, from the weights and batches of FOLDER.

Usage: train_torch.py FOLDER
Reads cases.json, LAYERS.safetensors (weights with torchvision's names) and x.f32, target.i64, soft.f32; writes
results.json, losses by case and variant. A case with `reference` has variants besides float32 on one thread in
channels-last: other layouts and thread counts, which show how far PyTorch is from itself, and float64; and the first
step's gradients of each, as CASE-VARIANT.safetensors.
"""
import json
import sys

import numpy as np
import torch
from resnet import ResNet
from safetensors.torch import load_file, save_file
from torch.nn import functional as F


def optimizer_for(case, model):
    options = case["optimizer"]
    decay = {"lr": options["lr"], "weight_decay": options["weightDecay"], "fused": True}
    if options["name"] == "adamw":
        return torch.optim.AdamW(model.parameters(), betas=tuple(options["betas"]), eps=options["eps"], **decay)
    return torch.optim.SGD(
        model.parameters(),
        momentum=options["momentum"],
        dampening=options["dampening"],
        nesterov=options["nesterov"],
        **decay,
    )


VARIANTS = {
    "float32": (torch.float32, torch.channels_last, 1),
    "float32-threads": (torch.float32, torch.channels_last, 2),
    "float32-nchw": (torch.float32, torch.contiguous_format, 1),
    "float32-nchw-threads": (torch.float32, torch.contiguous_format, 2),
    "float64": (torch.float64, torch.contiguous_format, 2),
}


def train(folder, case, variant, batches):
    dtype, layout, threads = VARIANTS[variant]
    torch.set_num_threads(threads)
    model = ResNet(case["layers"], case["classes"])
    model.load_state_dict(load_file(f"{folder}/{case['layers']}.safetensors"))
    model.to(dtype).train()
    optimizer = optimizer_for(case, model)
    weights = case["classWeights"] and torch.tensor(case["classWeights"], dtype=dtype)
    losses = []
    for step in range(case["steps"]):
        x, target, soft = batches[step % len(batches)]
        logits = model(x.to(dtype).contiguous(memory_format=layout))
        answer = soft.to(dtype) if case["soft"] else target
        loss = F.cross_entropy(logits, answer, weight=weights, label_smoothing=case["labelSmoothing"])
        optimizer.zero_grad()
        loss.backward()
        if step == 0 and case["reference"]:
            gradients = {name: parameter.grad.contiguous() for name, parameter in model.named_parameters()}
            save_file(gradients, f"{folder}/{case['name']}-{variant}.safetensors")
        optimizer.step()
        losses.append(loss.item())
    return losses


def main():
    folder = sys.argv[1]
    with open(f"{folder}/cases.json") as file:
        settings = json.load(file)
    shape = settings["shape"]
    count = settings["batches"]
    x = torch.from_numpy(np.fromfile(f"{folder}/x.f32", np.float32)).view(count, *shape)
    target = torch.from_numpy(np.fromfile(f"{folder}/target.i64", np.int64)).view(count, shape[0])
    soft = torch.from_numpy(np.fromfile(f"{folder}/soft.f32", np.float32)).view(count, shape[0], -1)
    batches = list(zip(x, target, soft))
    results = {}
    for case in settings["cases"]:
        variants = VARIANTS if case["reference"] else ["float32"]
        results[case["name"]] = {variant: train(folder, case, variant, batches) for variant in variants}
    with open(f"{folder}/results.json", "w") as file:
        json.dump(results, file)


main()
