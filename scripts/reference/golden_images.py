"""Makes test/golden/images/all/ (small images) and test/golden/images.safetensors (what torchvision makes of them).

Needs torchvision. Keys: `centre.<file>` uint8 [3, 32, 32] is Resize(40) and CenterCrop(32); `crop.<seed>.<file>` is
RandomResizedCrop(32) and RandomHorizontalFlip with the random numbers of native/data/random.h, for the sample's
position among the files sorted by name; `window.<seed>.<file>` is Resize(40), RandomCrop(32) and the flip.
"""

import math

import numpy as np
import torch
import torchvision
from common import fixture_arguments, save_fixture
from PIL import Image
from torchvision.transforms import functional as F

SIZE, RESIZE = 32, 40
SEEDS = [0, 7]
MASK = (1 << 64) - 1


def picture(width, height, seed):
    """Draws shapes with sharp edges on a gradient, so that a shift by one pixel shows."""
    y, x = np.mgrid[0:height, 0:width]
    rng = np.random.default_rng(seed)
    channels = []
    for _ in range(3):
        a, b, c, d = rng.integers(1, 9, 4)
        wave = 60 * np.sin(x * a / width * 3 + y * b / height * 2)
        blocks = 50 * ((x * c // max(width, 8) + y * d // max(height, 8)) % 2)
        channels.append(np.clip(90 + wave + blocks, 0, 255))
    return Image.fromarray(np.stack(channels, -1).astype(np.uint8))


def write_pictures(folder):
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        path.unlink()
    rgb = picture(97, 61, 1)
    rgb.save(folder / 'colour.jpg', quality=80)
    picture(61, 97, 2).save(folder / 'tall.jpg', quality=80, subsampling=0)
    picture(150, 100, 3).save(folder / 'half.jpg', quality=75, subsampling=1)
    picture(90, 70, 4).save(folder / 'progressive.jpg', quality=70, progressive=True)
    picture(80, 64, 5).convert('L').save(folder / 'grey.jpg', quality=80)
    picture(72, 56, 6).convert('CMYK').save(folder / 'inks.jpg', quality=80)
    picture(5, 3, 7).save(folder / 'tiny.jpg', quality=90)
    picture(1, 1, 8).save(folder / 'pixel.jpg')
    picture(12, 140, 9).save(folder / 'thin.jpg', quality=70)
    exif = Image.Exif()
    exif[0x0112] = 6
    picture(66, 44, 10).save(folder / 'turned.jpg', quality=75, exif=exif)
    picture(60, 45, 11).save(folder / 'plain.png', optimize=True)
    translucent = picture(48, 50, 12)
    translucent.putalpha(Image.fromarray((np.mgrid[0:50, 0:48][1] * 5).astype(np.uint8)))
    translucent.save(folder / 'translucent.png', optimize=True)
    picture(50, 41, 13).quantize(16).save(folder / 'palette.png', optimize=True)
    picture(52, 43, 14).convert('L').save(folder / 'grey.png', optimize=True)
    # The extension of a name has no meaning.
    picture(55, 42, 15).save(folder / 'misnamed.jpeg', format='PNG', optimize=True)


class SampleRandom:
    """The random numbers of native/data/random.h."""

    STEP = 0x9E3779B97F4A7C15

    def __init__(self, seed, sample):
        self.state = self.mix(self.mix((seed + self.STEP) & MASK) ^ sample)

    @staticmethod
    def mix(z):
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return z ^ (z >> 31)

    def next(self):
        self.state = (self.state + self.STEP) & MASK
        return self.mix(self.state)

    def uniform(self, low, high):
        return low + (self.next() >> 11) * 2.0**-53 * (high - low)

    def below(self, count):
        return self.next() * count >> 64

    def coin(self):
        return self.next() >> 63 == 1


def resized_crop_box(width, height, random):
    """Works like torchvision.transforms.RandomResizedCrop.get_params, with these random numbers."""
    low, high = 3 / 4, 4 / 3
    for _ in range(10):
        area = width * height * random.uniform(0.08, 1)
        ratio = math.exp(random.uniform(math.log(low), math.log(high)))
        w, h = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if 0 < w <= width and 0 < h <= height:
            top = random.below(height - h + 1)
            left = random.below(width - w + 1)
            return top, left, h, w
    w, h = width, height
    if width / height < low:
        h = round(width / low)
    elif width / height > high:
        w = round(height * high)
    return (height - h) // 2, (width - w) // 2, h, w


def pixels(image, flip=False):
    return F.pil_to_tensor(F.hflip(image) if flip else image)


def main():
    arguments = fixture_arguments(__doc__)
    folder = arguments.out / 'images' / 'all'
    write_pictures(folder)
    names = sorted(path.name for path in folder.iterdir())
    tensors = {}
    for index, name in enumerate(names):
        # This works like torchvision's pil_loader.
        image = Image.open(folder / name).convert('RGB')
        resized = F.resize(image, RESIZE)
        tensors[f'centre.{name}'] = pixels(F.center_crop(resized, SIZE))
        for seed in SEEDS:
            random = SampleRandom(seed, index)
            box = resized_crop_box(*image.size, random)
            crop = F.resized_crop(image, *box, [SIZE, SIZE])
            tensors[f'crop.{seed}.{name}'] = pixels(crop, random.coin())
            random = SampleRandom(seed, index)
            left = random.below(resized.size[0] - SIZE + 1)
            top = random.below(resized.size[1] - SIZE + 1)
            window = F.crop(resized, top, left, SIZE, SIZE)
            tensors[f'window.{seed}.{name}'] = pixels(window, random.coin())
    description = {'torchvision': torchvision.__version__, 'size': SIZE, 'resize': RESIZE, 'seeds': SEEDS, 'files': names}
    save_fixture(arguments.out / 'images.safetensors', tensors, description)


if __name__ == '__main__':
    main()
