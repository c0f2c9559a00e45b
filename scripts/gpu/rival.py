"""Times Python's training steps, for `npm run gpu-check`: rival.py [--device cuda] [--tiny] CASE...

Prints a line of JSON for each case of cases.ts, with the milliseconds of a step in three modes:

    prune   weights masked by torch.nn.utils.prune, eager
    dense   without masks, eager, by the fused SGD
    graph   masked, the whole step captured in one CUDA graph

Each trains by SGD on images of noise: bytes in pinned memory (small images: on the GPU), normalized on the GPU.
Networks on images with three channels are in channels-last. A mode that fails says why in `<mode>_error`.
"""

import argparse
import json
import time

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import prune

EPOCHS = 4  # the first is a warm-up
MODES = ("prune", "dense", "graph")


class Block(nn.Module):
    """A basic block of ResNet-18 for CIFAR-10."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + self.shortcut(x))


def resnet18():
    layers = [nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU()]
    inputs = 64
    for outputs in (64, 128, 256, 512):
        for stride in (1 if outputs == 64 else 2, 1):
            layers.append(Block(inputs, outputs, stride))
            inputs = outputs
    return nn.Sequential(*layers, nn.AvgPool2d(4), nn.Flatten(), nn.Linear(512, 10))


def lenet300100():
    layers = nn.Linear(784, 300), nn.ReLU(), nn.Linear(300, 100), nn.ReLU(), nn.Linear(100, 10)
    return nn.Sequential(nn.Flatten(), *layers)


def lenet5():
    convolutions = nn.Conv2d(1, 20, 5), nn.MaxPool2d(2), nn.Conv2d(20, 50, 5), nn.MaxPool2d(2)
    return nn.Sequential(*convolutions, nn.Flatten(), nn.Linear(800, 500), nn.ReLU(), nn.Linear(500, 10))


def torchvision_model(name):
    """Only these need torchvision."""

    def make():
        import torchvision.models

        return getattr(torchvision.models, name)(weights=None)

    return make


DIGITS = dict(sample=(1, 28, 28), classes=10, batch=64, steps=400, half=False)
CIFAR = dict(sample=(3, 32, 32), classes=10, batch=128, steps=60)
IMAGENET = dict(sample=(3, 224, 224), classes=1000, batch=64, steps=12)
CASES = {
    "lenet-300-100 b64": dict(DIGITS, make=lenet300100),
    "lenet-5 b64": dict(DIGITS, make=lenet5),
    "alexnet b256 fp32": dict(IMAGENET, make=torchvision_model("alexnet"), batch=256, half=False),
    "alexnet b256 bf16": dict(IMAGENET, make=torchvision_model("alexnet"), batch=256, half=True),
    "vgg-16 b64 fp32": dict(IMAGENET, make=torchvision_model("vgg16"), half=False),
    "vgg-16 b64 bf16": dict(IMAGENET, make=torchvision_model("vgg16"), half=True),
    "resnet-18 b128 fp32": dict(CIFAR, make=resnet18, half=False),
    "resnet-18 b128 bf16": dict(CIFAR, make=resnet18, half=True),
    "resnet-50 b64 bf16": dict(IMAGENET, make=torchvision_model("resnet50"), half=True),
}


class Timed:
    """A case in one mode."""

    def __init__(self, case, mode, device, steps, images, labels):
        self.case, self.mode, self.device, self.steps = case, mode, device, steps
        self.images, self.labels = images, labels
        self.large = case["sample"][0] == 3
        torch.manual_seed(0)
        self.model = case["make"]().to(device)
        if mode != "dense":
            for module in self.model.modules():
                if isinstance(module, (nn.Linear, nn.Conv2d)):
                    prune.l1_unstructured(module, "weight", 0.9)
        if self.large:
            self.model = self.model.to(memory_format=torch.channels_last)
        fused = True if mode == "dense" else None
        self.optimizer = torch.optim.SGD(
            self.model.parameters(), lr=1e-3, momentum=0.9, weight_decay=5e-4, fused=fused
        )

    def batch(self, i):
        """The normalized images of a step, and their labels."""
        first = i * self.case["batch"]
        last = first + self.case["batch"]
        x = self.images[first:last].to(self.device, non_blocking=True).float().div_(255).sub_(0.5).div_(0.25)
        if self.large:
            x = x.contiguous(memory_format=torch.channels_last)
        return x, self.labels[first:last]

    def step(self, x, labels):
        self.optimizer.zero_grad(set_to_none=True)
        with torch.autocast(self.device, torch.bfloat16, enabled=self.case["half"]):
            loss = F.cross_entropy(self.model(x), labels)
        loss.backward()
        self.optimizer.step()

    def eager(self):
        return lambda i: self.step(*self.batch(i))

    def captured(self):
        x, labels = (tensor.clone() for tensor in self.batch(0))
        # prune has computed masked weights outside of the stream that captures. As long as they live, so do the nodes
        # that accumulate their gradients, which would then run in the other stream and break the capture.
        for module in self.model.modules():
            if hasattr(module, "weight_mask"):
                module.weight = module.weight.detach()
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(5):
                self.step(x, labels)
        torch.cuda.synchronize()
        self.optimizer.zero_grad(set_to_none=True)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=stream):
            self.step(x, labels)

        def run(i):
            images, targets = self.batch(i)
            x.copy_(images)
            labels.copy_(targets)
            graph.replay()

        return run

    def milliseconds(self):
        run = self.captured() if self.mode == "graph" else self.eager()
        times = []
        for _ in range(EPOCHS):
            self.synchronize()
            started = time.perf_counter()
            for i in range(self.steps):
                run(i)
            self.synchronize()
            times.append((time.perf_counter() - started) / self.steps * 1000)
        return round(sorted(times[1:])[(EPOCHS - 1) // 2], 3)

    def synchronize(self):
        if self.device == "cuda":
            torch.cuda.synchronize()


def measure(name, device, tiny):
    case = CASES[name]
    steps = 2 if tiny else case["steps"]
    count = case["batch"] * steps
    images = torch.randint(0, 256, (count, *case["sample"]), dtype=torch.uint8)
    if device == "cuda":
        images = images.pin_memory() if case["sample"][0] == 3 else images.to(device)
    labels = torch.randint(0, case["classes"], (count,)).to(device)
    row = {"case": name}
    for mode in MODES if device == "cuda" else MODES[:2]:
        try:
            row[mode + "_ms"] = Timed(case, mode, device, steps, images, labels).milliseconds()
        except Exception as error:  # whatever a mode fails of, the next one may succeed
            row[mode + "_error"] = str(error)[:200]
        if device == "cuda":
            torch.cuda.empty_cache()
    return row


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("cases", nargs="*", default=list(CASES))
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--tiny", action="store_true")
    options = parser.parse_args()
    for name in options.cases:
        try:
            row = measure(name, options.device.split(":")[0], options.tiny)
        except Exception as error:
            row = {"case": name, "rival_error": str(error)[:200]}
        print(json.dumps(row), flush=True)


main()
