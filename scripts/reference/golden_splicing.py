"""Makes test/golden/splicing.safetensors: a small network trained with splicing, in plain PyTorch.

Dynamic Network Surgery (Guo, Yao and Chen 2016). The network computes with mask * dense weight, by selection. The
complete gradient of the masked weight is passed to the dense weight (equation 3), and SGD updates that. Every few
steps, before the forward pass, masks are chosen again (equation 4): a kept weight is removed if |w| < a, and a pruned
one returns if |w| >= b, with a = t / (1 + margin), b = t / (1 - margin) and t such that exactly the desired number of a
group's weights is kept. The density decreases by a cubic over the first `reach` of all steps. After `until` of the
steps, masks no longer change; the last step before that chooses them as well.
Metadata: the settings; `epochSeeds`, the seed of each epoch's shuffle; `cases`, a list of {name, densities | density,
epochs: [{returned, removed, kept}]}.
Tensors: `images`, `labels`; `initial.<name>` for each parameter; `<case>.<epoch>.<layer>.mask` (uint8) and
`<case>.<epoch>.<name>`, the dense parameters at the end of an epoch.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn

from common import fixture_arguments, kept_count, noisy_images, save_fixture

SEED = 3
# lib/train/seed.ts derives these from seed 5 for epochs 1 to 8.
RUN_SEED = 5
EPOCH_SEEDS = [
    2028631108,
    3257234375,
    1063232503,
    1539781748,
    2730935742,
    1364831093,
    2100096873,
    2504672025,
]
SAMPLES, BATCH = 96, 32
EVERY, MARGIN, REACH, UNTIL = 2, 0.15, 0.5, 0.8
OPTIMIZER = {'lr': 0.1, 'momentum': 0.9, 'weight_decay': 1e-3}
LAYERS = ['conv', 'fc1', 'fc2']
DENSITIES = {'conv': 0.5, 'fc1': 0.12, 'fc2': 0.4}
CASES = [{'name': 'layer', 'densities': DENSITIES}, {'name': 'global', 'density': 0.15}]


class Masked(nn.Module):
    """A network of conv, fc1 and fc2; the weights that it computes with are passed to forward()."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3)
        self.fc1 = nn.Linear(64, 20)
        self.fc2 = nn.Linear(20, 4)

    def forward(self, x, weights):
        x = F.relu(F.conv2d(x, weights['conv'], self.conv.bias))
        x = F.relu(F.linear(x.flatten(1), weights['fc1'], self.fc1.bias))
        return F.linear(x, weights['fc2'], self.fc2.bias)


def cubic(final, progress):
    return final + (1 - final) * (1 - progress) ** 3


def spliced(dense, masks, scales, keep):
    """Returns new masks of some layers, which together keep `keep` weights; t is the smallest score that is kept."""
    scores = {}
    for layer, mask in masks.items():
        magnitude = dense[layer].abs() / scales[layer]
        scores[layer] = torch.where(mask, magnitude * (1 + MARGIN), magnitude * (1 - MARGIN))
    ordered = torch.cat([score.flatten() for score in scores.values()]).sort(descending=True).values
    t = ordered[keep - 1].item()
    assert keep == len(ordered) or t > ordered[keep].item() * (1 + 2e-5), 'too close to a tie: choose another seed'
    chosen = {layer: score >= t for layer, score in scores.items()}
    # The two thresholds of equation 4 are lowered very slightly, because t itself is kept.
    a, b = t / (1 + MARGIN) * (1 - 1e-5), t / (1 - MARGIN) * (1 - 1e-5)
    for layer, mask in masks.items():
        magnitude = dense[layer].abs() / scales[layer]
        assert torch.equal(chosen[layer], (magnitude >= b) | (mask & (magnitude >= a)))
    return chosen


def run(case, model, images, labels):
    dense = {layer: getattr(model, layer).weight for layer in LAYERS}
    masks = {layer: torch.ones_like(dense[layer], dtype=torch.bool) for layer in LAYERS}
    scales = dict.fromkeys(LAYERS, 1.0)
    if 'density' in case:
        scales = {layer: dense[layer].detach().double().std(unbiased=False).item() for layer in LAYERS}
    groups = [LAYERS] if 'density' in case else [[layer] for layer in LAYERS]
    momentum = {name: None for name, _ in model.named_parameters()}
    per_epoch = math.ceil(SAMPLES / BATCH)
    total = per_epoch * len(EPOCH_SEEDS)
    last = math.ceil(UNTIL * total) - 1
    tensors, epochs = {}, []
    step = 0
    for epoch, seed in enumerate(EPOCH_SEEDS, 1):
        order = torch.randperm(SAMPLES, generator=torch.Generator().manual_seed(seed))
        returned = removed = 0
        for batch in order.split(BATCH):
            if step <= last and (step % EVERY == 0 or step == last):
                progress = min(1, (step + 1) / (REACH * total))
                for group in groups:
                    final = case['density'] if 'density' in case else case['densities'][group[0]]
                    weights = sum(dense[layer].numel() for layer in group)
                    keep = kept_count(cubic(final, progress), weights)
                    with torch.no_grad():
                        chosen = spliced(
                            {layer: dense[layer] for layer in group},
                            {layer: masks[layer] for layer in group},
                            scales,
                            keep,
                        )
                    returned += sum(int((chosen[layer] & ~masks[layer]).sum()) for layer in group)
                    removed += sum(int((~chosen[layer] & masks[layer]).sum()) for layer in group)
                    masks.update(chosen)
            effective = {
                layer: torch.where(masks[layer], dense[layer].detach(), 0.0).requires_grad_()
                for layer in LAYERS
            }
            model.zero_grad()
            F.cross_entropy(model(images[batch], effective), labels[batch]).backward()
            with torch.no_grad():
                for name, parameter in model.named_parameters():
                    layer, kind = name.split('.')
                    gradient = effective[layer].grad if kind == 'weight' else parameter.grad
                    gradient = gradient.add(parameter, alpha=OPTIMIZER['weight_decay'])
                    buffer = momentum[name]
                    if buffer is None:
                        momentum[name] = gradient.clone()
                    else:
                        buffer.mul_(OPTIMIZER['momentum']).add_(gradient)
                    parameter.add_(momentum[name], alpha=-OPTIMIZER['lr'])
            step += 1
        epochs.append(
            {
                'returned': returned,
                'removed': removed,
                'kept': {layer: int(masks[layer].sum()) for layer in LAYERS},
            }
        )
        for layer in LAYERS:
            tensors[f'{case["name"]}.{epoch}.{layer}.mask'] = masks[layer].to(torch.uint8)
        for name, parameter in model.named_parameters():
            tensors[f'{case["name"]}.{epoch}.{name}'] = parameter.detach().clone()
    return tensors, epochs


def main():
    arguments = fixture_arguments(__doc__)
    generator = torch.Generator().manual_seed(SEED)
    images, labels = noisy_images(SAMPLES, generator)
    torch.manual_seed(SEED)
    initial = Masked().state_dict()
    tensors = {'images': images, 'labels': labels}
    tensors |= {f'initial.{name}': value.clone() for name, value in initial.items()}
    cases = []
    for case in CASES:
        model = Masked()
        model.load_state_dict(initial)
        made, epochs = run(case, model, images, labels)
        assert sum(epoch['returned'] for epoch in epochs) > 0, 'nothing returned: the fixture would test little'
        tensors |= made
        cases.append({**case, 'epochs': epochs})
    settings = {'seed': RUN_SEED, 'epochSeeds': EPOCH_SEEDS, 'batchSize': BATCH, 'layers': LAYERS}
    settings |= {'every': EVERY, 'margin': MARGIN, 'reach': REACH, 'until': UNTIL}
    optimizer = {'lr': OPTIMIZER['lr'], 'momentum': OPTIMIZER['momentum']}
    optimizer['weightDecay'] = OPTIMIZER['weight_decay']
    save_fixture(
        arguments.out / 'splicing.safetensors', tensors, {**settings, 'optimizer': optimizer, 'cases': cases}
    )


if __name__ == '__main__':
    main()
