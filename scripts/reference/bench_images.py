"""Reads training crops of a folder of images with torchvision, on command.

Prints a line of JSON when it is ready. Then, for each line `run N` on stdin, it reads N batches and prints
`{"seconds": S}`; `quit` ends it.
"""

import argparse
import json
import sys
import time

import torch
from torchvision import datasets, transforms


def say(**fields):
    print(json.dumps(fields), flush=True)


def batches(loader):
    while True:
        yield from loader


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--folder', required=True, help='<class>/<image> files')
    parser.add_argument('--workers', type=int, default=2)
    parser.add_argument('--batch', type=int, default=32)
    parser.add_argument('--warmup', type=int, default=8)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    transform = transforms.Compose(
        [
            transforms.RandomResizedCrop(224),
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
            transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
        ]
    )
    loader = torch.utils.data.DataLoader(
        datasets.ImageFolder(arguments.folder, transform),
        batch_size=arguments.batch,
        shuffle=True,
        drop_last=True,
        num_workers=arguments.workers,
        persistent_workers=arguments.workers > 0,
    )
    stream = batches(loader)
    for _ in range(arguments.warmup):
        next(stream)
    say(ready=True, torch=torch.__version__)
    for line in sys.stdin:
        command, *rest = line.split() or ['']
        if command == 'quit':
            return
        if command != 'run' or not rest or not rest[0].isdecimal():
            say(error=f'expected "run N" or "quit" but received {line.strip()!r}')
            continue
        # What the workers prepared while nobody was waiting does not count.
        for _ in range(2 * arguments.workers):
            next(stream)
        started = time.perf_counter()
        for _ in range(int(rest[0])):
            next(stream)
        say(seconds=time.perf_counter() - started)


if __name__ == '__main__':
    main()
