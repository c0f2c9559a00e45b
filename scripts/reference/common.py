"""What the reference scripts share: fixture files, the LeNets, masks."""

import argparse
import json
import re
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn
from torch.nn.utils import prune

GOLDEN = Path(__file__).resolve().parents[2] / 'test' / 'golden'


def fixture_arguments(description, add_options=lambda parser: None):
    """Parses the command line of a golden_*.py script and makes torch reproducible."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        '--out', type=Path, default=GOLDEN, help='folder of the fixture (default: test/golden)'
    )
    add_options(parser)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    return arguments


def save_fixture(path, tensors, description):
    """Writes tensors, with `description` as JSON in the only metadata string, 'fixture'.

    There is only one string, because safetensors writes several in random order, and regenerating a fixture must not
    change it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # The copies matter, because safetensors rejects tensors that share memory.
    contiguous = {
        key: tensor.detach().clone(memory_format=torch.contiguous_format) for key, tensor in tensors.items()
    }
    metadata = {'fixture': json.dumps({'torch': torch.__version__, **description})}
    save_file(contiguous, path, metadata)
    print(f'{path}: {len(tensors)} tensors, {path.stat().st_size} bytes')


def noisy_images(count, generator):
    """Returns images [count, 1, 6, 6] of four classes, each a pattern in noise, and their labels."""
    labels = torch.arange(count) % 4
    patterns = torch.randn(4, 1, 6, 6, generator=generator)
    return patterns[labels] + 0.8 * torch.randn(count, 1, 6, 6, generator=generator), labels


def load_tensors(path):
    """Returns all tensors and the metadata strings of a safetensors file."""
    with safe_open(path, framework='pt') as file:
        return {key: file.get_tensor(key) for key in file.keys()}, file.metadata() or {}


def is_positive_zero(tensor):
    """Returns True where the bits are exactly those of +0."""
    return tensor.detach().view(torch.int32) == 0


def camel_case(name):
    return re.sub(r'_(\w)', lambda match: match[1].upper(), name)


class LeNet300100(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(784, 300)
        self.fc2 = nn.Linear(300, 100)
        self.fc3 = nn.Linear(100, 10)

    def forward(self, x):
        x = F.relu(self.fc1(x.flatten(1)))
        return self.fc3(F.relu(self.fc2(x)))


class LeNet5(nn.Module):
    """Caffe's LeNet-5, which has no ReLU after the convolutions."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 20, 5)
        self.conv2 = nn.Conv2d(20, 50, 5)
        self.fc1 = nn.Linear(800, 500)
        self.fc2 = nn.Linear(500, 10)

    def forward(self, x):
        x = F.max_pool2d(self.conv1(x), 2)
        x = F.max_pool2d(self.conv2(x), 2)
        return self.fc2(F.relu(self.fc1(x.flatten(1))))


MODELS = {'lenet-300-100': LeNet300100, 'lenet-5': LeNet5}


def kept_count(density, count):
    """Returns how many of `count` weights a density keeps, rounded half up like JavaScript's Math.round."""
    return int(density * count + 0.5)


def density_mask(scores, density):
    """Returns True at the kept_count(density, n) largest scores; among equal scores, those with lower indices win."""
    count = kept_count(density, scores.numel())
    kept = scores.flatten().sort(descending=True, stable=True).indices[:count]
    mask = torch.zeros(scores.numel(), dtype=torch.bool, device=scores.device)
    return mask.index_fill_(0, kept, True).view_as(scores)


def weighted_layers(model):
    """Returns (name, module) for every layer that has a weight to prune, in order."""
    return [
        (name, module) for name, module in model.named_modules() if isinstance(module, (nn.Linear, nn.Conv2d))
    ]


def prune_to_density(model, density):
    """Prunes every layer to its largest magnitudes with torch.nn.utils.prune. Returns the masks by layer."""
    masks = {}
    for name, module in weighted_layers(model):
        masks[name] = density_mask(module.weight.detach().abs(), density)
        prune.custom_from_mask(module, 'weight', masks[name])
    return masks
