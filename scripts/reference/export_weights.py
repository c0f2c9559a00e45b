"""Writes torchvision's weights of a network as safetensors, for `torch-prune … --weights`.

    python scripts/reference/export_weights.py alexnet alexnet.safetensors
    python scripts/reference/export_weights.py vgg-16 vgg.safetensors --state-dict vgg16-397923af.pth
    python scripts/reference/export_weights.py resnet-18 random.safetensors --random 0

Without an option, torchvision downloads its weights or finds them in its cache. `--state-dict` reads them from a local
file. `--random SEED` writes the initial weights of a fresh network, for any model in lib/models.
"""

import argparse
from pathlib import Path

import torch
import torchvision
from safetensors.torch import save_file

from models import MODELS, PUBLISHED


def state_dict(arguments):
    name = arguments.model
    if arguments.random is not None:
        torch.manual_seed(arguments.random)
        return MODELS[name][1]().state_dict()
    if arguments.state_dict is not None:
        network = MODELS[name][1]()
        network.load_state_dict(torch.load(arguments.state_dict, map_location='cpu', weights_only=True))
        return network.state_dict()
    if name not in PUBLISHED:
        raise SystemExit(f'torchvision publishes no weights of {name}; give --random SEED or --state-dict FILE')
    weights = torchvision.models.get_model_weights(PUBLISHED[name]).IMAGENET1K_V1
    return torchvision.models.get_model(PUBLISHED[name], weights=weights).state_dict()


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('model', choices=sorted(MODELS))
    parser.add_argument('out', type=Path)
    source = parser.add_mutually_exclusive_group()
    source.add_argument('--random', type=int, metavar='SEED', help='initial weights instead of trained ones')
    source.add_argument('--state-dict', type=Path, metavar='FILE', help='a state dict that torch.save wrote')
    arguments = parser.parse_args()
    tensors = {key: tensor.contiguous() for key, tensor in state_dict(arguments).items()}
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, arguments.out, {'format': 'pt'})
    print(f'{arguments.out}: {len(tensors)} tensors, {arguments.out.stat().st_size} bytes')


if __name__ == '__main__':
    main()
