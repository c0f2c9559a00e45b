"""The other side of `npm run compare`: prunes a trained LeNet and retrains it with plain PyTorch.

Reads FOLDER/input.safetensors: the dense parameters (`fc1.weight` ...), `batches.x` uint8 [steps * 64, 1, 28, 28],
`batches.y` int64, optionally `test.x` and `test.y`, and the metadata strings `mean` and `std` of the pixels on the
scale 0..1. Prunes each weight to its largest magnitudes with torch.nn.utils.prune, then trains on the batches in order
with torch.optim.SGD, starting with zero momentum. Writes into FOLDER:
  python.safetensors  the effective weights (+0 where pruned), biases, and `<layer>.weight_mask` (uint8)
  python.json         {model, optimizer, threads, torch, steps, losses, seconds, kept, top1Error?}
where `seconds` is the time of training alone, `kept` counts weights by layer, and `top1Error` is in percent.
"""

import json
import time

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

from common import prune_to_density, weighted_layers
from lenet import LeNetInput, lenet_arguments, make_sgd, parse_lenet_arguments


def train(model, data, optimizer, steps):
    """Returns the loss of every step."""
    losses = []
    for step in range(steps):
        x, y = data.batch(step)
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def effective_parameters(model, masks):
    """Returns the parameters as the network uses them, and the masks, under PyTorch's names.

    weight_orig continues to decay where it is pruned, and its product with the mask is -0 in places.
    """
    tensors = {}
    for name, module in weighted_layers(model):
        tensors[f'{name}.weight'] = module.weight_orig.detach().masked_fill(~masks[name], 0)
        tensors[f'{name}.bias'] = module.bias.detach()
        tensors[f'{name}.weight_mask'] = masks[name].to(torch.uint8)
    return tensors


@torch.no_grad()
def top1_error(model, data):
    """Returns the percentage of the test images that the network gets wrong."""
    images, labels = data.tensors['test.x'], data.tensors['test.y']
    wrong = 0
    for x, y in zip(images.split(1000), labels.split(1000), strict=True):
        wrong += (model(data.normalize(x)).argmax(1) != y).sum().item()
    return 100 * wrong / len(labels)


def main():
    parser = lenet_arguments(__doc__)
    parser.add_argument('--optimizer', choices=['sgd', 'fused'], default='sgd')
    parser.add_argument('--steps', type=int, default=200)
    arguments = parse_lenet_arguments(parser)
    data = LeNetInput(arguments.folder, arguments.model)
    if arguments.steps > data.batch_count:
        parser.error(f'--steps {arguments.steps} needs more batches than the {data.batch_count} in batches.x')

    model = data.model
    masks = prune_to_density(model, arguments.density)
    optimizer = make_sgd(model, arguments, fused=arguments.optimizer == 'fused')
    start = time.perf_counter()
    losses = train(model, data, optimizer, arguments.steps)
    seconds = time.perf_counter() - start

    save_file(effective_parameters(model, masks), arguments.folder / 'python.safetensors')
    record = {
        'model': arguments.model,
        'optimizer': arguments.optimizer,
        'threads': arguments.threads,
        'torch': torch.__version__,
        'steps': arguments.steps,
        'losses': losses,
        'seconds': seconds,
        'kept': {name: int(mask.sum()) for name, mask in masks.items()},
    }
    if 'test.x' in data.tensors:
        record['top1Error'] = top1_error(model, data)
    (arguments.folder / 'python.json').write_text(json.dumps(record) + '\n')


if __name__ == '__main__':
    main()
