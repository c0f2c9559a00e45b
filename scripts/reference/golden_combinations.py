"""Makes test/golden/combinations.safetensors: masks of scores and selections in all combinations, two rounds or one.

Scores, of each layer's weights:
  magnitude     |w|
  filter-norm-1 the sum of |w| over the filter that a weight stands in, the same for all of its weights
  filter-norm-2 the root of the sum of squares
  per-bit       |w| / bits, of a weight's value (2) and of its place: what the logarithm of the odds of all lacks to those
                of its row and of its column, counted beside it in what was kept by the round before; bits by their mean; 0 where the weight's
                neuron is not read, or what it reads is not fed
  own           w as it is, negative values too
Selections; what round 1 pruned is never chosen by round 2:
  deviation-<of>   scores of at least quality * deviation of the layer
  density          a share of each layer, the largest; among equal ones the first by position
  global           a share of all layers together
  normalized-<of>  the same, each score divided by the deviation of its layer first
  nm               n of every m weights along the inputs: in a convolution along the channels at one place of a filter
  filters          a share of each layer's filters, by the sum of their weights' scores; a filter's own score counts once
A deviation divides by n. It is taken of the weights where magnitudes are ranked, else of the scores: `current` of all,
the pruned ones as 0, `survivors` of those that are kept.
Metadata: `layers` (names in order); `cases`, a list of {name, score, select, rounds: [parameters of the selection]}.
Tensors: `weight.<layer>`; `<case>.<round>.<layer>`, the mask as uint8.
"""

import math
import warnings

import torch
from torch import nn
from torch.sparse._semi_structured_conversions import (
    sparse_semi_structured_from_dense_cutlass,
    sparse_semi_structured_to_dense_cutlass,
)

from common import fixture_arguments, kept_count, save_fixture
from golden_counts import first_of_largest

# The second convolution has two groups: a filter of it sees 4 of 8 channels.
LAYERS = {'conv1': [8, 4, 3, 3], 'conv2': [8, 4, 3, 3], 'fc1': [12, 32], 'fc2': [16, 12]}
ROUNDS = {
    'deviation-current': [{'quality': 0.3}, {'quality': 0.6}],
    'deviation-survivors': [{'quality': 0.3}, {'quality': 0.4}],
    'density': [{'density': 0.6}, {'density': 0.3}],
    'global': [{'density': 0.93}, {'density': 0.87}],
    'normalized-current': [{'density': 0.9}, {'density': 0.8}],
    'normalized-survivors': [{'density': 0.9}, {'density': 0.8}],
    'nm': [{'n': 2, 'm': 4}, {'n': 1, 'm': 4}],
    'filters': [{'density': 0.75}, {'density': 0.4}],
}


def bits_of(keep):
    """As many as a weight takes where these are kept, of [rows, columns]."""
    rows, columns = keep.shape
    share = min(keep.double().mean().item(), 0.98)

    def log_odds(counts, length):
        p = (((counts.double() - 1).clamp_min(0) + 2 * share) / (length + 2)).clamp_max(0.98)
        return torch.log2(p / (1 - p))

    of_row = 2 + math.log2(share / (1 - share)) - log_odds(keep.sum(1), columns)
    bits = (of_row.float()[:, None] - log_odds(keep.sum(0), rows).float()).clamp_min(1)
    return bits / bits[keep].double().mean().float()


def useful(masks):
    """Of each weight, whether its neurons are read and fed; what grouped convolutions read counts as fed."""
    flags = {layer: torch.ones_like(mask) for layer, mask in masks.items()}
    flags['conv1'] &= masks['conv2'].reshape(2, 4, 4, 9).any(3).any(1).reshape(8, 1, 1, 1)
    for layer, reader in [('conv2', 'fc1'), ('fc1', 'fc2')]:
        fed = masks[layer].flatten(1).any(1)
        reads = masks[reader].reshape(masks[reader].shape[0], len(fed), -1)
        flags[layer] &= reads.any(2).any(0).reshape([-1] + [1] * (masks[layer].dim() - 1))
        flags[reader] &= fed[:, None].expand(reads.shape[1:]).flatten()
    return flags


def scores_per_bit(weights, masks):
    flags = useful(masks)
    return {
        layer: (weight.abs() / bits_of(masks[layer].flatten(1)).reshape(weight.shape)).masked_fill(~flags[layer], 0)
        for layer, weight in weights.items()
    }


def scores_of(score, weight):
    if score == 'magnitude':
        return weight.abs()
    if score == 'own':
        return weight
    rows = weight.flatten(1)
    norms = rows.abs().sum(1) if score == 'filter-norm-1' else rows.square().sum(1).sqrt()
    return norms.reshape([-1] + [1] * (weight.dim() - 1)).expand_as(weight)


def deviation(of, score, weight, scores, mask):
    values = weight if score == 'magnitude' else scores
    values = values[mask] if of == 'survivors' else values.masked_fill(~mask, 0)
    return values.double().std(unbiased=False).item()


def nm_mask(scores, mask, n, m):
    """Of each group of m inputs the n largest that are still kept, the first among equal ones."""
    ranked = scores.masked_fill(~mask, float('-inf')).movedim(1, -1)
    groups = ranked.reshape(-1, m)
    chosen = groups.sort(dim=1, descending=True, stable=True).indices[:, :n]
    kept = torch.zeros_like(groups, dtype=torch.bool).scatter_(1, chosen, True)
    return kept.reshape(ranked.shape).movedim(-1, 1) & mask


def check_24(weight, mask):
    """PyTorch's own 2:4 sparsifier prunes the same, and its compressed form holds all that is kept."""
    rows = weight if weight.dim() == 2 else weight.permute(0, 2, 3, 1).flatten(1)
    layer = nn.Linear(rows.shape[1], rows.shape[0], bias=False)
    layer.weight = nn.Parameter(rows.clone())
    sparsifier = torch.ao.pruning.WeightNormSparsifier(1.0, (1, 4), zeros_per_block=2)
    sparsifier.prepare(nn.Sequential(layer), [{'tensor_fqn': '0.weight'}])
    sparsifier.step()
    kept = mask if mask.dim() == 2 else mask.permute(0, 2, 3, 1).flatten(1)
    assert torch.equal(layer.parametrizations.weight[0].mask.bool(), kept)
    assert torch.equal(kept.reshape(-1, 4).sum(1), torch.full([kept.numel() // 4], 2))
    # In sizes that the compressed form takes.
    tile = (rows * kept).half().repeat(32, 32)[:128, : 128 * (rows.shape[1] // 4)]
    assert torch.equal(sparse_semi_structured_to_dense_cutlass(*sparse_semi_structured_from_dense_cutlass(tile)), tile)


def prune_round(score, select, parameters, weights, masks):
    if score == 'per-bit':
        scores = scores_per_bit(weights, masks)
    else:
        scores = {layer: scores_of(score, weight) for layer, weight in weights.items()}
    deviations = {}
    if '-' in select:
        of = select.split('-')[1]
        deviations = {
            layer: deviation(of, score, weights[layer], scores[layer], masks[layer]) for layer in weights
        }
    if select.startswith('deviation'):
        quality = parameters['quality']
        return {
            layer: masks[layer]
            & (scores[layer] >= (quality[layer] if isinstance(quality, dict) else quality) * deviations[layer])
            for layer in weights
        }
    if select.startswith(('global', 'normalized')):
        scaled = [scores[layer] / (deviations.get(layer) or 1) for layer in weights]
        together = torch.cat([score.flatten() for score in scaled])
        eligible = torch.cat([masks[layer].flatten() for layer in weights])
        keep = first_of_largest_signed(together, eligible, kept_count(parameters['density'], len(together)))
        parts = keep.split([weight.numel() for weight in weights.values()])
        return {layer: part.reshape(LAYERS[layer]) for layer, part in zip(weights, parts)}
    kept = {}
    for layer, mask in masks.items():
        if select == 'density':
            kept[layer] = first_of_largest_signed(
                scores[layer], mask, kept_count(parameters['density'], mask.numel())
            )
        elif select == 'nm':
            kept[layer] = nm_mask(scores[layer], mask, **parameters)
        else:
            alive = mask.flatten(1).any(1)
            sums = scores[layer].flatten(1)
            sums = sums[:, 0] if score.startswith('filter-norm') else sums.masked_fill(~mask.flatten(1), 0).sum(1)
            filters = first_of_largest_signed(sums, alive, kept_count(parameters['density'], len(sums)))
            kept[layer] = mask & filters.reshape([-1] + [1] * (mask.dim() - 1))
    return kept


def parameters_of_norms(score, parameters, weights):
    """Norms of filters are near to each other: qualities that tell some from others."""
    if 'quality' not in parameters:
        return parameters
    quality = {}
    for layer, weight in weights.items():
        norms = scores_of(score, weight).flatten(1)[:, 0].double()
        between = norms.sort().values[1:3].mean()
        quality[layer] = (between / norms.std(unbiased=False)).item()
    return {'quality': quality}


def first_of_largest_signed(scores, eligible, count):
    """As first_of_largest, for scores of any sign."""
    return first_of_largest((scores - scores.min()).double(), eligible, count)


def main():
    out = fixture_arguments(__doc__).out
    warnings.filterwarnings('ignore')
    torch.manual_seed(5)
    weights = {layer: torch.randn(shape) * (0.1 + 0.1 * i) for i, (layer, shape) in enumerate(LAYERS.items())}
    tensors = {f'weight.{layer}': weight for layer, weight in weights.items()}
    cases = []
    for score in ['magnitude', 'filter-norm-1', 'filter-norm-2', 'per-bit', 'own']:
        for select, rounds in ROUNDS.items():
            name = f'{score}.{select}'
            masks = {layer: torch.ones(shape, dtype=torch.bool) for layer, shape in LAYERS.items()}
            if score.startswith('filter-norm') and '-' in select:
                # One round: where some of these near scores are pruned, the deviation grows over the others.
                rounds = [parameters_of_norms(score, rounds[0], weights)]
            for number, parameters in enumerate(rounds, 1):
                masks = prune_round(score, select, parameters, weights, masks)
                assert all(mask.any() for mask in masks.values()), f'{name} empties a layer'
                tensors |= {f'{name}.{number}.{layer}': mask.to(torch.uint8) for layer, mask in masks.items()}
                if (score, parameters) == ('magnitude', {'n': 2, 'm': 4}):
                    for layer, mask in masks.items():
                        check_24(weights[layer], mask)
            cases.append({'name': name, 'score': score, 'select': select, 'rounds': rounds})
    save_fixture(out / 'combinations.safetensors', tensors, {'layers': list(LAYERS), 'cases': cases})


if __name__ == '__main__':
    main()
