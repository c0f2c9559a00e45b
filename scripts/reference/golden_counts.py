"""Makes test/golden/counts.safetensors: masks that meet a density exactly although many magnitudes are equal.

The count is that of torch.nn.utils.prune, and so are the magnitudes that stay. torch.nn.utils.prune does not define
which of several equal ones stay; here it is the first by position (a stable sort), over layers in the network's order.
  layer    a density for each layer
  global   one density over all layers together
  filters  whole filters by L1 norm, a density for each layer
Each case has two rounds over the same weights: the second never chooses what the first one pruned.
Metadata: `layers` (names in order); `cases`, a list of {name, weights, criterion, densities: [round 1, round 2]}.
Tensors: `weight.<weights>.<layer>`; `<case>.<round>.<layer>`, the mask as uint8.
"""

import torch
from torch import nn
from torch.nn.utils import prune

from common import fixture_arguments, kept_count, save_fixture

LAYERS = {'conv1': [6, 3, 3, 3], 'fc1': [12, 24], 'fc2': [5, 12]}
DENSITIES = [0.37, 0.1]
# Lower densities would empty the last layer, because equal magnitudes in the layers before it come first.
GLOBAL = {'binary': [0.95, 0.9], 'ternary': [0.8, 0.6], 'eight': [0.37, 0.2], 'special': [0.85, 0.7]}
FILTERS = [0.5, 0.25]
# Sums of powers of two are exact in any order.
SPECIAL = [0.0, -0.0, 2.0**120, -(2.0**120), 1e-45, -1e-45, 1e-38, 1.0, -1.0, 0.5]


def first_of_largest(scores, eligible, count):
    """Returns True at the `count` largest eligible scores; among equal ones, the first win."""
    ranked = scores.flatten().masked_fill(~eligible.flatten(), -1).sort(descending=True, stable=True).indices
    mask = torch.zeros(scores.numel(), dtype=torch.bool)
    mask[ranked[:count]] = True
    return mask.reshape(scores.shape) & eligible


def check_unstructured(weight, mask, density):
    """Checks that torch.nn.utils.prune keeps the same number of weights, with the same magnitudes."""
    module = nn.Module()
    module.weight = nn.Parameter(weight.clone())
    prune.l1_unstructured(module, 'weight', amount=weight.numel() - kept_count(density, weight.numel()))
    theirs = weight[module.weight_mask.bool()].abs().sort().values
    assert torch.equal(theirs, weight[mask].abs().sort().values)


def check_structured(weight, mask, density):
    module = nn.Module()
    module.weight = nn.Parameter(weight.clone())
    amount = len(weight) - kept_count(density, len(weight))
    prune.ln_structured(module, 'weight', amount=amount, n=1, dim=0)
    assert module.weight_mask.sum() == mask.sum()


def prune_round(criterion, weights, masks, density, first):
    if criterion == 'global':
        scores = torch.cat([weight.abs().flatten() for weight in weights.values()])
        eligible = torch.cat([mask.flatten() for mask in masks.values()])
        keep = first_of_largest(scores, eligible, kept_count(density, len(scores)))
        parts = keep.split([weight.numel() for weight in weights.values()])
        return {layer: part.reshape(LAYERS[layer]) for layer, part in zip(weights, parts)}
    kept = {}
    for layer, weight in weights.items():
        if criterion == 'layer':
            kept[layer] = first_of_largest(weight.abs(), masks[layer], kept_count(density, weight.numel()))
            if first:
                check_unstructured(weight, kept[layer], density)
        else:
            norms = weight.abs().flatten(1).sum(1)
            alive = masks[layer].flatten(1).any(1)
            filters = first_of_largest(norms, alive, kept_count(density, len(norms)))
            kept[layer] = masks[layer] & filters.reshape([-1] + [1] * (weight.dim() - 1))
            if first:
                check_structured(weight, kept[layer], density)
    return kept


def levels(count):
    """Makes weights with `count` different magnitudes and mixed signs."""

    def weight(shape):
        size = torch.Size(shape).numel()
        magnitude = (torch.randint(0, count, [size]) + 1) / count
        return (magnitude * (torch.randint(0, 2, [size]) * 2 - 1)).reshape(shape)

    return weight


def special(shape):
    return torch.tensor(SPECIAL)[torch.randint(0, len(SPECIAL), shape)]


def main():
    out = fixture_arguments(__doc__).out
    torch.manual_seed(7)
    makers = {'binary': levels(1), 'ternary': levels(2), 'eight': levels(8), 'special': special}
    tensors, cases = {}, []
    for name, make in makers.items():
        weights = {layer: make(shape) for layer, shape in LAYERS.items()}
        tensors |= {f'weight.{name}.{layer}': weight for layer, weight in weights.items()}
        for criterion in ['layer', 'global', 'filters']:
            masks = {layer: torch.ones(shape, dtype=torch.bool) for layer, shape in LAYERS.items()}
            densities = {'layer': DENSITIES, 'global': GLOBAL[name], 'filters': FILTERS}[criterion]
            for number, density in enumerate(densities, 1):
                masks = prune_round(criterion, weights, masks, density, number == 1)
                assert all(mask.any() for mask in masks.values()), f'{name}-{criterion} empties a layer'
                tensors |= {
                    f'{name}-{criterion}.{number}.{layer}': mask.to(torch.uint8) for layer, mask in masks.items()
                }
            cases.append(
                {'name': f'{name}-{criterion}', 'weights': name, 'criterion': criterion, 'densities': densities}
            )
    save_fixture(out / 'counts.safetensors', tensors, {'layers': list(LAYERS), 'cases': cases})


if __name__ == '__main__':
    main()
