"""Makes test/golden/scores.safetensors: masks by Fisher information and by the L1 norm of filters.

The network is the chain of golden_networks.py in evaluation mode, with its own initial parameters.
  fisher       the score is 1/2 F w^2, where F is the mean over batches of the squared gradient of the mean
               cross-entropy; a seed determines the samples that are drawn; one density over all weights together
  filter-norm  the score of a filter is the sum of its |w|; a density of filters for each layer
Metadata: `layers`, `inputShape`, `batchSize`, `batches`, `drawSeed`, `densities`. Tensors: `images` float32 [N, ...],
`labels` int64, `initial.<parameter>`, `<criterion>.<density>.<layer>`, the mask as uint8.
"""

import torch
from torch import nn

from common import density_mask, fixture_arguments, kept_count, save_fixture, weighted_layers
from golden_networks import CHAIN
from graph import GraphNetwork

BATCH, BATCHES, SAMPLES, SEED, DRAW_SEED = 8, 5, 48, 11, 4
DENSITIES = [0.5, 0.2]


def fisher_scores(model, images, labels):
    sums = {name: torch.zeros_like(module.weight) for name, module in weighted_layers(model)}
    drawn = torch.randperm(SAMPLES, generator=torch.Generator().manual_seed(DRAW_SEED))[: BATCH * BATCHES]
    for x, y in zip(images[drawn].split(BATCH), labels[drawn].split(BATCH)):
        model.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        for name, module in weighted_layers(model):
            sums[name] += module.weight.grad**2
    return {name: 0.5 * module.weight.detach() ** 2 * sums[name] / BATCHES for name, module in weighted_layers(model)}


def fisher_masks(scores, density):
    together = torch.cat([score.flatten() for score in scores.values()])
    keep = density_mask(together, density)
    assert keep.sum() == kept_count(density, len(together)), 'a tie: choose another seed'
    parts = keep.split([score.numel() for score in scores.values()])
    return {name: part.reshape(score.shape) for (name, score), part in zip(scores.items(), parts)}


def filter_mask(weight, density):
    norms = weight.detach().abs().flatten(1).sum(1)
    kept = norms.topk(kept_count(density, len(norms))).indices
    mask = torch.zeros_like(weight, dtype=torch.bool)
    mask[kept] = True
    return mask


def main():
    out = fixture_arguments(__doc__).out
    torch.manual_seed(SEED)
    model = GraphNetwork(CHAIN).eval()
    shape = [2, 8, 8]
    images = torch.randn(SAMPLES, *shape)
    labels = torch.randint(0, model(images[:1]).shape[1], (SAMPLES,))
    tensors = {'images': images, 'labels': labels}
    tensors |= {f'initial.{name}': value.clone() for name, value in model.state_dict().items()}
    scores = fisher_scores(model, images, labels)
    for density in DENSITIES:
        for name, mask in fisher_masks(scores, density).items():
            tensors[f'fisher.{density}.{name}'] = mask.to(torch.uint8)
        for name, module in weighted_layers(model):
            tensors[f'filter-norm.{density}.{name}'] = filter_mask(module.weight, density).to(torch.uint8)
    description = {
        'layers': CHAIN,
        'inputShape': shape,
        'batchSize': BATCH,
        'batches': BATCHES,
        'drawSeed': DRAW_SEED,
        'densities': DENSITIES,
    }
    save_fixture(out / 'scores.safetensors', tensors, description)


if __name__ == '__main__':
    main()
