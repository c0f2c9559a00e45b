"""Makes test/golden/networks.safetensors: the numbers of one training step, of networks with every kind of layer.

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
from graph import (
    GraphNetwork,
    batch_norm2d,
    conv1d,
    conv2d,
    conv_transpose2d,
    graph,
    layer,
    linear,
)

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

# Every activation, each after its own weights.
ACTIVATED = graph(
    linear('fc1', 12, 12),
    layer('gelu', 'gelu', approximate='none'),
    linear('fc2', 12, 12),
    layer('geluTanh', 'gelu', approximate='tanh'),
    linear('fc3', 12, 12),
    layer('silu', 'silu'),
    linear('fc4', 12, 12),
    layer('hardswish', 'hardswish'),
    linear('fc5', 12, 12),
    layer('leaky', 'leakyRelu', negativeSlope=0.2),
    linear('fc6', 12, 12),
    layer('tanh', 'tanh'),
    linear('fc7', 12, 12),
    layer('sigmoid', 'sigmoid'),
    linear('fc8', 12, 5),
)

# An inverted residual block with a gate, as in MobileNetV3.
MOBILE = graph(
    conv2d('conv1', 3, 8, 3, stride=2, padding=1, bias=False),
    batch_norm2d('bn1', 8),
    layer('relu1', 'relu6'),
    conv2d('expand', 8, 16, 1, bias=False),
    batch_norm2d('bn2', 16),
    layer('swish', 'hardswish'),
    conv2d('depthwise', 16, 16, 3, padding=1, groups=16, bias=False),
    batch_norm2d('bn3', 16),
    layer('relu3', 'relu6'),
    layer('squeeze', 'adaptiveAvgPool2d', outputSize=1),
    conv2d('gate.0', 16, 4, 1),
    layer('gate.1', 'silu'),
    conv2d('gate.2', 4, 16, 1),
    layer('gate.3', 'sigmoid'),
    layer('excite', 'mul', ['relu3', 'gate.3']),
    conv2d('project', 16, 8, 1, bias=False),
    batch_norm2d('bn4', 8),
    layer('add', 'add', ['relu1', 'bn4']),
    layer('pool', 'adaptiveAvgPool2d', outputSize=1),
    layer('flatten', 'flatten'),
    linear('fc', 8, 5),
)

# Downsampling, then upsampling in four ways, which are concatenated.
UNET = graph(
    conv2d('down1', 2, 4, 3, padding=1),
    layer('group1', 'groupNorm', numGroups=2, numChannels=4, eps=1e-5, affine=True),
    layer('gelu1', 'gelu', approximate='none'),
    conv2d('down2', 4, 6, 3, stride=2, padding=1),
    layer('group2', 'groupNorm', numGroups=6, numChannels=6, eps=1e-3, affine=False),
    conv_transpose2d('up1', 6, 4, 3, stride=2, padding=1, outputPadding=1, inputs=['group2']),
    conv_transpose2d('up2', 6, 4, 2, stride=2, groups=2, bias=False, inputs=['group2']),
    layer('nearest', 'upsample', ['group2'], scaleFactor=2, mode='nearest', alignCorners=False),
    layer('bilinear', 'upsample', ['group2'], size=8, mode='bilinear', alignCorners=False),
    layer('corners', 'upsample', ['group2'], scaleFactor=2, mode='bilinear', alignCorners=True),
    layer('concat', 'concat', ['gelu1', 'up1', 'up2', 'nearest', 'bilinear', 'corners']),
    batch_norm2d('bn', 30),
    conv2d('mix', 30, 4, 3, stride=2),
    layer('flatten', 'flatten'),
    linear('fc', 36, 5),
)

# A network along a sequence, with one normalization over a whole sample and one over only the last dimension.
SEQUENCE = graph(
    conv1d('conv1', 3, 6, 5, stride=2, padding=2),
    layer('norm1', 'layerNorm', normalizedShape=[8], eps=1e-5, elementwiseAffine=True, bias=True),
    layer('leaky', 'leakyRelu', negativeSlope=0.01),
    conv1d('conv2', 6, 6, 3, padding=2, dilation=2, groups=3, bias=False),
    layer('norm2', 'layerNorm', normalizedShape=[6, 8], eps=1e-4, elementwiseAffine=True, bias=False),
    layer('silu', 'silu'),
    layer('flatten', 'flatten'),
    linear('fc1', 48, 10),
    layer('norm3', 'layerNorm', normalizedShape=[10], eps=1e-5, elementwiseAffine=False, bias=True),
    layer('tanh', 'tanh'),
    linear('fc2', 10, 5),
)

# name: layer graph, input shape, seed, and a factor of the weights if gradients would vanish otherwise
NETWORKS = {
    'chain': (CHAIN, [6, 2, 8, 8], 5),
    'residual': (RESIDUAL, [6, 3, 8, 8], 10),
    'normalised': (NORMALISED, [6, 2, 8, 8], 5),
    'activated': (ACTIVATED, [6, 12], 1, 3),
    'mobile': (MOBILE, [6, 3, 8, 8], 1),
    'unet': (UNET, [6, 2, 8, 8], 1),
    'sequence': (SEQUENCE, [6, 3, 16], 1),
}
CLASSES = 5


def disturb_norms(network):
    """Moves scales, shifts and running statistics away from 1 and 0, so that a mix-up of them shows."""
    for module in network.modules():
        if isinstance(module, (nn.LayerNorm, nn.GroupNorm)) and module.weight is not None:
            nn.init.uniform_(module.weight, 0.5, 1.5)
            if module.bias is not None:
                nn.init.normal_(module.bias, std=0.2)
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.2)
            module.running_mean.normal_(std=0.2)
            module.running_var.uniform_(0.5, 1.5)


# The positions at which the slope of an activation jumps.
KINKS = {nn.ReLU: [0], nn.ReLU6: [0, 6], nn.LeakyReLU: [0], nn.Hardswish: [-3, 3]}


def check_kinks(network, x):
    """Rejects a seed that puts a pre-activation at a kink, where gradients depend on rounding."""

    def check(module, inputs):
        for kink in KINKS[type(module)]:
            nearest = (inputs[0] - kink).abs().min().item()
            assert nearest > 1e-4, f'a pre-activation is within {nearest} of {kink}: choose another seed'

    hooks = [each.register_forward_pre_hook(check) for each in network.modules() if type(each) in KINKS]
    network(x)
    for hook in hooks:
        hook.remove()


def record(layers, shape, seed, gain=1):
    """Returns the tensors of one network, without its name as a prefix."""
    torch.manual_seed(seed)
    network = GraphNetwork(layers)
    disturb_norms(network)
    for module in network.modules():
        if gain != 1 and isinstance(module, nn.Linear):
            module.weight.data *= gain
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
    for name, (layers, shape, *how) in NETWORKS.items():
        tensors.update({f'{name}.{key}': value for key, value in record(layers, shape, *how).items()})
        description[name] = {'inputShape': shape[1:], 'seed': how[0], 'layers': layers}
    save_fixture(arguments.out / 'networks.safetensors', tensors, {'networks': description})


if __name__ == '__main__':
    main()
