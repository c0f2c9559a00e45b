"""Makes test/golden/losses.safetensors: 50 batches of training with each loss, and the metrics of the networks.

The network is fc1 (6 to 16), relu, fc2, on generated samples [6], with 16 in a batch; each batch is used once, in order.
Targets are two numbers (regression), five labels that are present or not, or one of four classes, some of which are
ignored (-100).
Metadata: `cases`, a list of {name, target, loss, optimizer, accumulate, clip, scale}: `loss` and `optimizer` are
described in lib/train/losses.ts and lib/optim/spec.ts; `scale` is the factor of the learning rate of fc1.
Tensors:
  samples [800, 6], numbers [800, 2], labels [800, 5], classes int64 [800]
  initial.<target>.<name>      parameters before training
  <case>.losses                the loss of each batch, float64 [50]
  <case>.<name>                parameters after training
  <case>.metrics               over all samples: [loss, top1Error], [loss, labelError, exactMatch, f1, macroF1]
                               or [loss, mse, mae, r2], float64
"""

import torch
import torch.nn.functional as F
from torch import nn

from common import fixture_arguments, save_fixture

STEPS, BATCH = 50, 16
SGD = dict(kind='sgd', lr=0.05, momentum=0.9)
ADAM = dict(kind='adam', lr=0.01)
SHARE = [0.5, 1.5, 1, 2]
CASES = [
    dict(name='mse', target='numbers', loss=dict(kind='mse'), optimizer=ADAM),
    dict(name='l1', target='numbers', loss=dict(kind='l1'), optimizer=SGD),
    dict(name='huber', target='numbers', loss=dict(kind='huber', delta=0.5), optimizer=SGD),
    dict(name='bce', target='labels', loss=dict(kind='binaryCrossEntropyWithLogits'), optimizer=SGD),
    dict(
        name='weighted bce', target='labels', optimizer=ADAM,
        loss=dict(kind='binaryCrossEntropyWithLogits', posWeight=[1, 2, 0.5, 3, 1]),
    ),
    dict(
        name='cross-entropy', target='classes', optimizer=SGD,
        loss=dict(kind='crossEntropy', weight=SHARE, ignoreIndex=-100, labelSmoothing=0.1),
    ),
    dict(name='accumulated', target='numbers', loss=dict(kind='mse'), optimizer=SGD, accumulate=2),
    dict(name='clipped by norm', target='numbers', loss=dict(kind='mse'), optimizer=SGD, clip=dict(norm=0.2)),
    dict(name='clipped by value', target='numbers', loss=dict(kind='mse'), optimizer=SGD, clip=dict(value=0.01)),
    dict(name='scaled', target='numbers', loss=dict(kind='mse'), optimizer=SGD, scale=0.1),
]


def criterion(loss):
    kind = loss['kind']
    if kind == 'mse':
        return nn.MSELoss()
    if kind == 'l1':
        return nn.L1Loss()
    if kind == 'huber':
        return nn.HuberLoss(delta=loss['delta'])
    if kind == 'crossEntropy':
        weight = torch.tensor(loss['weight'], dtype=torch.float32)
        return nn.CrossEntropyLoss(weight, ignore_index=loss['ignoreIndex'], label_smoothing=loss['labelSmoothing'])
    positive = loss.get('posWeight')
    return nn.BCEWithLogitsLoss(pos_weight=None if positive is None else torch.tensor(positive, dtype=torch.float32))


def make_optimizer(case, model):
    options = dict(case['optimizer'])
    kind = options.pop('kind')
    scaled = dict(params=model.fc1.parameters(), lr=options['lr'] * case.get('scale', 1))
    groups = [scaled, dict(params=model.fc2.parameters())]
    return (torch.optim.SGD if kind == 'sgd' else torch.optim.Adam)(groups, foreach=False, **options)


def make_model(outputs):
    model = nn.Sequential()
    for name, layer in dict(fc1=nn.Linear(6, 16), relu=nn.ReLU(), fc2=nn.Linear(16, outputs)).items():
        model.add_module(name, layer)
    return model


def train(case, model, samples, targets):
    loss_of, optimizer = criterion(case['loss']), make_optimizer(case, model)
    accumulate, clip = case.get('accumulate', 1), case.get('clip', {})
    losses = []
    for step in range(STEPS):
        chosen = slice(step * BATCH, (step + 1) * BATCH)
        if step % accumulate == 0:
            optimizer.zero_grad()
        loss = loss_of(model(samples[chosen]), targets[chosen])
        (loss / accumulate).backward()
        if (step + 1) % accumulate == 0:
            if 'norm' in clip:
                nn.utils.clip_grad_norm_(model.parameters(), clip['norm'], foreach=False)
            if 'value' in clip:
                nn.utils.clip_grad_value_(model.parameters(), clip['value'], foreach=False)
            optimizer.step()
        losses.append(loss.item())
    return torch.tensor(losses, dtype=torch.float64)


def metrics(case, model, samples, targets):
    with torch.no_grad():
        outputs = model(samples)
        loss = criterion(case['loss'])(outputs, targets).item()
        if case['target'] == 'classes':
            counts = targets != case['loss']['ignoreIndex']
            wrong = outputs.argmax(1)[counts] != targets[counts]
            return [loss, 100 * wrong.double().mean().item()]
        if case['target'] == 'labels':
            found, there = outputs.sigmoid() > 0.5, targets > 0.5
            right = found == there
            scores = [f1(found[:, i], there[:, i]) for i in range(targets.shape[1])]
            return [
                loss, 100 * (1 - right.double().mean().item()), 100 * right.all(1).double().mean().item(),
                f1(found, there), sum(scores) / len(scores),
            ]
        difference = outputs.double() - targets.double()
        spread = (targets.double() - targets.double().mean(0)).square().sum(0)
        r2 = (1 - difference.square().sum(0) / spread).mean().item()
        return [loss, difference.square().mean().item(), difference.abs().mean().item(), r2]


def f1(found, there):
    both = (found & there).sum().item()
    precision, recall = both / max(1, found.sum().item()), both / max(1, there.sum().item())
    return 0 if both == 0 else 2 * precision * recall / (precision + recall)


def main():
    arguments = fixture_arguments(__doc__)
    torch.manual_seed(0)
    samples = torch.randn(STEPS * BATCH, 6)
    numbers = torch.stack([samples[:, 0] * samples[:, 1] + samples[:, 2], samples[:, 3:].sin().sum(1)], 1)
    numbers += 0.1 * torch.randn_like(numbers)
    labels = (samples[:, :5] + samples[:, 1:] + 0.3 * torch.randn(len(samples), 5) > 0.5).float()
    classes = samples[:, :4].argmax(1)
    classes[torch.rand(len(classes)) < 0.1] = -100
    targets = dict(numbers=numbers, labels=labels, classes=classes)
    tensors = dict(samples=samples, **targets)
    initial = {}
    for target, outputs in dict(numbers=2, labels=5, classes=4).items():
        initial[target] = make_model(outputs).state_dict()
        tensors |= {f'initial.{target}.{name}': value for name, value in initial[target].items()}
    for case in CASES:
        name, target = case['name'], case['target']
        model = make_model(dict(numbers=2, labels=5, classes=4)[target])
        model.load_state_dict(initial[target])
        tensors[f'{name}.losses'] = train(case, model, samples, targets[target])
        tensors |= {f'{name}.{key}': value for key, value in model.state_dict().items()}
        found = metrics(case, model, samples, targets[target])
        tensors[f'{name}.metrics'] = torch.tensor(found, dtype=torch.float64)
    save_fixture(arguments.out / 'losses.safetensors', tensors, {'cases': CASES, 'batch': BATCH})


if __name__ == '__main__':
    main()
