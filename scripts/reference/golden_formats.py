"""Makes test/golden/formats.safetensors: masked training steps in channels-last and under bfloat16 autocast.

A convolutional network with batch norm takes 5 steps of SGD at 0.1 with momentum 0.9 and weight decay 5e-4 on one batch
of 16 images [3, 10, 10] of 4 classes. `<layer>.keep` masks a weight: weights whose mask is 0 are +0 before, during and
after training. Only the forward pass runs under autocast; the loss is computed in float32.
Metadata: `layers`, the layer graph, and `cases`, a list of {name, memoryFormat, autocast}.
Tensors:
  images, labels (int64), <layer>.keep (uint8)
  initial.<name>    parameters and buffers before training
  <case>.losses     float32 [5], before each step
  <case>.<name>     parameters and buffers after the steps
"""

import torch
import torch.nn.functional as F

from common import fixture_arguments, save_fixture
from graph import GraphNetwork, batch_norm2d, conv2d, graph, layer, linear

LAYERS = graph(
    conv2d('conv1', 3, 8, 3, padding=1),
    batch_norm2d('bn1', 8),
    layer('relu1', 'relu'),
    layer('pool', 'maxPool2d', kernelSize=2, stride=2, padding=0),
    conv2d('conv2', 8, 12, 3, padding=1, bias=False),
    batch_norm2d('bn2', 12),
    layer('relu2', 'relu'),
    conv2d('conv3', 12, 6, 1),
    layer('relu3', 'relu'),
    layer('flatten', 'flatten'),
    linear('fc', 150, 4),
)
CASES = [
    dict(name='contiguous', memoryFormat='contiguous', autocast='none'),
    dict(name='channels-last', memoryFormat='channelsLast', autocast='none'),
    dict(name='bfloat16', memoryFormat='contiguous', autocast='bfloat16'),
    dict(name='both', memoryFormat='channelsLast', autocast='bfloat16'),
]
STEPS = 5


def seal(network, masks):
    """Sets the masked weights to +0, and keeps their gradients +0."""
    for name, keep in masks.items():
        weight, pruned = network.get_parameter(f'{name}.weight'), keep == 0
        with torch.no_grad():
            weight.masked_fill_(pruned, 0)
        weight.register_hook(lambda gradient, pruned=pruned: gradient.masked_fill(pruned, 0))


def train(case, initial, masks, images, labels):
    network = GraphNetwork(LAYERS)
    network.load_state_dict(initial)
    if case['memoryFormat'] == 'channelsLast':
        network.to(memory_format=torch.channels_last)
        images = images.contiguous(memory_format=torch.channels_last)
    seal(network, masks)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4, foreach=False)
    losses = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        with torch.autocast('cpu', torch.bfloat16, enabled=case['autocast'] == 'bfloat16'):
            logits = network(images)
        loss = F.cross_entropy(logits.float(), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    return {'losses': torch.stack(losses), **network.state_dict()}


def main():
    arguments = fixture_arguments(__doc__)
    torch.manual_seed(0)
    images, labels = torch.randn(16, 3, 10, 10), torch.arange(16) % 4
    network = GraphNetwork(LAYERS)
    masks = {
        name: (torch.rand_like(network.get_parameter(f'{name}.weight')) < 0.5).to(torch.uint8)
        for name in ('conv1', 'conv2', 'conv3', 'fc')
    }
    initial = {name: value.clone() for name, value in network.state_dict().items()}
    tensors = {'images': images, 'labels': labels}
    tensors |= {f'{name}.keep': keep for name, keep in masks.items()}
    tensors |= {f'initial.{name}': value for name, value in initial.items()}
    for case in CASES:
        result = train(case, initial, masks, images, labels)
        tensors |= {f'{case["name"]}.{key}': value for key, value in result.items()}
    save_fixture(arguments.out / 'formats.safetensors', tensors, {'layers': LAYERS, 'cases': CASES})


if __name__ == '__main__':
    main()
