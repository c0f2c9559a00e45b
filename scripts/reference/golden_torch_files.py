"""Makes test/golden/torch/: small files as torch.save writes them, and some that must be rejected.

Read:
  tensors.pt         every dtype, a scalar, an empty tensor, views of one storage, strides, a parameter
  tensors.safetensors  the same tensors, contiguous: the expected result
  protocol4.pt       the same, pickled with protocol 4
  big_endian.pt      the same, as written by a big-endian machine
  checkpoint.pt      a state dict inside a training checkpoint, next to an optimizer's state
  legacy.pt          tensors.pt as torch.save wrote it before PyTorch 1.6; legacy_checkpoint.pt is checkpoint.pt
                     likewise
  metrics.pt         checkpoint.pt's state dict next to a NumPy number, an argparse.Namespace and a path
  prefixed.pt        checkpoint.pt's state dict under 'module._orig_mod.', as in a compiled nn.DataParallel
  pruned.pt          a network with weights and a bias masked by torch.nn.utils.prune; pruned.safetensors: the products
Rejected by name:
  system.pt          calls os.system; eval.pt builtins.eval; hidden.pt os.system where a checkpoint has its epoch
  object.pt          calls os.system with protocol 0's INST
  module.pt          a whole network; array.pt: a NumPy array; script.pt: TorchScript
  expanded.pt        a tensor that repeats its elements; tensor.pt: no dictionary; epoch.pt: a number among tensors
"""

import argparse
import io
import os
import pathlib
import pickle
import zipfile
from collections import OrderedDict

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn.utils import prune

from common import fixture_arguments


class Calls:
    """Pickles as a call to a function, which plain unpickling would run."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


def tensors():
    ramp = torch.arange(6).reshape(2, 3)
    state = OrderedDict(
        (f'{dtype}'.removeprefix('torch.'), (ramp - 2).to(dtype))
        for dtype in (
            torch.float64, torch.float32, torch.float16, torch.bfloat16,
            torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool,
        )
    )  # fmt: skip
    state['scalar'] = torch.tensor(0.5)
    state['empty'] = torch.zeros(0, 4)
    base = torch.arange(24, dtype=torch.float32)
    state['base'] = base
    state['offset'] = base[5:9]
    state['transposed'] = base.reshape(4, 6).t()
    state['permuted'] = base.reshape(2, 3, 4).permute(2, 0, 1)
    state['stepped'] = base.reshape(4, 6)[::2, 1::3]
    state['parameter'] = nn.Parameter(torch.tensor([1.0, -1.0]))
    state['häßlich 名'] = torch.tensor([7], dtype=torch.int8)
    return state


def saved(value, **options):
    file = io.BytesIO()
    torch.save(value, file, **options)
    return file.getvalue()


def rewritten(archive, change):
    """Returns the archive with every record passed through change(name, bytes)."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as source, zipfile.ZipFile(out, 'w') as target:
        for info in source.infolist():
            record = change(info.filename, source.read(info))
            target.writestr(zipfile.ZipInfo(info.filename), record)
    return out.getvalue()


def big_endian(state):
    """The byte order depends on the machine that saves, so the records are swapped by hand."""
    sizes, seen = {}, []
    for tensor in state.values():
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in seen or storage.nbytes() == 0:
            sizes[str(len(sizes))] = tensor.element_size()
            seen.append(storage.data_ptr())

    def change(name, record):
        folder, _, key = name.rpartition('/')
        if name.endswith('/byteorder'):
            return b'big'
        if not folder.endswith('/data'):
            return record
        size = sizes[key]
        return b''.join(record[i : i + size][::-1] for i in range(0, len(record), size))

    return rewritten(saved(state), change)


def with_pickle(data):
    """Makes an archive whose pickle is `data`."""
    return rewritten(saved({}), lambda name, record: data if name.endswith('/data.pkl') else record)


def trained():
    layers = {'conv': nn.Conv2d(1, 2, 2), 'bn': nn.BatchNorm2d(2), 'flatten': nn.Flatten(), 'fc': nn.Linear(2, 3)}
    network = nn.Sequential(OrderedDict(layers))
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
    network(torch.randn(4, 1, 2, 2)).sum().backward()
    optimizer.step()
    return {
        'epoch': 3,
        'arch': 'small',
        'state_dict': network.state_dict(),
        'best_acc1': 0.5,
        'best': None,
        'huge': 2**70,
        'done': True,
        'optimizer': optimizer.state_dict(),
        'milestones': [30, 60, (1, -1)],
    }


def masked():
    network = nn.Sequential(OrderedDict(fc1=nn.Linear(6, 5), relu=nn.ReLU(), fc2=nn.Linear(5, 3)))
    prune.l1_unstructured(network.fc1, 'weight', amount=0.6)
    prune.l1_unstructured(network.fc2, 'weight', amount=0.5)
    prune.l1_unstructured(network.fc2, 'bias', amount=1)
    return network


def script():
    file = io.BytesIO()
    torch.jit.save(torch.jit.script(nn.Linear(2, 2)), file)
    return file.getvalue()


def main():
    arguments = fixture_arguments(__doc__)
    torch.manual_seed(0)
    folder = arguments.out / 'torch'
    folder.mkdir(parents=True, exist_ok=True)
    state = tensors()
    checkpoint = trained()
    pruned = masked()
    call = Calls(os.system, 'echo this must not run >&2')
    files = {
        'tensors': saved(state),
        'protocol4': saved(state, pickle_protocol=4),
        'big_endian': big_endian(state),
        'checkpoint': saved(checkpoint),
        'system': with_pickle(pickle.dumps(call, 2)),
        'eval': with_pickle(pickle.dumps({'weight': Calls(eval, '1 + 1')}, 4)),
        'hidden': saved({'epoch': call, 'state_dict': {'weight': torch.ones(2)}}),
        'object': with_pickle(b'(X\x04\x00\x00\x00trueios\nsystem\n.'),
        'module': saved(nn.Linear(2, 2)),
        'array': saved({'weight': torch.ones(2).numpy()}),
        'script': script(),
        'legacy': saved(state, _use_new_zipfile_serialization=False),
        'legacy_checkpoint': saved(checkpoint, _use_new_zipfile_serialization=False),
        'metrics': saved({
            'state_dict': checkpoint['state_dict'],
            'best_acc': np.float64(0.9),
            'args': argparse.Namespace(lr=0.1, layers=[1, 2]),
            'path': pathlib.PosixPath('runs/1'),
        }),
        'prefixed': saved({f'module._orig_mod.{key}': value for key, value in checkpoint['state_dict'].items()}),
        'pruned': saved(pruned.state_dict()),
        'expanded': saved({'weight': torch.ones(1).expand(1000)}),
        'tensor': saved(torch.ones(2)),
        'epoch': saved({'weight': torch.ones(2), 'epoch': 3}),
    }
    for name, data in files.items():
        (folder / f'{name}.pt').write_bytes(data)
    contiguous = {key: tensor.detach().clone(memory_format=torch.contiguous_format) for key, tensor in state.items()}
    save_file(contiguous, folder / 'tensors.safetensors')
    save_file(
        {key: tensor.clone() for key, tensor in trained_state(folder / 'checkpoint.pt').items()},
        folder / 'checkpoint.safetensors',
    )
    for module, name in ((pruned.fc1, 'weight'), (pruned.fc2, 'weight'), (pruned.fc2, 'bias')):
        prune.remove(module, name)
    save_file(pruned.state_dict(), folder / 'pruned.safetensors')
    print(f'{folder}: {len(files)} files, {sum(map(len, files.values()))} bytes')


def trained_state(path):
    return torch.load(path, weights_only=True)['state_dict']


if __name__ == '__main__':
    main()
