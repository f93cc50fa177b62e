"""PyTorch, eager (channels-last) or compiled and frozen: python pytorch.py TASK, prints JSON."""

import json
import sys

from timing import report

task = json.loads(sys.argv[1])

import torch  # noqa: E402
from torch import nn  # noqa: E402

BLOCKS = {18: [2, 2, 2, 2], 50: [3, 4, 6, 3]}


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride, bottleneck):
        super().__init__()
        width = outputs // 4 if bottleneck else outputs
        kernels = [(1, 1), (3, stride), (1, 1)] if bottleneck else [(3, stride), (3, 1)]
        layers, channels = [], inputs
        for i, (kernel, step) in enumerate(kernels):
            out = outputs if i == len(kernels) - 1 else width
            layers += [nn.Conv2d(channels, out, kernel, step, kernel // 2, bias=False), nn.BatchNorm2d(out)]
            layers += [nn.ReLU(inplace=True)] if i < len(kernels) - 1 else []
            channels = out
        self.layers = nn.Sequential(*layers)
        self.shortcut = (
            nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
            if stride != 1 or inputs != outputs
            else nn.Identity()
        )

    def forward(self, x):
        return torch.relu(self.layers(x) + self.shortcut(x))


def network(layers):
    bottleneck = layers >= 50
    parts = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)]
    channels = 64
    for stage, count in enumerate(BLOCKS[layers]):
        out = 64 * 2**stage * (4 if bottleneck else 1)
        for i in range(count):
            parts.append(Block(channels, out, 2 if i == 0 and stage > 0 else 1, bottleneck))
            channels = out
    return nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 1000)).eval()


with torch.inference_mode():
    torch.manual_seed(1)
    net = network(task["layers"]).to(memory_format=torch.channels_last)
    if task["dtype"] == "compiled":
        import torch._inductor.config

        torch._inductor.config.freezing = True
        net = torch.compile(net)
    x = torch.randn(task["batch"], 3, 224, 224).to(memory_format=torch.channels_last)
    report(task, lambda: net(x))
