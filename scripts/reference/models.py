"""The networks of lib/models in plain PyTorch: torchvision's own, and those that torchvision does not have.

The parameters have the names of lib/models, so that a state dict of one loads into the other.
"""

import torchvision
from torch import nn

from common import MODELS as LENETS


class AlexNetCaffe(nn.Module):
    """Caffe's bvlc_alexnet: two groups in conv2, conv4 and conv5, local response normalization before pooling."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 96, 11, stride=4)
        self.conv2 = nn.Conv2d(96, 256, 5, padding=2, groups=2)
        self.conv3 = nn.Conv2d(256, 384, 3, padding=1)
        self.conv4 = nn.Conv2d(384, 384, 3, padding=1, groups=2)
        self.conv5 = nn.Conv2d(384, 256, 3, padding=1, groups=2)
        self.norm = nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=1)
        self.pool = nn.MaxPool2d(3, stride=2)
        self.relu = nn.ReLU()
        self.dropout = nn.Dropout(0.5)
        self.fc1 = nn.Linear(256 * 6 * 6, 4096)
        self.fc2 = nn.Linear(4096, 4096)
        self.fc3 = nn.Linear(4096, 1000)

    def forward(self, x):
        x = self.pool(self.norm(self.relu(self.conv1(x))))
        x = self.pool(self.norm(self.relu(self.conv2(x))))
        x = self.relu(self.conv4(self.relu(self.conv3(x))))
        x = self.pool(self.relu(self.conv5(x))).flatten(1)
        x = self.dropout(self.relu(self.fc1(x)))
        return self.fc3(self.dropout(self.relu(self.fc2(x))))


class Basic(nn.Module):
    expansion = 1

    def __init__(self, into, channels, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(into, channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.shortcut = shortcut(into, channels, stride)

    def forward(self, x):
        y = self.bn1(self.conv1(x)).relu()
        return (self.bn2(self.conv2(y)) + self.shortcut(x)).relu()


class Bottleneck(nn.Module):
    expansion = 4

    def __init__(self, into, channels, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(into, channels, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.conv3 = nn.Conv2d(channels, 4 * channels, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * channels)
        self.shortcut = shortcut(into, 4 * channels, stride)

    def forward(self, x):
        y = self.bn1(self.conv1(x)).relu()
        y = self.bn2(self.conv2(y)).relu()
        return (self.bn3(self.conv3(y)) + self.shortcut(x)).relu()


def shortcut(into, out, stride):
    if stride == 1 and into == out:
        return nn.Sequential()
    return nn.Sequential(nn.Conv2d(into, out, 1, stride, bias=False), nn.BatchNorm2d(out))


class CifarResNet(nn.Module):
    def __init__(self, block, counts):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        into = 64
        for stage, count in enumerate(counts):
            channels = 64 * 2**stage
            blocks = []
            for i in range(count):
                blocks.append(block(into, channels, 2 if stage > 0 and i == 0 else 1))
                into = channels * block.expansion
            setattr(self, f'layer{stage + 1}', nn.Sequential(*blocks))
        self.linear = nn.Linear(into, 10)

    def forward(self, x):
        x = self.bn1(self.conv1(x)).relu()
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.linear(x.mean((2, 3)))


class WideBlock(nn.Module):
    def __init__(self, into, out, stride):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(into)
        self.conv1 = nn.Conv2d(into, out, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out)
        self.conv2 = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.convShortcut = None if into == out else nn.Conv2d(into, out, 1, stride, bias=False)

    def forward(self, x):
        y = self.bn1(x).relu()
        if self.convShortcut is not None:
            x = self.convShortcut(y)
        return x + self.conv2(self.bn2(self.conv1(y)).relu())


class WideStage(nn.Module):
    def __init__(self, count, into, out, stride):
        super().__init__()
        self.layer = nn.Sequential(
            *(WideBlock(into if i == 0 else out, out, stride if i == 0 else 1) for i in range(count))
        )

    def forward(self, x):
        return self.layer(x)


class WideResNet(nn.Module):
    def __init__(self, depth, width):
        super().__init__()
        count = (depth - 4) // 6
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.block1 = WideStage(count, 16, 16 * width, 1)
        self.block2 = WideStage(count, 16 * width, 32 * width, 2)
        self.block3 = WideStage(count, 32 * width, 64 * width, 2)
        self.bn1 = nn.BatchNorm2d(64 * width)
        self.fc = nn.Linear(64 * width, 10)

    def forward(self, x):
        x = self.block3(self.block2(self.block1(self.conv1(x))))
        return self.fc(self.bn1(x).relu().mean((2, 3)))


class Separable(nn.Module):
    """A depthwise convolution followed by a 1x1 one."""

    def __init__(self, into, out, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(into, into, 3, stride, 1, groups=into, bias=False)
        self.bn1 = nn.BatchNorm2d(into)
        self.conv2 = nn.Conv2d(into, out, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out)

    def forward(self, x):
        return self.bn2(self.conv2(self.bn1(self.conv1(x)).relu())).relu()


class MobileNetV1(nn.Module):
    PLAN = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1)]

    def __init__(self, stride, classes):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 32, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(32)
        channels = [32, *(out for out, _ in self.PLAN)]
        self.layers = nn.Sequential(*(Separable(into, *plan) for into, plan in zip(channels, self.PLAN)))
        self.linear = nn.Linear(1024, classes)

    def forward(self, x):
        x = self.layers(self.bn1(self.conv1(x)).relu())
        return self.linear(x.mean((2, 3)))


def cifar_mobilenet_v2():
    """torchvision's MobileNetV2 without the first two strides."""
    network = torchvision.models.mobilenet_v2(num_classes=10)
    for name in ('features.0.0', 'features.2.conv.1.0'):
        network.get_submodule(name).stride = (1, 1)
    return network


IMAGENET, CIFAR, MNIST = [3, 224, 224], [3, 32, 32], [1, 28, 28]

# The networks for which torchvision publishes weights, by its names.
PUBLISHED = {
    'alexnet': 'alexnet',
    'vgg-16': 'vgg16',
    'vgg-16-bn': 'vgg16_bn',
    'resnet-18-imagenet': 'resnet18',
    'resnet-50-imagenet': 'resnet50',
    'mobilenet-v2-imagenet': 'mobilenet_v2',
}

# The shape of a sample, and a function that makes the network.
MODELS = {
    **{name: (MNIST, make) for name, make in LENETS.items()},
    **{ours: (IMAGENET, torchvision.models.get_model_builder(theirs)) for ours, theirs in PUBLISHED.items()},
    'alexnet-caffe': ([3, 227, 227], AlexNetCaffe),
    'resnet-9': (CIFAR, lambda: CifarResNet(Basic, [1, 1, 1, 1])),
    'resnet-18': (CIFAR, lambda: CifarResNet(Basic, [2, 2, 2, 2])),
    'resnet-34': (CIFAR, lambda: CifarResNet(Basic, [3, 4, 6, 3])),
    'resnet-50': (CIFAR, lambda: CifarResNet(Bottleneck, [3, 4, 6, 3])),
    'mobilenet-v1': (CIFAR, lambda: MobileNetV1(1, 10)),
    'mobilenet-v1-imagenet': (IMAGENET, lambda: MobileNetV1(2, 1000)),
    'mobilenet-v2': (CIFAR, cifar_mobilenet_v2),
    'wrn-16-2': (CIFAR, lambda: WideResNet(16, 2)),
    'wrn-40-1': (CIFAR, lambda: WideResNet(40, 1)),
    'wrn-40-2': (CIFAR, lambda: WideResNet(40, 2)),
}
