"""Makes test/golden/codebook.safetensors: networks whose weights share values, trained in plain PyTorch.

Trained quantization (Han, Mao and Dally 2016). Each layer has a codebook, an nn.Parameter, and an index of its weights,
0 for a pruned one: weight = cat([0, codebook])[index], so that autograd gives each value the sum of its weights'
gradients, and the optimizer steps the codebook. Biases are trained as they are.
Metadata: `steps`, `batchSize`, `layers`, and `cases`, a list of {name, optimizer} with the options as lib/optim/spec.ts
names them.
Tensors: `images`, `labels`; `initial.<name>` for each parameter and `index.<layer>` (uint8); `<case>.<name>`, the
parameters after all steps, and `<case>.loss`, the loss of each step. Step i takes the samples from i * batchSize on, as
often around as needed.
"""

import torch
import torch.nn.functional as F
from torch import nn

from common import camel_case, fixture_arguments, noisy_images, save_fixture

SEED = 5
SAMPLES, BATCH, STEPS = 96, 32, 20
LAYERS = {'conv': 6, 'fc1': 8, 'fc2': 4}  # with so many values
DENSITY = 0.4
CASES = [
    ('sgd', 'SGD', {'lr': 0.02}),
    ('momentum', 'SGD', {'lr': 0.01, 'momentum': 0.9, 'weight_decay': 1e-2}),
    ('nesterov', 'SGD', {'lr': 0.01, 'momentum': 0.9, 'nesterov': True}),
    ('adam', 'Adam', {'lr': 0.01, 'weight_decay': 1e-2}),
    ('amsgrad', 'Adam', {'lr': 0.01, 'amsgrad': True}),
    ('adamw', 'AdamW', {'lr': 0.01, 'weight_decay': 0.1}),
]


class Shared(nn.Module):
    """A network of conv, fc1 and fc2, whose weights are looked up in codebooks."""

    def __init__(self, state, indices):
        super().__init__()
        self.indices = indices
        self.codebooks = nn.ParameterDict()
        self.biases = nn.ParameterDict()
        for layer, index in indices.items():
            weight = state[f'{layer}.weight']
            values = [weight[index == i].double().mean().float() for i in range(1, int(index.max()) + 1)]
            self.codebooks[layer] = nn.Parameter(torch.stack(values))
            self.biases[layer] = nn.Parameter(state[f'{layer}.bias'].clone())

    def weight(self, layer):
        return torch.cat([torch.zeros(1), self.codebooks[layer]])[self.indices[layer].long()]

    def forward(self, x):
        x = F.relu(F.conv2d(x, self.weight('conv'), self.biases['conv']))
        x = F.relu(F.linear(x.flatten(1), self.weight('fc1'), self.biases['fc1']))
        return F.linear(x, self.weight('fc2'), self.biases['fc2'])


def index_of(weight, values):
    """Returns an index of the largest weights, as many in order for each value; 0 for the rest."""
    flat = weight.flatten()
    kept = flat.abs().topk(round(DENSITY * flat.numel())).indices
    ordered = kept[flat[kept].argsort()]
    index = torch.zeros(flat.numel(), dtype=torch.uint8)
    index[ordered] = (torch.arange(len(ordered)) * values // len(ordered) + 1).to(torch.uint8)
    return index.view_as(weight)


def main():
    arguments = fixture_arguments(__doc__)
    generator = torch.Generator().manual_seed(SEED)
    images, labels = noisy_images(SAMPLES, generator)
    torch.manual_seed(SEED)
    layers = nn.ModuleDict({'conv': nn.Conv2d(1, 4, 3), 'fc1': nn.Linear(64, 20), 'fc2': nn.Linear(20, 4)})
    state = {name: value.clone() for name, value in layers.state_dict().items()}
    indices = {layer: index_of(state[f'{layer}.weight'], values) for layer, values in LAYERS.items()}
    tensors = {'images': images, 'labels': labels}
    tensors |= {f'initial.{name}': value for name, value in state.items()}
    tensors |= {f'index.{layer}': index for layer, index in indices.items()}
    cases = []
    for name, kind, options in CASES:
        model = Shared(state, indices)
        optimizer = getattr(torch.optim, kind)(model.parameters(), foreach=False, **options)
        losses = []
        for step in range(STEPS):
            samples = torch.arange(step * BATCH, (step + 1) * BATCH) % SAMPLES
            optimizer.zero_grad()
            loss = F.cross_entropy(model(images[samples]), labels[samples])
            loss.backward()
            optimizer.step()
            losses.append(loss.detach())
        for layer in LAYERS:
            tensors[f'{name}.{layer}.weight'] = model.weight(layer)
            tensors[f'{name}.{layer}.bias'] = model.biases[layer]
        tensors[f'{name}.loss'] = torch.stack(losses)
        spec = {camel_case(key): value for key, value in options.items()}
        cases.append({'name': name, 'optimizer': {'kind': kind.lower(), **spec}})
    save_fixture(
        arguments.out / 'codebook.safetensors',
        tensors,
        {'steps': STEPS, 'batchSize': BATCH, 'layers': list(LAYERS), 'cases': cases},
    )


if __name__ == '__main__':
    main()
