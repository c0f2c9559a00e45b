"""Makes test/golden/loss_scale.safetensors: masked training steps under float16 autocast with torch.amp.GradScaler.

A network of linear layers trains on 6 batches of 16 samples [8] of 3 classes, which come in order, twice. The samples of
the third batch are 100 times as large: its gradients do not fit in float16 when they are scaled by 65536, so that its step
is left out. `<layer>.keep` masks a weight: weights whose mask is 0 are +0 before, during and after training. Only the
forward pass runs under autocast; the loss is computed in float32.
Metadata: `layers`, the layer graph, and `cases`, a list of {name, optimizer, accumulate, clipNorm, scale, scaleAge}, the
last two of which are those of the scaler at first.
Tensors:
  images, labels (int64), <layer>.keep (uint8)
  initial.<name>   parameters before training
  <case>.losses    float32 [12], of each batch, before its step
  <case>.scales    float32 [updates], after each update
  <case>.ages      int64 [updates], the good steps since the scale changed, after each update
  <case>.<name>    parameters after the steps
"""

import torch
import torch.nn.functional as F

from common import fixture_arguments, save_fixture
from graph import GraphNetwork, graph, layer, linear

LAYERS = graph(
    linear('fc1', 8, 16),
    layer('relu1', 'relu'),
    linear('fc2', 16, 16),
    layer('relu2', 'relu'),
    linear('fc3', 16, 3),
)
BATCH, BATCHES, PASSES, LARGE = 16, 6, 2, 2
START = dict(optimizer='sgd', accumulate=1, clipNorm=0, scale=65536, scaleAge=0)
CASES = [
    dict(START, name='plain'),
    dict(START, name='adam', optimizer='adam'),
    dict(START, name='clipped', clipNorm=0.05),
    dict(START, name='accumulated', accumulate=2),
    dict(START, name='growing', scale=256, scaleAge=1998),
]


def seal(network, masks):
    """Sets the masked weights to +0, and keeps their gradients +0."""
    for name, keep in masks.items():
        weight, pruned = network.get_parameter(f'{name}.weight'), keep == 0
        with torch.no_grad():
            weight.masked_fill_(pruned, 0)
        weight.register_hook(lambda gradient, pruned=pruned: gradient.masked_fill(pruned, 0))


def optimizer_of(case, network):
    if case['optimizer'] == 'adam':
        return torch.optim.Adam(network.parameters(), lr=0.01, foreach=False)
    return torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9, foreach=False)


def train(case, initial, masks, images, labels):
    network = GraphNetwork(LAYERS)
    network.load_state_dict(initial)
    seal(network, masks)
    optimizer = optimizer_of(case, network)
    scaler = torch.amp.GradScaler('cpu', init_scale=case['scale'])
    state = scaler.state_dict()
    scaler.load_state_dict({**state, '_growth_tracker': case['scaleAge']})
    losses, scales, ages = [], [], []
    for step in range(PASSES * BATCHES):
        at = step % BATCHES * BATCH
        with torch.autocast('cpu', torch.float16):
            logits = network(images[at : at + BATCH])
        loss = F.cross_entropy(logits.float(), labels[at : at + BATCH])
        losses.append(loss.detach())
        scaler.scale(loss / case['accumulate']).backward()
        if (step + 1) % case['accumulate'] > 0:
            continue
        if case['clipNorm'] > 0:
            scaler.unscale_(optimizer)
            torch.nn.utils.clip_grad_norm_(network.parameters(), case['clipNorm'])
        scaler.step(optimizer)
        scaler.update()
        optimizer.zero_grad()
        scales.append(scaler.get_scale())
        ages.append(scaler.state_dict()['_growth_tracker'])
    return {
        'losses': torch.stack(losses),
        'scales': torch.tensor(scales),
        'ages': torch.tensor(ages),
        **network.state_dict(),
    }


def main():
    arguments = fixture_arguments(__doc__)
    torch.manual_seed(0)
    images, labels = torch.randn(BATCHES * BATCH, 8), torch.arange(BATCHES * BATCH) % 3
    images[LARGE * BATCH : (LARGE + 1) * BATCH] *= 100
    network = GraphNetwork(LAYERS)
    masks = {
        name: (torch.rand_like(network.get_parameter(f'{name}.weight')) < 0.6).to(torch.uint8)
        for name in ('fc1', 'fc2')
    }
    initial = {name: value.clone() for name, value in network.state_dict().items()}
    tensors = {'images': images, 'labels': labels}
    tensors |= {f'{name}.keep': keep for name, keep in masks.items()}
    tensors |= {f'initial.{name}': value for name, value in initial.items()}
    for case in CASES:
        result = train(case, initial, masks, images, labels)
        tensors |= {f'{case["name"]}.{key}': value for key, value in result.items()}
    save_fixture(arguments.out / 'loss_scale.safetensors', tensors, {'layers': LAYERS, 'cases': CASES})


if __name__ == '__main__':
    main()
