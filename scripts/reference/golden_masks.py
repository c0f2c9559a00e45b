"""Makes test/golden/masks.safetensors: a network that torch.nn.utils.prune has masked, and how it goes back to Python.

Keys:
  theirs.<name>  the state dict of the masked network: `weight_orig` and `weight_mask`, a bias likewise
  ours.<name>    the state dict that this library must write of it with `{ masks: 'weight_orig' }`: what is pruned is +0
                 in `weight_orig`, and the bias is the product, since biases have no masks here
  input, output  samples, and what the network makes of them in evaluation mode

The script loads `ours` into a fresh network and checks that it computes the same. With `--load MODEL FILE` it loads a
file that this library wrote into a network of models.py instead, and says what is pruned in it:

    torch-prune: await net.save('lenet.safetensors', { masks: 'weight_orig' })
    python scripts/reference/golden_masks.py --load lenet-300-100 lenet.safetensors
"""

from collections import OrderedDict

import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn.utils import prune

from common import fixture_arguments, is_positive_zero, save_fixture

MASK = '.weight_mask'


def make_network():
    return nn.Sequential(
        OrderedDict(
            conv=nn.Conv2d(1, 3, 3),
            bn=nn.BatchNorm2d(3),
            relu1=nn.ReLU(),
            flatten=nn.Flatten(),
            fc1=nn.Linear(48, 6),
            relu2=nn.ReLU(),
            fc2=nn.Linear(6, 4),
        )
    )


def masked_network():
    network = make_network()
    network(torch.randn(8, 1, 6, 6))  # moves the statistics of the normalization
    prune.l1_unstructured(network.conv, 'weight', amount=0.4)
    # A second round, whose mask PyTorch combines with the first.
    prune.l1_unstructured(network.fc1, 'weight', amount=0.5)
    prune.l1_unstructured(network.fc1, 'weight', amount=0.5)
    prune.ln_structured(network.fc2, 'weight', amount=2, n=2, dim=1)
    prune.l1_unstructured(network.fc2, 'bias', amount=1)
    return network.eval()


def written_by_us(state):
    """Returns the state dict that this library writes of a network with such a one."""
    written = {}
    for name, value in state.items():
        mask = state.get(name.removesuffix('_orig') + '_mask') if name.endswith('_orig') else None
        if mask is not None:
            value = value.masked_fill(mask == 0, 0)
        if name.endswith('.bias_orig'):
            name = name.removesuffix('_orig')
        if not name.endswith('.bias_mask'):
            written[name] = value
    return written


def load_masked(network, state):
    """Loads a state dict with masks into a network without, strictly."""
    for name in state:
        if name.endswith(MASK):
            prune.identity(network.get_submodule(name.removesuffix(MASK)), 'weight')
    network.load_state_dict(state)
    return network.eval()


def load(name, path):
    """Loads a file of ours into a network of models.py, and says what is pruned."""
    from models import MODELS

    shape, make = MODELS[name]
    state = load_file(path)
    network = load_masked(make(), state)
    network(torch.zeros(1, *shape))  # what a module computes with is the product at its last call
    for key in filter(lambda key: key.endswith(MASK), state):
        layer = key.removesuffix(MASK)
        pruned = state[key] == 0
        assert (network.get_submodule(layer).weight[pruned] == 0).all(), layer
        assert is_positive_zero(state[f'{layer}.weight_orig'])[pruned].all(), layer
        print(f'{layer}: {int((~pruned).sum())} of {pruned.numel()} weights are kept')
    print(f'{path}: load_state_dict takes all {len(state)} tensors')


def main():
    arguments = fixture_arguments(__doc__, load_option)
    if arguments.load:
        return load(*arguments.load)
    torch.manual_seed(0)
    network = masked_network()
    x = torch.randn(5, 1, 6, 6)
    state = network.state_dict()
    ours = written_by_us(state)
    with torch.no_grad():
        output = network(x)
        assert torch.equal(load_masked(make_network(), ours)(x), output)
    tensors = {'input': x, 'output': output}
    tensors.update({f'theirs.{name}': value for name, value in state.items()})
    tensors.update({f'ours.{name}': value for name, value in ours.items()})
    save_fixture(arguments.out / 'masks.safetensors', tensors, {})


def load_option(parser):
    parser.add_argument('--load', nargs=2, metavar=('MODEL', 'FILE'), help='a file of ours, instead of a fixture')


if __name__ == '__main__':
    main()
