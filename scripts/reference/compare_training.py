"""The other side of `npm run compare` on dense trainings: regression, several labels, and MobileNetV2 on CIFAR-10.

Reads FOLDER/input.safetensors: parameters and buffers under PyTorch's names, `batches.x` float32 [steps * batch, ...]
and `batches.y`, float32 of the outputs' shape or int64 classes. Trains on the batches in order with torch.optim.SGD,
starting with zero momentum and without dropout. Writes into FOLDER:
  python.safetensors  the parameters and buffers after training
  python.json         {torch, losses, seconds}, where `seconds` is the time of training alone
"""

import argparse
import json
import time
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn

from common import load_tensors


def perceptron(outputs):
    model = nn.Sequential()
    layers = dict(
        fc1=nn.Linear(16, 128), relu1=nn.ReLU(), fc2=nn.Linear(128, 64), relu2=nn.ReLU(), fc3=nn.Linear(64, outputs)
    )
    for name, layer in layers.items():
        model.add_module(name, layer)
    return model


def mobilenet_v2():
    # The others do without torchvision.
    from models import MODELS

    model = MODELS['mobilenet-v2'][1]()
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0
    return model


TRAININGS = {
    'regression': (lambda: perceptron(4), nn.MSELoss()),
    'multi-label': (lambda: perceptron(10), nn.BCEWithLogitsLoss()),
    'mobilenet-v2': (mobilenet_v2, nn.CrossEntropyLoss()),
}


def train(model, criterion, optimizer, batches):
    """Returns the loss of every step."""
    losses = []
    for x, y in batches:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--folder', type=Path, required=True, help='holds input.safetensors')
    parser.add_argument('--model', choices=sorted(TRAININGS), required=True)
    parser.add_argument('--threads', type=int, default=1)
    parser.add_argument('--batch', type=int, required=True)
    parser.add_argument('--lr', type=float, required=True)
    parser.add_argument('--momentum', type=float, default=0.9)
    parser.add_argument('--weight-decay', type=float, default=5e-4)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)

    tensors, _ = load_tensors(arguments.folder / 'input.safetensors')
    batches = [tensors.pop(key).split(arguments.batch) for key in ('batches.x', 'batches.y')]
    make, criterion = TRAININGS[arguments.model]
    model = make()
    model.load_state_dict(tensors)
    optimizer = torch.optim.SGD(
        model.parameters(), arguments.lr, momentum=arguments.momentum, weight_decay=arguments.weight_decay
    )
    start = time.perf_counter()
    losses = train(model, criterion, optimizer, zip(*batches, strict=True))
    record = {'torch': torch.__version__, 'losses': losses, 'seconds': time.perf_counter() - start}

    save_file(model.state_dict(), arguments.folder / 'python.safetensors')
    (arguments.folder / 'python.json').write_text(json.dumps(record) + '\n')


if __name__ == '__main__':
    main()
