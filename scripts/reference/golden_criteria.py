"""Makes test/golden/criteria.safetensors: thresholds and masks of each pruning criterion, in two rounds.

A weight is kept if its score is at least the threshold and it was kept in the previous round. Deviations divide by n,
not by n - 1. `deviation` says which weights they are computed from: `initial` (the dense weights of round 1), `current`
(all weights of the round, with zeros for pruned ones) or `survivors` (those that the previous round kept).
A density is the kept fraction of all weights, including pruned ones; it keeps Math.round(density * n).
  deviation            score |w|, threshold quality * deviation, a quality for each layer
  layer-density        score |w|, a density for each layer
  global-density       score |w|, one density over all layers together
  normalized-density   score |w| / deviation of the layer, one density over all layers together
Metadata: `layers` (names in order); `cases`, a list of {name, criterion, deviation?, rounds: [{qualities | densities |
density, deviations?, thresholds, kept}]}; all but `density` are objects by layer. The threshold of a density is the
smallest score that it keeps.
Tensors: `weight.<round>.<layer>` for rounds 1 and 2 (those of round 2 stand for retrained weights, to be filled with 0
where the mask of round 1 is 0); `<case>.<round>.<layer>`, the mask as uint8.
"""

import torch

from common import fixture_arguments, kept_count, save_fixture

# name: shape, scale of the weights
LAYERS = {'conv1': ([6, 3, 3, 3], 0.3), 'fc1': ([12, 24], 0.1), 'fc2': ([5, 12], 0.2)}

QUALITIES = [{'conv1': 0.4, 'fc1': 1.1, 'fc2': 0.7}, {'conv1': 0.9, 'fc1': 1.6, 'fc2': 1.2}]
DENSITIES = [{'conv1': 0.7, 'fc1': 0.25, 'fc2': 0.5}, {'conv1': 0.5, 'fc1': 0.1, 'fc2': 0.3}]
DENSITY = [0.4, 0.15]
SEED = 1
GROWTH = {'conv1': 1.3, 'fc1': 0.8, 'fc2': 1.0}
DEVIATIONS = ['initial', 'current', 'survivors']


def deviation_of(kind, layer, dense, weights, masks):
    chosen = {'initial': dense[layer], 'current': weights[layer], 'survivors': weights[layer][masks[layer]]}[
        kind
    ]
    # This is in double precision, so that the figure is exact whatever the order of summation.
    return chosen.double().std(unbiased=False).item()


def smallest_kept(scores, density):
    """Returns the threshold that keeps Math.round(density * n) of the scores; rejects data with a near tie there."""
    ordered = scores.flatten().sort(descending=True).values
    count = kept_count(density, len(ordered))
    assert 0 < count < len(ordered)
    assert ordered[count - 1] > ordered[count] * (1 + 1e-5), 'too close to a tie: choose another seed'
    return ordered[count - 1].item()


def prune_round(criterion, kind, index, dense, weights, masks):
    """Runs one round. Returns its settings, thresholds and new masks."""
    scores = {layer: weight.double().abs() for layer, weight in weights.items()}
    entry = {}
    if kind:
        entry['deviations'] = {layer: deviation_of(kind, layer, dense, weights, masks) for layer in LAYERS}
    if criterion == 'deviation':
        entry['qualities'] = QUALITIES[index]
        thresholds = {layer: QUALITIES[index][layer] * entry['deviations'][layer] for layer in LAYERS}
    elif criterion == 'layer-density':
        entry['densities'] = DENSITIES[index]
        thresholds = {layer: smallest_kept(scores[layer], DENSITIES[index][layer]) for layer in LAYERS}
    else:
        entry['density'] = DENSITY[index]
        if criterion == 'normalized-density':
            scores = {layer: score / entry['deviations'][layer] for layer, score in scores.items()}
        threshold = smallest_kept(torch.cat([score.flatten() for score in scores.values()]), DENSITY[index])
        thresholds = dict.fromkeys(LAYERS, threshold)
    # Pruned weights score 0, so a decreasing density never counts one of them as kept.
    assert min(thresholds.values()) > 0
    if criterion == 'deviation':
        for layer, score in scores.items():
            nearest = (score / thresholds[layer] - 1).abs().min().item()
            assert nearest > 1e-5, (
                f'{layer}: a weight is within {nearest} of the threshold: choose another seed'
            )
    masks = {layer: masks[layer] & (scores[layer] >= thresholds[layer]) for layer in LAYERS}
    entry['thresholds'] = thresholds
    entry['kept'] = {layer: int(mask.sum()) for layer, mask in masks.items()}
    return entry, masks


def main():
    arguments = fixture_arguments(__doc__)
    torch.manual_seed(SEED)
    dense = {layer: torch.randn(shape) * scale for layer, (shape, scale) in LAYERS.items()}
    # The layers' weights have different spreads that change differently, which tells the kinds of deviation apart.
    dense['fc1'] = dense['fc1'].abs().pow(1.5) * dense['fc1'].sign() * 3
    retrained = {
        layer: weight * GROWTH[layer] + torch.randn_like(weight) * LAYERS[layer][1] * 0.3
        for layer, weight in dense.items()
    }
    tensors = {}
    for number, weights in enumerate([dense, retrained], 1):
        tensors.update({f'weight.{number}.{layer}': weight for layer, weight in weights.items()})

    plan = [(f'deviation-{kind}', 'deviation', kind) for kind in DEVIATIONS]
    plan += [('layer-density', 'layer-density', None), ('global-density', 'global-density', None)]
    plan += [(f'normalized-density-{kind}', 'normalized-density', kind) for kind in DEVIATIONS]
    cases = []
    for name, criterion, kind in plan:
        masks = {layer: torch.ones_like(weight, dtype=torch.bool) for layer, weight in dense.items()}
        rounds = []
        for index, current in enumerate([dense, retrained]):
            weights = {layer: weight.masked_fill(~masks[layer], 0) for layer, weight in current.items()}
            entry, masks = prune_round(criterion, kind, index, dense, weights, masks)
            rounds.append(entry)
            tensors.update(
                {f'{name}.{index + 1}.{layer}': mask.to(torch.uint8) for layer, mask in masks.items()}
            )
        cases.append(
            {'name': name, 'criterion': criterion, **({'deviation': kind} if kind else {}), 'rounds': rounds}
        )
    save_fixture(arguments.out / 'criteria.safetensors', tensors, {'layers': list(LAYERS), 'cases': cases})


if __name__ == '__main__':
    main()
