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
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional as F


class Basic(nn.Module):
    expansion = 1

    def __init__(self, inputs, width, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = None
        if stride != 1 or inputs != width:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, width, 1, stride, bias=False), nn.BatchNorm2d(width))

    def forward(self, x):
        y = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(y + (x if self.downsample is None else self.downsample(x)))


class Bottleneck(nn.Module):
    expansion = 4

    def __init__(self, inputs, width, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)
        self.downsample = None
        if stride != 1 or inputs != 4 * width:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, 4 * width, 1, stride, bias=False), nn.BatchNorm2d(4 * width)
            )

    def forward(self, x):
        y = torch.relu(self.bn1(self.conv1(x)))
        y = torch.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return torch.relu(y + (x if self.downsample is None else self.downsample(x)))


class ResNet(nn.Module):
    def __init__(self, layers, classes):
        super().__init__()
        block = Basic if layers == 18 else Bottleneck
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        inputs = 64
        for stage, blocks in enumerate({18: [2, 2, 2, 2], 50: [3, 4, 6, 3]}[layers]):
            width = 64 * 2**stage
            stages = []
            for i in range(blocks):
                stages.append(block(inputs, width, 2 if stage > 0 and i == 0 else 1))
                inputs = block.expansion * width
            setattr(self, f"layer{stage + 1}", nn.Sequential(*stages))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(inputs, classes)

    def forward(self, x):
        x = self.maxpool(torch.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(torch.flatten(self.avgpool(x), 1))


def optimizer_for(case, model):
    options = case["optimizer"]
    decay = {"lr": options["lr"], "weight_decay": options["weightDecay"], "fused": True}
    if options["name"] == "adamw":
        return torch.optim.AdamW(model.parameters(), betas=tuple(options["betas"]), eps=options["eps"], **decay)
    return torch.optim.SGD(model.parameters(), momentum=options["momentum"], nesterov=options["nesterov"], **decay)


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
