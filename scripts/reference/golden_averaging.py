"""Makes test/golden/averaging.safetensors: averages of weights by torch.optim.swa_utils, on full batches.

The network is conv (3x3, no bias), bn, relu, flatten, fc, on 24 images [1, 6, 6] of 3 classes, with SGD at 0.2 and
momentum 0.9. One batch contains all images, so their order does not matter. `keep` masks conv.weight: weights whose
mask is 0 are +0 before, during and after training. At the end, the averaged network's batch norm statistics are
computed by update_bn over the images in batches of 24.
Metadata: `cases`, a list of {name, kind, decay | start, epochs}.
Tensors:
  images, labels (int64), keep (uint8)
  initial.<name>                    parameters and buffers before training
  <case>.<name>                     parameters and buffers of the averaged network
"""

import copy

import torch
import torch.nn.functional as F
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn, update_bn

from common import fixture_arguments, save_fixture

CASES = [
    dict(name='ema', kind='ema', decay=0.8, epochs=10),
    dict(name='swa', kind='swa', start=0.5, epochs=9),
]


def make_model():
    layers = dict(
        conv=nn.Conv2d(1, 4, 3, bias=False), bn=nn.BatchNorm2d(4), relu=nn.ReLU(), flatten=nn.Flatten(),
        fc=nn.Linear(64, 3),
    )
    model = nn.Sequential()
    for name, layer in layers.items():
        model.add_module(name, layer)
    return model


def average(case, model, images, labels, keep):
    pruned = keep == 0
    weight = model.conv.weight
    weight.register_hook(lambda gradient: gradient.masked_fill(pruned, 0))
    decay = case.get('decay')
    averaged = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(decay)) if decay else AveragedModel(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.9, foreach=False)
    for epoch in range(1, case['epochs'] + 1):
        optimizer.zero_grad()
        F.cross_entropy(model(images), labels).backward()
        optimizer.step()
        if case['kind'] == 'ema' or epoch > int(case['start'] * case['epochs']):
            averaged.update_parameters(model)
    update_bn([images], averaged)
    return averaged.module.state_dict()


def main():
    arguments = fixture_arguments(__doc__)
    torch.manual_seed(0)
    images, labels = torch.randn(24, 1, 6, 6), torch.arange(24) % 3
    keep = (torch.rand(4, 1, 3, 3) < 0.6).to(torch.uint8)
    initial = make_model()
    with torch.no_grad():
        initial.conv.weight.masked_fill_(keep == 0, 0)
    tensors = {'images': images, 'labels': labels, 'keep': keep}
    tensors |= {f'initial.{name}': value for name, value in initial.state_dict().items()}
    for case in CASES:
        state = average(case, copy.deepcopy(initial), images, labels, keep)
        tensors |= {f'{case["name"]}.{name}': value for name, value in state.items()}
    save_fixture(arguments.out / 'averaging.safetensors', tensors, {'cases': CASES})


if __name__ == '__main__':
    main()
