"""Makes test/golden/networks.safetensors: the numbers of one training step of three networks.

They are a chain, a residual network and one with local response normalization.
Metadata: `networks[name].layers` is the layer graph, a list of {name, kind, inputs, ...options} in the order in which
the layers run; `networks[name].seed` initializes linear and conv2d layers as torch.nn does.
Tensors, each under `<network>.`:
  input, target         float32 [n, c, h, w]; int64 [n]
  initial.<name>        every parameter and buffer before the step
  train.logits, .loss   the forward pass in training mode; the loss is the mean cross-entropy
  gradient.<parameter>  the gradients of that loss
  after.<buffer>        batch norm's buffers after that one forward pass
  eval.logits           in evaluation mode, with the initial parameters and the buffers of `after`
"""

import torch
import torch.nn.functional as F
from torch import nn

from common import fixture_arguments, save_fixture
from graph import GraphNetwork, batch_norm2d, conv2d, graph, layer, linear

CHAIN = graph(
    conv2d('conv1', 2, 4, 3, padding=1),
    batch_norm2d('bn1', 4),
    layer('relu1', 'relu'),
    layer('pool1', 'maxPool2d', kernelSize=2, stride=2, padding=0),
    layer('flatten', 'flatten'),
    linear('fc1', 64, 10),
    layer('relu2', 'relu'),
    layer('drop1', 'dropout', p=0),
    linear('fc2', 10, 5),
)

RESIDUAL = graph(
    conv2d('conv1', 3, 4, 3, padding=1, bias=False),
    batch_norm2d('bn1', 4),
    layer('relu1', 'relu'),
    conv2d('conv2', 4, 8, 3, stride=2, padding=1, bias=False),
    batch_norm2d('bn2', 8),
    layer('relu2', 'relu'),
    conv2d('conv3', 8, 8, 3, padding=1, bias=False),
    batch_norm2d('bn3', 8),
    conv2d('shortcut.0', 4, 8, 1, stride=2, bias=False, inputs=['relu1']),
    batch_norm2d('shortcut.1', 8),
    layer('add', 'add', ['bn3', 'shortcut.1']),
    layer('relu3', 'relu'),
    layer('pool', 'adaptiveAvgPool2d', outputSize=1),
    layer('flatten', 'flatten'),
    linear('fc', 8, 5),
)

# The alphas are large, so that the neighbors' influence shows; an even size extends further to one side.
NORMALISED = graph(
    conv2d('conv1', 2, 6, 3, padding=1),
    layer('relu1', 'relu'),
    layer('norm1', 'localResponseNorm', size=5, alpha=2.0, beta=0.75, k=1.0),
    layer('pool1', 'maxPool2d', kernelSize=3, stride=2, padding=0),
    conv2d('conv2', 6, 8, 3, padding=1, groups=2),
    layer('norm2', 'localResponseNorm', size=4, alpha=1.0, beta=0.5, k=2.0),
    layer('flatten', 'flatten'),
    linear('fc', 72, 5),
)

# name: layer graph, input shape, seed
NETWORKS = {'chain': (CHAIN, [6, 2, 8, 8], 5), 'residual': (RESIDUAL, [6, 3, 8, 8], 10), 'normalised': (NORMALISED, [6, 2, 8, 8], 5)}
CLASSES = 5


def disturb_batch_norm(network):
    """Moves scales, shifts and running statistics away from 1 and 0, so that a mix-up of them shows."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.2)
            module.running_mean.normal_(std=0.2)
            module.running_var.uniform_(0.5, 1.5)


def check_kinks(network, x):
    """Rejects a seed that puts a pre-activation at ReLU's kink, where gradients depend on rounding."""

    def check(module, inputs):
        nearest = inputs[0].abs().min().item()
        assert nearest > 1e-4, f'a pre-activation is within {nearest} of 0: choose another seed'

    hooks = [each.register_forward_pre_hook(check) for each in network.modules() if isinstance(each, nn.ReLU)]
    network(x)
    for hook in hooks:
        hook.remove()


def record(layers, shape, seed):
    """Returns the tensors of one network, without its name as a prefix."""
    torch.manual_seed(seed)
    network = GraphNetwork(layers)
    disturb_batch_norm(network)
    x, target = torch.randn(shape), torch.randint(CLASSES, shape[:1])
    tensors = {'input': x, 'target': target}
    initial = {name: value.detach().clone() for name, value in network.state_dict().items()}
    tensors.update({f'initial.{name}': value for name, value in initial.items()})

    check_kinks(network.train(), x)
    network.load_state_dict(initial)
    logits = network(x)
    loss = F.cross_entropy(logits, target)
    loss.backward()
    tensors.update({'train.logits': logits, 'train.loss': loss})
    tensors.update({f'gradient.{name}': parameter.grad for name, parameter in network.named_parameters()})
    tensors.update({f'after.{name}': buffer.clone() for name, buffer in network.named_buffers()})
    with torch.no_grad():
        tensors['eval.logits'] = network.eval()(x)
    return tensors


def main():
    arguments = fixture_arguments(__doc__)
    tensors, description = {}, {}
    for name, (layers, shape, seed) in NETWORKS.items():
        tensors.update({f'{name}.{key}': value for key, value in record(layers, shape, seed).items()})
        description[name] = {'inputShape': shape[1:], 'seed': seed, 'layers': layers}
    save_fixture(arguments.out / 'networks.safetensors', tensors, {'networks': description})


if __name__ == '__main__':
    main()
