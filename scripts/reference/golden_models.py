"""Makes test/golden/models.json: names, shapes, FLOP and outputs of the networks of lib/models.

They are computed by torchvision and PyTorch; torchvision is needed in addition to torch. For each model:
  input      the shape of one sample
  tensors    "<name> <sizes>" of each entry of the state dict, in order
  layers     "<name> <output sizes> <FLOP>" of each convolution and linear layer; a multiply-add counts as 2
  logits     the output for one sample in evaluation mode: its first 32 values
  largest    the largest magnitude of that output
  checksum   the sum of that output, weighted by the position in 1..n and divided by n

Values are those of `noise`, which test/models/noise.ts computes in the same way, so that no weights need to be stored:
uniform in -1..1 by tensor and position, then scaled so that activations neither vanish nor explode. Every parameter of
a batch normalization differs from its default, so that a mix-up shows.
"""

import json
import math
import zlib

import numpy as np
import torch
from torch import nn

from common import fixture_arguments
from models import MODELS


def noise(name, count):
    """Returns `count` numbers in [-1, 1), float64, from a hash of the name and the position."""
    x = np.arange(count, dtype=np.uint32)
    x += np.uint32(zlib.crc32(name.encode()))
    x *= np.uint32(0x9E3779B1)
    x ^= x >> np.uint32(15)
    x *= np.uint32(0x85EBCA77)
    x ^= x >> np.uint32(13)
    return x / 2.0**31 - 1


def value(name, tensor):
    if not tensor.is_floating_point():
        return tensor
    numbers = noise(name, tensor.numel())
    if tensor.dim() > 1:
        numbers *= math.sqrt(6 / tensor[0].numel())
    elif name.endswith('.running_var') or name.endswith('.weight'):
        numbers = 1 + 0.5 * numbers
    else:
        numbers *= 0.2
    return torch.from_numpy(numbers.astype(np.float32)).reshape(tensor.shape)


def describe(name, shape, make):
    network = make().eval()
    state = network.state_dict()
    network.load_state_dict({key: value(key, tensor) for key, tensor in state.items()})
    layers = []

    def note(layer_name):
        def hook(module, _inputs, output):
            sizes = list(output.shape[1:])
            flop = 2 * module.weight.numel() * math.prod(sizes[1:])
            layers.append(f'{layer_name} {"x".join(map(str, sizes))} {flop}')

        return hook

    for layer_name, module in network.named_modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            module.register_forward_hook(note(layer_name))
    sample = torch.from_numpy(noise('input', math.prod(shape)).astype(np.float32)).reshape(1, *shape)
    with torch.no_grad():
        logits = network(sample)[0]
    exact = logits.double()
    weights = torch.arange(1, len(exact) + 1, dtype=torch.float64) / len(exact)
    print(f'{name}: {sum(p.numel() for p in network.parameters())} parameters, largest {exact.abs().max():.4g}')
    return {
        'input': shape,
        'tensors': [f'{key} {"x".join(map(str, tensor.shape))}'.strip() for key, tensor in state.items()],
        'layers': layers,
        'logits': logits[:32].tolist(),
        'largest': exact.abs().max().item(),
        'checksum': (exact * weights).sum().item(),
    }


def main():
    arguments = fixture_arguments(__doc__)
    described = {name: describe(name, *how) for name, how in sorted(MODELS.items())}
    path = arguments.out / 'models.json'
    path.write_text(json.dumps(described, indent=1) + '\n')
    print(f'{path}: {path.stat().st_size} bytes')


if __name__ == '__main__':
    main()
