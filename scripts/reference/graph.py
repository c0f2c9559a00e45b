"""Networks described as data: a list of layers with their TypeScript names, and torch.nn modules made from it."""

import torch
from torch import nn


def layer(name, kind, inputs=None, **options):
    """Describes one layer, with options under their TypeScript names; `inputs` defaults to the previous layer."""
    return {'name': name, 'kind': kind, 'inputs': inputs, **options}


def linear(name, in_features, out_features, bias=True, inputs=None):
    return layer(name, 'linear', inputs, inFeatures=in_features, outFeatures=out_features, bias=bias)


def conv2d(name, in_channels, out_channels, kernel, stride=1, padding=0, groups=1, bias=True, inputs=None):
    return layer(
        name,
        'conv2d',
        inputs,
        inChannels=in_channels,
        outChannels=out_channels,
        kernelSize=kernel,
        stride=stride,
        padding=padding,
        dilation=1,
        groups=groups,
        bias=bias,
    )


def conv1d(name, in_channels, out_channels, kernel, stride=1, padding=0, dilation=1, groups=1, bias=True):
    return layer(
        name,
        'conv1d',
        inChannels=in_channels,
        outChannels=out_channels,
        kernelSize=kernel,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        bias=bias,
    )


def conv_transpose2d(name, in_channels, out_channels, kernel, inputs=None, **options):
    defaults = {'stride': 1, 'padding': 0, 'outputPadding': 0, 'groups': 1, 'bias': True, 'dilation': 1}
    return layer(
        name,
        'convTranspose2d',
        inputs,
        inChannels=in_channels,
        outChannels=out_channels,
        kernelSize=kernel,
        **{**defaults, **options},
    )


def batch_norm2d(name, features, inputs=None):
    return layer(name, 'batchNorm2d', inputs, features=features, eps=1e-5, momentum=0.1)


def graph(*layers):
    """Returns the layers with every default input filled in."""
    previous, filled = 'input', []
    for each in layers:
        filled.append({**each, 'inputs': each['inputs'] or [previous]})
        previous = each['name']
    return filled


class Add(nn.Module):
    def forward(self, a, b):
        return a + b


class Mul(nn.Module):
    def forward(self, a, b):
        return a * b


class Concat(nn.Module):
    def forward(self, *parts):
        return torch.cat(parts, 1)


MODULES = {
    'linear': lambda o: nn.Linear(o['inFeatures'], o['outFeatures'], bias=o['bias']),
    'conv2d': lambda o: nn.Conv2d(
        o['inChannels'],
        o['outChannels'],
        o['kernelSize'],
        o['stride'],
        o['padding'],
        o['dilation'],
        o['groups'],
        bias=o['bias'],
    ),
    'conv1d': lambda o: nn.Conv1d(
        o['inChannels'],
        o['outChannels'],
        o['kernelSize'],
        o['stride'],
        o['padding'],
        o['dilation'],
        o['groups'],
        bias=o['bias'],
    ),
    'convTranspose2d': lambda o: nn.ConvTranspose2d(
        o['inChannels'],
        o['outChannels'],
        o['kernelSize'],
        o['stride'],
        o['padding'],
        o['outputPadding'],
        o['groups'],
        o['bias'],
        o['dilation'],
    ),
    'batchNorm2d': lambda o: nn.BatchNorm2d(o['features'], eps=o['eps'], momentum=o['momentum']),
    'layerNorm': lambda o: nn.LayerNorm(o['normalizedShape'], o['eps'], o['elementwiseAffine'], o['bias']),
    'groupNorm': lambda o: nn.GroupNorm(o['numGroups'], o['numChannels'], o['eps'], o['affine']),
    'relu': lambda o: nn.ReLU(),
    'relu6': lambda o: nn.ReLU6(),
    'leakyRelu': lambda o: nn.LeakyReLU(o['negativeSlope']),
    'gelu': lambda o: nn.GELU(o['approximate']),
    'silu': lambda o: nn.SiLU(),
    'sigmoid': lambda o: nn.Sigmoid(),
    'tanh': lambda o: nn.Tanh(),
    'hardswish': lambda o: nn.Hardswish(),
    'upsample': lambda o: nn.Upsample(
        o.get('size'),
        o.get('scaleFactor'),
        o['mode'],
        o['alignCorners'] if o['mode'] == 'bilinear' else None,
    ),
    'maxPool2d': lambda o: nn.MaxPool2d(o['kernelSize'], o['stride'], o['padding']),
    'adaptiveAvgPool2d': lambda o: nn.AdaptiveAvgPool2d(o['outputSize']),
    'avgPool2d': lambda o: nn.AvgPool2d(o['kernelSize'], o['stride'], o['padding']),
    'localResponseNorm': lambda o: nn.LocalResponseNorm(o['size'], o['alpha'], o['beta'], o['k']),
    'flatten': lambda o: nn.Flatten(),
    'dropout': lambda o: nn.Dropout(o['p']),
    'add': lambda o: Add(),
    'mul': lambda o: Mul(),
    'concat': lambda o: Concat(),
}


class GraphNetwork(nn.Module):
    """Runs the layers of a graph in order.

    They are also made in that order, so that a seed gives them the weights that it would give to the modules alone. A
    dotted layer name becomes nested modules, so that the parameters are called `<layer>.weight`.
    """

    def __init__(self, layers):
        super().__init__()
        self.layers = layers
        for each in layers:
            *path, last = each['name'].split('.')
            parent = self
            for part in path:
                if part not in parent._modules:
                    parent.add_module(part, nn.Module())
                parent = parent._modules[part]
            parent.add_module(last, MODULES[each['kind']](each))

    def forward(self, x):
        values = {'input': x}
        for each in self.layers:
            arguments = [values[name] for name in each['inputs']]
            values[each['name']] = self.get_submodule(each['name'])(*arguments)
        return values[self.layers[-1]['name']]
