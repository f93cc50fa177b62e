"""Saves one ResNet-50, whose numbers are drawn here, as PyTorch, timm and Hugging Face do, and what PyTorch answers.

Usage: save_torch.py FOLDER CLASSES
"""
import argparse
import collections
import datetime
import decimal
import enum
import fractions
import functools
import pathlib
import re
import sys
import types
import uuid
from collections import OrderedDict

import numpy as np
import torch
from resnet import ResNet
from safetensors.torch import save_file
from torch import nn


def drawn(model):
    """Numbers with which the activations neither vanish nor grow."""
    random = np.random.RandomState(7)
    state = OrderedDict()
    for name, tensor in model.state_dict().items():
        shape = tuple(tensor.shape)
        if name.endswith("num_batches_tracked"):
            state[name] = torch.tensor(11)
            continue
        if len(shape) == 4:
            value = random.uniform(-1, 1, shape) * np.sqrt(6 / np.prod(shape[1:])) * 0.7
        elif name == "fc.weight":
            value = random.uniform(-1, 1, shape) * np.sqrt(3 / shape[1])
        elif name.endswith(("running_var", "weight")):
            value = random.uniform(0.5, 1.5, shape)
        else:
            value = random.uniform(-0.1, 0.1, shape)
        state[name] = torch.from_numpy(value.astype(np.float32))
    return state


def hugging_face(name):
    name = re.sub(r"^conv1\.", "resnet.embedder.embedder.convolution.", name)
    name = re.sub(r"^bn1\.", "resnet.embedder.embedder.normalization.", name)
    name = re.sub(r"^fc\.", "classifier.1.", name)
    name = re.sub(
        r"^layer(\d)\.(\d+)\.", lambda m: f"resnet.encoder.stages.{int(m[1]) - 1}.layers.{m[2]}.", name
    )
    name = re.sub(r"\.conv(\d)\.", lambda m: f".layer.{int(m[1]) - 1}.convolution.", name)
    name = re.sub(r"\.bn(\d)\.", lambda m: f".layer.{int(m[1]) - 1}.normalization.", name)
    return name.replace("downsample.0", "shortcut.convolution").replace("downsample.1", "shortcut.normalization")


class Stage(enum.Enum):
    TRAIN = "train"


def training_checkpoint(state):
    """What training scripts store beside the weights: plain values of many classes, none of which is needed."""
    wrapped = OrderedDict((f"model.net.{name}", tensor) for name, tensor in state.items())
    wrapped["criterion.weight"] = torch.ones(3)
    optimizer = torch.optim.AdamW([nn.Parameter(torch.zeros(2))])
    optimizer.param_groups[0]["params"][0].grad = torch.ones(2)
    optimizer.step()
    schedulers = [
        torch.optim.lr_scheduler.MultiStepLR(optimizer, [30, 60]),
        torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, 10),
    ]
    plain = {
        "path": pathlib.PosixPath("runs/1"),
        "date": [datetime.datetime(2024, 1, 2, 3), datetime.date(2024, 1, 2), datetime.timedelta(3)],
        "namespaces": [types.SimpleNamespace(a=1), argparse.Namespace(lr=0.1, path=pathlib.PurePosixPath("a"))],
        "deque": collections.deque([1, 2, 3], 5),
        "counter": collections.Counter("abca"),
        "default": collections.defaultdict(list, a=[1]),
        "numbers": [1 + 2j, decimal.Decimal("0.1"), fractions.Fraction(1, 3), 2**70, float("inf"), range(3), slice(1)],
        "torch": [torch.__version__, torch.device("cpu"), torch.bfloat16, torch.Size([1])],
        "layout": torch.strided,
        "partial": functools.partial(nn.LayerNorm, eps=1e-6),
        "types": [int, float, str, dict, nn.ReLU],
        "enum": {Stage.TRAIN: Stage.TRAIN},
        "numpy": [np.dtype("float32"), np.float64(1), np.float32, np.arange(3), np.array(["a", None], dtype=object)],
        "random": [np.random.get_state(), np.random.RandomState(1), np.random.default_rng(1), torch.get_rng_state()],
        "uuid": uuid.UUID(int=1),
        "bytes": [b"", b"abc", bytearray(b"abc")],
        "sets": [{1, 2}, frozenset([3])],
    }
    return {
        "epoch": 3,
        "global_step": 100,
        "pytorch-lightning_version": "2.5.0",
        "state_dict": wrapped,
        "best_acc1": torch.tensor(69.7),
        "optimizer_states": [optimizer.state_dict()],
        "lr_schedulers": [scheduler.state_dict() for scheduler in schedulers],
        "callbacks": {"ModelCheckpoint{'monitor': 'val'}": {"best_model_score": torch.tensor(0.5), "best_k_models": {}}},
        "hyper_parameters": plain,
    }


def main(folder, classes):
    model = ResNet(50, classes)
    state = drawn(model)
    model.load_state_dict(state)
    state = model.state_dict()
    torch.save(state, f"{folder}/zip.pth")
    torch.save(state, f"{folder}/legacy.pth", _use_new_zipfile_serialization=False)
    wrapped = OrderedDict((f"module.{name}", tensor) for name, tensor in state.items())
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    torch.save(
        {"epoch": 3, "arch": "resnet50", "state_dict": wrapped, "best_acc1": 0.5, "optimizer": optimizer.state_dict()},
        f"{folder}/checkpoint.pth",
    )
    # Convolutions as they lie after model.to(memory_format=torch.channels_last).
    lying = {name: t.to(memory_format=torch.channels_last) if t.ndim == 4 else t for name, t in state.items()}
    torch.save(lying, f"{folder}/channels_last.pth")
    save_file(dict(state), f"{folder}/timm.safetensors", {"format": "pt"})
    save_file({hugging_face(name): t for name, t in state.items()}, f"{folder}/huggingface.safetensors", {"format": "pt"})
    torch.save(training_checkpoint(state), f"{folder}/training.pth")
    # For PaddlePaddle, in order.
    np.savez(f"{folder}/state.npz", **{name: t.numpy() for name, t in state.items() if "num_batches" not in name})

    x = torch.from_numpy(np.random.RandomState(8).uniform(-2, 2, (2, 3, 75, 64)).astype(np.float32))
    x.numpy().tofile(f"{folder}/input.f32")
    with torch.no_grad():
        logits = model.double().eval()(x.double())
    logits.numpy().tofile(f"{folder}/torch.f64")


main(sys.argv[1], int(sys.argv[2]))
