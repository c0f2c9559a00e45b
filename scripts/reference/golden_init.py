"""Makes test/golden/init.safetensors: what torch.nn's default initialization draws after torch.manual_seed.

Tensors: `<seed>.<layer>.<parameter>` of a tiny network, seeds 0 and 7.
Metadata: `seeds`, `layers`, `parameters` (names in order) of that network. The LeNets are too large to store
completely: `models[model]` says for which {seeds, parameters} one weight in `every` is stored, starting with the first,
in `<model>.<seed>.<parameter>`. The last bits differ on processors without AVX2's fused multiply-add.
"""

import torch

from common import MODELS, fixture_arguments, save_fixture
from graph import GraphNetwork, batch_norm2d, conv2d, graph, linear

# This is not a network that can run: only the order in which the layers draw their numbers matters.
LAYERS = graph(
    linear('linear1', 5, 4),
    conv2d('conv1', 3, 4, 3),
    conv2d('conv2', 4, 8, 3, groups=2, bias=False),
    batch_norm2d('bn', 8),
    linear('linear2', 6, 3),
)


EVERY = 997


def sample(model_class, seed):
    torch.manual_seed(seed)
    return {name: parameter.flatten()[::EVERY] for name, parameter in model_class().named_parameters()}


def main():
    arguments = fixture_arguments(__doc__)
    seeds, model_seeds = [0, 7], [0, 1]
    tensors, names, models = {}, [], {}
    for seed in seeds:
        torch.manual_seed(seed)
        parameters = dict(GraphNetwork(LAYERS).named_parameters())
        names = list(parameters)
        tensors.update({f'{seed}.{name}': parameter for name, parameter in parameters.items()})
    for name, model in MODELS.items():
        for seed in model_seeds:
            samples = sample(model, seed)
            tensors.update({f'{name}.{seed}.{parameter}': some for parameter, some in samples.items()})
        models[name] = {'seeds': model_seeds, 'every': EVERY, 'parameters': list(samples)}
    layers = [{key: value for key, value in each.items() if key != 'inputs'} for each in LAYERS]
    description = {
        'seeds': seeds,
        'layers': layers,
        'parameters': names,
        'models': models,
    }
    save_fixture(arguments.out / 'init.safetensors', tensors, description)


if __name__ == '__main__':
    main()
