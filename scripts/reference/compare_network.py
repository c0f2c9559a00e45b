"""The other side of `npm run compare` on AlexNet, VGG-16 and ResNet-18: trains on given batches, on command.

Reads FOLDER/input.safetensors: the dense parameters and buffers under PyTorch's names, `batches.x` and `test.x` uint8
[n, 3, h, w], `batches.y` int64, and the metadata strings `mean` and `std`, which are JSON lists by channel for pixels
on the scale 0..1. Trains without dropout, in channels-last, with SGD (momentum 0.9, weight decay 5e-4). Modes:
  prune  torch.nn.utils.prune on every linear and convolutional weight, keeping its largest tenth; the default SGD
  dense  only the default SGD, starting from the same weights with zeros in place of pruned ones
  fused  like dense, with SGD(fused=True)
Takes one command per line from stdin and answers each with a line of JSON, so that two programs can take turns:
  run 5   runs 5 more steps -> {"seconds": ..., "losses": [...]}; batches are normalized before the clock starts
  finish  -> {"peak": bytes, "masks": {layer: SHA-256 of its mask, one byte per weight}, "classes": [...]}, where `peak`
          is the peak memory since the beginning of training, and `classes` are those predicted for test.x
  quit    ends the program
"""

import argparse
import hashlib
import json
import re
import sys
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors import safe_open
from torch import nn
from torch.nn.utils import prune

from common import prune_to_density, weighted_layers
from models import MODELS

LR, MOMENTUM, WEIGHT_DECAY, DENSITY = 1e-3, 0.9, 5e-4, 0.1


def say(**answer):
    print(json.dumps(answer), flush=True)


def peak_memory():
    """Returns the peak memory in bytes since reset_peak_memory(). getrusage's figure would include the parent's."""
    status = Path('/proc/self/status').read_text()
    return int(re.search(r'^VmHWM:\s+(\d+) kB$', status, re.MULTILINE)[1]) * 1024


def digest(mask):
    return hashlib.sha256(mask.to(torch.uint8).contiguous().cpu().numpy().tobytes()).hexdigest()


def reset_peak_memory():
    Path('/proc/self/clear_refs').write_text('5')


class Trainer:
    def __init__(self, arguments):
        self.batch = arguments.batch
        self.device = torch.device(arguments.device)
        self.model = MODELS[arguments.model][1]()
        # This is done tensor by tensor, because a second copy of all weights would count toward the peak.
        with safe_open(arguments.folder / 'input.safetensors', framework='pt') as file:
            for name, value in self.model.state_dict().items():
                value.copy_(file.get_tensor(name))
            self.parts = {key: file.get_tensor(key) for key in ('batches.x', 'batches.y', 'test.x')}
            metadata = file.metadata()
        self.mean, self.std = (
            torch.tensor(json.loads(metadata[key]), device=self.device).view(1, 3, 1, 1)
            for key in ('mean', 'std')
        )
        for module in self.model.modules():
            if isinstance(module, nn.Dropout):
                module.p = 0
        self.model.to(self.device)
        # This comes before the memory format changes, so that the masks change with the weights.
        self.masks = {name: digest(mask) for name, mask in prune_to_density(self.model, DENSITY).items()}
        if arguments.mode != 'prune':
            for _, module in weighted_layers(self.model):
                prune.remove(module, 'weight')
        self.model.to(memory_format=torch.channels_last)
        fused = True if arguments.mode == 'fused' else None
        self.optimizer = torch.optim.SGD(
            self.model.parameters(), lr=LR, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY, fused=fused
        )
        self.next = 0

    def images(self, part, begin):
        pixels = self.parts[f'{part}.x'][begin : begin + self.batch]
        normalized = pixels.to(self.device).float().div(255).sub(self.mean).div(self.std)
        return normalized.contiguous(memory_format=torch.channels_last)

    def batches(self, steps):
        total = len(self.parts['batches.x'])
        for _ in range(steps):
            labels = self.parts['batches.y'][self.next : self.next + self.batch].to(self.device)
            yield self.images('batches', self.next), labels
            self.next = (self.next + self.batch) % total

    def run(self, steps):
        batches, losses = list(self.batches(steps)), []
        start = time.perf_counter()
        for x, y in batches:
            self.optimizer.zero_grad()
            loss = F.cross_entropy(self.model(x), y)
            loss.backward()
            self.optimizer.step()
            losses.append(loss.item())
        return {'seconds': time.perf_counter() - start, 'losses': losses}

    @torch.no_grad()
    def finish(self):
        peak = peak_memory()
        self.model.eval()
        starts = range(0, len(self.parts['test.x']), self.batch)
        classes = torch.cat([self.model(self.images('test', begin)).argmax(1) for begin in starts])
        return {'peak': peak, 'masks': self.masks, 'classes': classes.tolist()}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--folder', type=Path, required=True)
    parser.add_argument('--model', choices=['alexnet', 'vgg-16', 'resnet-18'], required=True)
    parser.add_argument('--mode', choices=['prune', 'dense', 'fused'], default='prune')
    parser.add_argument('--device', default='cpu')
    parser.add_argument('--batch', type=int, required=True)
    parser.add_argument('--threads', type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    trainer = Trainer(arguments)
    reset_peak_memory()
    say(ready=True, torch=torch.__version__)
    for line in sys.stdin:
        command, *rest = line.split() or ['']
        if command == 'quit':
            return
        if command == 'run' and rest and rest[0].isdecimal():
            say(**trainer.run(int(rest[0])))
        elif command == 'finish':
            say(**trainer.finish())
        else:
            say(error=f'expected "run N", "finish" or "quit" but received {line.strip()!r}')


if __name__ == '__main__':
    main()
