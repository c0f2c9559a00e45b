"""Makes test/golden/init.safetensors: what torch.nn's default initialisation draws after torch.manual_seed.

Tensors: `<seed>.<layer>.<parameter>` of a tiny network, seeds 0 and 7.
Metadata: `seeds`, `layers`, `parameters` (names in order) of that network. The LeNets are too big to keep:
`digests[model][seed]` holds the SHA-256 of the little-endian float32 bytes of each parameter by name, and
under `all` that of all of them one after the other, seeds 0 and 1.
The bits are those of a processor with AVX2 or better: without its fused multiply-add the last ones differ.
"""

import torch

from common import MODELS, fixture_arguments, save_fixture, sha256
from graph import GraphNetwork, batch_norm2d, conv2d, graph, linear

# Not a network that runs: only the order in which the layers draw their numbers matters.
LAYERS = graph(
    linear('linear1', 5, 4),
    conv2d('conv1', 3, 4, 3),
    conv2d('conv2', 4, 8, 3, groups=2, bias=False),
    batch_norm2d('bn', 8),
    linear('linear2', 6, 3),
)


def digests(model_class, seed):
    torch.manual_seed(seed)
    parameters = dict(model_class().named_parameters())
    each = {name: sha256(parameter) for name, parameter in parameters.items()}
    return {**each, 'all': sha256(*parameters.values())}


def main():
    arguments = fixture_arguments(__doc__)
    seeds, digest_seeds = [0, 7], [0, 1]
    tensors, names = {}, []
    for seed in seeds:
        torch.manual_seed(seed)
        parameters = dict(GraphNetwork(LAYERS).named_parameters())
        names = list(parameters)
        tensors.update({f'{seed}.{name}': parameter for name, parameter in parameters.items()})
    layers = [{key: value for key, value in each.items() if key != 'inputs'} for each in LAYERS]
    description = {
        'seeds': seeds,
        'layers': layers,
        'parameters': names,
        'digests': {
            name: {seed: digests(model, seed) for seed in digest_seeds} for name, model in MODELS.items()
        },
    }
    save_fixture(arguments.out / 'init.safetensors', tensors, description)


if __name__ == '__main__':
    main()
