"""What compare_lenet.py and bench_lenet.py share: their options, their input file, and their optimizer."""

import argparse
from pathlib import Path

import torch

from common import MODELS, load_tensors


def lenet_arguments(description):
    """Makes a parser with the options that both have; the caller adds its own."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--folder', type=Path, required=True, help='holds input.safetensors')
    parser.add_argument('--model', choices=sorted(MODELS), required=True)
    parser.add_argument('--threads', type=int, default=1)
    parser.add_argument('--lr', type=float, help='default: 0.05 for lenet-300-100, 0.01 for lenet-5')
    parser.add_argument('--momentum', type=float, default=0.9)
    parser.add_argument('--weight-decay', type=float, default=5e-4)
    parser.add_argument('--density', type=float, default=0.1, help='kept fraction of each weight')
    return parser


def parse_lenet_arguments(parser):
    arguments = parser.parse_args()
    if arguments.lr is None:
        arguments.lr = {'lenet-300-100': 0.05, 'lenet-5': 0.01}[arguments.model]
    if not 0 <= arguments.density <= 1:
        parser.error(f'--density must be within 0..1, not {arguments.density}')
    # There is no deterministic mode here, because it fills every new tensor first, which would slow down what is timed.
    torch.set_num_threads(arguments.threads)
    return arguments


class LeNetInput:
    """The contents of input.safetensors (see compare_lenet.py), and the network with its parameters."""

    BATCH = 64

    def __init__(self, folder, model_name):
        self.tensors, metadata = load_tensors(folder / 'input.safetensors')
        self.mean, self.std = float(metadata['mean']), float(metadata['std'])
        self.images, self.labels = self.tensors['batches.x'], self.tensors['batches.y']
        self.model = MODELS[model_name]()
        self.model.load_state_dict({name: self.tensors[name] for name in self.model.state_dict()})

    @property
    def batch_count(self):
        return len(self.images) // self.BATCH

    def normalize(self, images):
        return images.float().div(255).sub(self.mean).div(self.std)

    def batch(self, step):
        """Returns the images (normalized float32 [64, 1, 28, 28]) and the labels (int64 [64]) of a step, from 0."""
        rows = slice(step * self.BATCH, (step + 1) * self.BATCH)
        return self.normalize(self.images[rows]), self.labels[rows]


def make_sgd(model, arguments, fused):
    """Makes torch.optim.SGD, as a loop of single operators or as one fused kernel."""
    return torch.optim.SGD(
        model.parameters(),
        lr=arguments.lr,
        momentum=arguments.momentum,
        weight_decay=arguments.weight_decay,
        foreach=False,
        fused=fused,
    )
