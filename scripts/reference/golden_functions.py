# Long: one list of calls, a few lines per function.
"""Makes test/golden/functions.safetensors: what Python's own functions and methods return, including defaults.

golden_operators.py calls libtorch's operators. This calls torch.*, torch.Tensor.* and torch.nn.functional.*, which wrap
them, with broadcasting, several dtypes, default arguments, gradients, and calls that Python rejects.
Metadata: `cases`, a list of {call, args, options?, seed?, outputs | refused, gradients?}.
  call       'functional.mseLoss', 'cat', or 'Tensor.add', a method of the first argument; one that ends in '_' writes
             to a copy of it (or, if 'leaf' is true, to the argument itself)
  args       a tensor is '#' followed by its key, a list of tensors is a list, and a number that JSON lacks is
             '=Infinity'
  options    a last argument, which is an object
  seed       what is passed to manual_seed before the call
  outputs    tensors, truth values or numbers, as in args: a single one, or a list if the call returns several
  refused    Python's message
  gradients  {position: tensor}, of the sum of (output * weight) over the floating-point outputs, where the weight of
             the i-th element is (i % 7 + 1) / 4
Each tensor is stored once, with a number as its key.
"""

import math

import torch
import torch.nn.functional as F

from common import camel_case, fixture_arguments, save_fixture

FLOATS = [torch.float32, torch.float64, torch.float16, torch.bfloat16]
INTEGERS = [torch.int64, torch.int32, torch.uint8]
DTYPES = [*FLOATS, *INTEGERS, torch.bool]

tensors, cases, known = {}, [], {}


def keep(tensor):
    """Returns the key under which the fixture stores the tensor."""
    tensor = tensor.detach().contiguous()
    content = (tensor.dtype, tensor.shape, bytes(tensor.reshape(-1).view(torch.uint8).tolist()))
    if content not in known:
        known[content] = str(len(known))
        tensors[known[content]] = tensor
    return f'#{known[content]}'


def encode(value):
    if torch.is_tensor(value):
        return keep(value)
    if isinstance(value, torch.dtype):
        return str(value).removeprefix('torch.')
    if isinstance(value, (list, tuple)):
        return [encode(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return {math.inf: '=Infinity', -math.inf: '=-Infinity'}.get(value, '=NaN')
    return value


def flat(value):
    if isinstance(value, (list, tuple)):
        return [leaf for each in value for leaf in flat(each)]
    return [value]


def fresh(value):
    """Copies an argument so that its floating-point tensors accumulate gradients."""
    if torch.is_tensor(value):
        return value.clone().requires_grad_(value.is_floating_point())
    return [fresh(each) for each in value] if isinstance(value, list) else value


def weight_like(tensor):
    weights = (torch.arange(tensor.numel()) % 7 + 1) / 4
    return weights.reshape(tensor.shape).to(tensor.dtype)


def run(function, args, options, in_place):
    """Returns (outputs, {position: gradient}) of a call; the latter is None if it is not recorded."""
    inputs = [fresh(value) for value in args]
    given = [inputs[0].clone(), *inputs[1:]] if in_place else inputs
    outputs = flat(function(*given, **options))
    floating = [each for each in outputs if torch.is_tensor(each) and each.requires_grad]
    gradients = {} if floating else None
    if floating:
        sum((each * weight_like(each)).sum() for each in floating).backward()
        for position, value in enumerate(inputs):
            for index, leaf in enumerate(flat(value)):
                if torch.is_tensor(leaf) and leaf.grad is not None:
                    name = f'{position}.{index}' if isinstance(value, list) else str(position)
                    gradients[name] = leaf.grad
    return outputs, gradients


def case(call, *args, function=None, seed=None, leaf=False, **options):
    """Records one call by its TypeScript name; `function` is Python's if the name does not determine it."""
    owner, _, name = call.rpartition('.')
    in_place = name.endswith('_') and not leaf
    if function is None:
        snake = ''.join(f'_{letter.lower()}' if letter.isupper() else letter for letter in name)
        function = getattr({'': torch, 'Tensor': torch.Tensor, 'functional': F}[owner], snake)
    description = {'call': call, 'args': [encode(value) for value in args]}
    if options:
        description['options'] = {camel_case(key): encode(value) for key, value in options.items()}
    if seed is not None:
        description['seed'] = seed
    if leaf:
        description['leaf'] = True
    try:
        if seed is not None:
            torch.manual_seed(seed)
        outputs, gradients = run(function, args, options, in_place)
    except (RuntimeError, ValueError, IndexError, TypeError, AssertionError, NotImplementedError) as error:
        description['refused'] = str(error).splitlines()[0][:60]
    else:
        description['outputs'] = [encode(each) for each in outputs]
        if gradients is not None:
            description['gradients'] = {name: keep(gradient) for name, gradient in gradients.items()}
    # Some dtypes give the same case twice.
    if description not in cases:
        cases.append(description)


def floats(*shape, dtype=torch.float32):
    return torch.randn(shape, dtype=torch.float64).mul(1.5).to(dtype)


def sample(dtype):
    """Returns a vector of the values that matter for the dtype."""
    if dtype == torch.bool:
        return torch.tensor([True, False, True])
    if dtype.is_floating_point:
        ends = [math.inf, -math.inf, math.nan, 0.0, -0.0]
        return torch.tensor([-2.5, -1, -0.5, 0.25, 0.5, 1.5, 3, *ends], dtype=dtype)
    values = [0, 1, 2, 7, 100] if dtype == torch.uint8 else [-3, -1, 0, 1, 2, 7]
    return torch.tensor(values, dtype=dtype)


def matrix(dtype, rows=2, columns=3):
    if dtype == torch.bool:
        return torch.rand(rows, columns) < 0.5
    if dtype.is_floating_point:
        return floats(rows, columns, dtype=dtype)
    return torch.randint(0 if dtype == torch.uint8 else -4, 9, (rows, columns)).to(dtype)


def pointwise():
    for name in (
        'abs neg sign square floor ceil round trunc exp expm1 log log1p log2 sqrt rsqrt reciprocal sin cos erf '
        'sigmoid tanh relu isnan isinf isfinite logicalNot'
    ).split():
        for dtype in DTYPES:
            case(f'Tensor.{name}', sample(dtype))
    for dtype in DTYPES:
        case('Tensor.leakyRelu', sample(dtype), function=F.leaky_relu)
        case('Tensor.elu', sample(dtype), function=F.elu)
        # At infinity, some processors return NaN.
        finite = sample(dtype)
        case('Tensor.gelu', finite[finite.isfinite()], function=F.gelu)
        case('Tensor.silu', sample(dtype), function=F.silu)
        case('Tensor.softplus', sample(dtype), function=F.softplus)
    case('Tensor.leakyRelu', floats(5), 0.3, function=F.leaky_relu)
    case('Tensor.elu', floats(5), 0.7, function=F.elu)
    case('Tensor.gelu', floats(7), function=F.gelu, approximate='tanh')
    case('Tensor.softplus', torch.tensor([-30.0, 19.0, 21.0, 100.0]), function=F.softplus)

    pairs = [(dtype, dtype) for dtype in DTYPES] + [
        (torch.float32, torch.float64),
        (torch.float32, torch.int64),
        (torch.int32, torch.int64),
        (torch.uint8, torch.int32),
        (torch.float16, torch.bfloat16),
        (torch.bfloat16, torch.int64),
        (torch.bool, torch.uint8),
        (torch.bool, torch.float16),
    ]
    arithmetic = 'add sub mul div remainder pow maximum minimum'.split()
    comparisons = 'eq ne lt le gt ge logicalAnd logicalOr logicalXor'.split()
    for name in arithmetic + comparisons:
        for left, right in pairs if name in arithmetic else [pairs[0], pairs[7], *pairs[8:11]]:
            case(f'Tensor.{name}', matrix(left), matrix(right)[:1])
        # In promotion, a tensor without dimensions has lower priority than one with dimensions.
        case(f'Tensor.{name}', matrix(torch.float16), torch.tensor(2.5))
        case(f'Tensor.{name}', matrix(torch.int32)[:, :1], matrix(torch.int32)[:1])
        case(f'Tensor.{name}', floats(2, 3), floats(2))
    for name in 'add sub mul div remainder pow eq ne lt le gt ge'.split():
        for dtype in [torch.float32, torch.float16, torch.int64, torch.uint8, torch.bool]:
            for scalar in [2, 0.5, -1, True]:
                case(f'Tensor.{name}', matrix(dtype), scalar)
    for dtype in [torch.float32, torch.float16, torch.int64]:
        for rounding in ['trunc', 'floor']:
            for other in [matrix(dtype)[:1].abs() + 1, 2, -1.5]:
                case('Tensor.div', matrix(dtype), other, function=divide, rounding=rounding)
        case('Tensor.add', matrix(dtype), matrix(dtype), alpha=2)
        case('Tensor.sub', matrix(dtype), 3, alpha=2)
        case('Tensor.clamp', matrix(dtype), -1, 1)
        case('Tensor.clamp', matrix(dtype), 0.5)
        case('Tensor.clamp', matrix(dtype), None, 1.5)
        case('Tensor.clamp', matrix(dtype))
        case('Tensor.clamp', matrix(dtype), 2, 1)
        case('Tensor.lerp', matrix(dtype), matrix(dtype)[:1], 0.25)
        case('Tensor.addcmul', matrix(dtype), matrix(dtype)[:1], matrix(dtype), value=2)
        case('Tensor.addcmul', matrix(dtype), matrix(dtype)[:1], matrix(dtype), value=0.5)
    case('Tensor.add', matrix(torch.int64), matrix(torch.int64), alpha=0.5)
    case('Tensor.lerp', floats(3), floats(3), 0.75)
    case('Tensor.lerp', floats(3), floats(3).double(), 0.75)
    case('Tensor.clamp', sample(torch.float32), -0.9, 1.1)  # versions differ in the gradient at a bound
    case('Tensor.maximum', sample(torch.float32), sample(torch.float32).flip(0))
    case('Tensor.minimum', sample(torch.float32), sample(torch.float32).flip(0))


def divide(left, other, rounding=None):
    return torch.div(left, other, rounding_mode=rounding)


def in_place():
    a, b = floats(2, 3), floats(3)
    for name in 'add_ sub_ mul_ div_ pow_'.split():
        case(f'Tensor.{name}', a.abs(), b)
        case(f'Tensor.{name}', a, 2)
        case(f'Tensor.{name}', a, b.double())
        case(f'Tensor.{name}', b, a)
        case(f'Tensor.{name}', matrix(torch.int64), 2)
        case(f'Tensor.{name}', matrix(torch.int64), 0.5)
        case(f'Tensor.{name}', matrix(torch.int64), b)
        case(f'Tensor.{name}', a, 2, leaf=True)
    for name in 'abs_ neg_ exp_ sqrt_ relu_ zero_'.split():
        case(f'Tensor.{name}', a.abs() if name == 'sqrt_' else a)
        case(f'Tensor.{name}', matrix(torch.int64))
        case(f'Tensor.{name}', a, leaf=True)
    case('Tensor.add_', a, b, alpha=2)
    case('Tensor.sub_', a, b, alpha=2)
    case('Tensor.lerp_', a, b, 0.25)
    case('Tensor.addcmul_', a, a, b, value=0.5)
    case('Tensor.clamp_', a, -0.5, 0.5)
    case('Tensor.clamp_', matrix(torch.int64), 0.5)
    case('Tensor.fill_', a, 2.5)
    case('Tensor.fill_', matrix(torch.int64), 2.5)
    case('Tensor.copy_', a, b)
    case('Tensor.copy_', a, matrix(torch.int64))
    case('Tensor.copy_', matrix(torch.int64), a)
    case('Tensor.copy_', b, a)
    mask = a > 0
    case('Tensor.maskedFill_', a, mask, 7, function=torch.Tensor.masked_fill_)
    case('Tensor.maskedFill_', a, mask[:1], torch.tensor(7.0), function=torch.Tensor.masked_fill_)
    case('Tensor.maskedFill_', a, mask.to(torch.uint8), 7, function=torch.Tensor.masked_fill_)
    case('Tensor.maskedFill_', matrix(torch.int64), mask, 0.5, function=torch.Tensor.masked_fill_)
    index = torch.tensor([[1, 0, 1]])
    case('Tensor.scatter_', a, 0, index, floats(1, 3), function=torch.Tensor.scatter_)
    case('Tensor.scatter_', a, 0, index, 2.5, function=torch.Tensor.scatter_)
    case('Tensor.scatter_', a, 0, index, floats(1, 3).double(), function=torch.Tensor.scatter_)
    case('Tensor.indexAdd_', a, 0, torch.tensor([1, 1]), floats(2, 3), function=torch.Tensor.index_add_)
    case('Tensor.indexAdd_', a, 0, torch.tensor([1, 2]), floats(2, 3), function=torch.Tensor.index_add_)
    case('Tensor.uniform_', floats(20), seed=3)
    case('Tensor.uniform_', floats(20).double(), -1, 2.5, seed=3)
    case('Tensor.uniform_', floats(3), 2, 1, seed=3)
    case('Tensor.normal_', floats(5), seed=3)
    case('Tensor.normal_', floats(20), 1, 0.5, seed=3)
    case('Tensor.normal_', floats(3), 0, -1, seed=3)
    case('Tensor.bernoulli_', floats(3), 1, seed=3)
    case('Tensor.bernoulli_', floats(3), 1.5, seed=3)


def reductions():
    for name in 'sum mean prod std var norm amax amin max min median all any countNonzero'.split():
        for dtype in DTYPES:
            case(f'Tensor.{name}', matrix(dtype))
    for name in 'sum mean std var amax amin max min median argmax argmin prod all any'.split():
        for dtype in [torch.float32, torch.bfloat16, torch.int64]:
            case(f'Tensor.{name}', matrix(dtype), 1)
            case(f'Tensor.{name}', matrix(dtype), -2, keepdim=True)
    for name in 'sum mean std var amax amin'.split():
        case(f'Tensor.{name}', floats(2, 3, 4), [0, -1])
        case(f'Tensor.{name}', floats(2, 3, 4), [0, 2], keepdim=True)
        case(f'Tensor.{name}', floats(2, 3), [])
        case(f'Tensor.{name}', floats(2, 3), 2)
        case(f'Tensor.{name}', floats(2, 3), [0, 0])
    for name in ['std', 'var']:
        for correction in [0, 1, 2]:
            case(f'Tensor.{name}', floats(2, 4), 1, correction=correction)
        case(f'Tensor.{name}', floats(2, 4), None, correction=0)
        case(f'Tensor.{name}', floats(1))
    for p in [0, 1, 2, 3, math.inf, -math.inf]:
        case('Tensor.norm', floats(2, 3), p)
        case('Tensor.norm', floats(2, 3), p, 1)
    case('Tensor.norm', floats(2, 3, 2), 2, [0, 2], keepdim=True)
    case('Tensor.norm', floats(2, 3).half())
    for dtype in [torch.float32, torch.bfloat16, torch.int64]:
        case('Tensor.logsumexp', matrix(dtype), 1)
        case('Tensor.logsumexp', matrix(dtype), [0, 1], keepdim=True)
        case('Tensor.cumsum', matrix(dtype), 1)
        case('Tensor.cumprod', matrix(dtype), 0)
        case('Tensor.argmax', matrix(dtype))
        case('Tensor.argmin', matrix(dtype))
        case('Tensor.topk', matrix(dtype, 3, 5), 2)
        case('Tensor.topk', matrix(dtype, 3, 5), 2, dim=0, largest=False)
        case('Tensor.kthvalue', matrix(dtype, 3, 5), 2)
        case('Tensor.kthvalue', matrix(dtype, 3, 5), 1, 0, keepdim=True)
        case('Tensor.sort', floats(3, 5).to(dtype))
        case('Tensor.sort', floats(3, 5).to(dtype), 0, descending=True)
        case('Tensor.argsort', floats(3, 5))
        case('Tensor.argsort', floats(3, 5), 0, descending=True)
    case('Tensor.cumsum', matrix(torch.bool), 0)
    ties = torch.tensor([[1.0, 3, 3], [3, 2, 3]])
    for name in 'amax amin max min median'.split():
        case(f'Tensor.{name}', ties)
        case(f'Tensor.{name}', ties, 1)
    nan = torch.tensor([[1.0, math.nan, 2], [0.5, 3, -1]])
    for name in 'sum max min amax median argmax sort all any countNonzero'.split():
        case(f'Tensor.{name}', nan)
    for dtype in [torch.float32, torch.float64, torch.float16, torch.int64]:
        case('Tensor.quantile', matrix(dtype, 2, 5), 0.3)
        case('Tensor.quantile', matrix(dtype, 2, 5), 0.5, 1, keepdim=True)
    case('Tensor.quantile', floats(5), 1.5)
    empty = torch.zeros(0, 3)
    for name in 'sum mean prod max amax argmax all any std median norm countNonzero'.split():
        case(f'Tensor.{name}', empty)
    case('Tensor.sum', empty, 0)
    case('Tensor.max', empty, 0)
    case('Tensor.countNonzero', floats(2, 3), 0)
    case('Tensor.countNonzero', floats(2, 3), [0, 1])
    case('Tensor.topk', floats(3), 4)
    case('Tensor.kthvalue', floats(3), 0)


def shapes():
    a = floats(2, 3, 4)
    case('Tensor.reshape', a, [4, -1])
    case('Tensor.reshape', a, [5, -1])
    case('Tensor.view', a, [6, 4])
    case('Tensor.view', a, [-1])
    case('Tensor.flatten', a)
    case('Tensor.flatten', a, 1)
    case('Tensor.flatten', a, 0, 1)
    case('Tensor.flatten', torch.tensor(2.0))
    case('Tensor.permute', a, [2, 0, 1])
    case('Tensor.permute', a, [0, 0, 1])
    case('Tensor.transpose', a, 0, -1)
    case('Tensor.t', floats(2, 3))
    case('Tensor.t', floats(3))
    case('Tensor.t', a)
    case('Tensor.squeeze', floats(1, 2, 1))
    case('Tensor.squeeze', floats(1, 2, 1), 0)
    case('Tensor.squeeze', floats(1, 2, 1), 1)
    case('Tensor.squeeze', floats(1, 2, 1), [0, 2])
    case('Tensor.unsqueeze', floats(2), -1)
    case('Tensor.expand', floats(1, 3), [2, -1])
    case('Tensor.expand', floats(2, 3), [4, 3])
    case('Tensor.repeat', floats(2), [2, 3])
    case('Tensor.repeat', a, [2])
    case('Tensor.flip', a, [0, 2])
    case('Tensor.roll', a, 5, 2)
    case('Tensor.pad', a, [1, 2], function=F.pad)
    case('Tensor.pad', a, [1, -1, 0, 2], 3.5, function=pad)
    case('Tensor.pad', matrix(torch.int64), [1, 1], 2, function=pad)
    case('Tensor.pad', a, [1], function=F.pad)
    case('Tensor.contiguous', a.transpose(0, 1))
    case('Tensor.clone', a)
    case('Tensor.detach', a)
    case('Tensor.narrow', a, 1, 1, 2)
    case('Tensor.narrow', a, 1, -1, 1)
    case('Tensor.narrow', a, 1, 2, 2)
    case('Tensor.slice', a, 2, function=cut)
    case('Tensor.slice', a, 2, 1, 9, 2, function=cut)
    case('Tensor.slice', a, 2, -3, -1, function=cut)
    case('Tensor.slice', a, 2, None, 2, function=cut)
    case('Tensor.select', a, 1, -1)
    case('Tensor.select', a, 1, 3)
    case('Tensor.indexSelect', a, 1, torch.tensor([2, 0, 2]))
    case('Tensor.indexSelect', a, 1, torch.tensor([2, 0], dtype=torch.int32))
    case('Tensor.indexSelect', a, 1, torch.tensor(1))
    case('Tensor.indexSelect', a, 1, torch.tensor([3]))
    case('Tensor.indexSelect', a, 1, torch.tensor([1.0]))
    case('Tensor.gather', floats(2, 3), 1, torch.tensor([[0, 2], [1, 1]]))
    case('Tensor.gather', floats(2, 3), 1, torch.tensor([[0, 3], [1, 1]]))
    mask = torch.tensor([[True, False, True]])
    case('Tensor.maskedSelect', floats(2, 3), mask)
    case('Tensor.maskedSelect', floats(2, 3), torch.tensor([[1, 0, 1]]))
    case('Tensor.maskedFill', floats(2, 3), mask, -1.5)
    case('Tensor.maskedFill', floats(2, 3), mask, torch.tensor(2.0))
    case('Tensor.maskedFill', matrix(torch.int64), mask, 0.5)
    case('Tensor.maskedFill', floats(3), torch.ones(2, 3, dtype=torch.bool), 1)
    case('Tensor.nonzero', matrix(torch.int64))
    case('Tensor.nonzero', torch.tensor(3.0))
    case('Tensor.tril', floats(3, 3))
    case('Tensor.triu', floats(2, 3, 3), 1)
    case('Tensor.split', floats(5, 2), 2)
    case('Tensor.split', floats(5, 2), [4, 1])
    case('Tensor.split', floats(5, 2), [4, 2])
    case('Tensor.split', floats(2, 5), 3, 1)
    case('Tensor.chunk', floats(5, 2), 3)
    case('Tensor.chunk', floats(2, 5), 2, 1)
    case('Tensor.unbind', floats(2, 3))
    case('Tensor.unbind', floats(2, 3), 1)
    for dtype in DTYPES:
        case('Tensor.to', floats(2, 3).mul(3), dtype)
        case('Tensor.to', matrix(dtype), torch.float32)
        case('Tensor.oneHot', torch.tensor([0, 2, 1]).to(dtype), function=F.one_hot)
    case('Tensor.oneHot', torch.tensor([[0, 2], [1, 1]]), 4, function=F.one_hot)
    case('Tensor.oneHot', torch.tensor([3]), 3, function=F.one_hot)
    case('Tensor.oneHot', torch.tensor([-1]), 3, function=F.one_hot)
    for name in 'double float half bfloat16 long int bool'.split():
        case(f'Tensor.{name}', floats(3))

    case('cat', [floats(2, 3), floats(1, 3)])
    case('cat', [floats(2, 3), floats(2, 1)], 1)
    case('cat', [floats(2, 3), floats(2, 1)], -1)
    case('cat', [floats(2, 3), matrix(torch.int64), floats(1, 3).double()])
    case('cat', [torch.zeros(0), floats(2, 3)])
    case('cat', [])
    case('cat', [floats(2, 3), floats(2, 2)])
    case('stack', [floats(2, 3), floats(2, 3)])
    case('stack', [floats(2, 3), matrix(torch.int64)], -1)
    case('stack', [floats(2, 3), floats(3)])
    case('stack', [])
    for yes, no in [
        (floats(2, 3), floats(3)),
        (floats(2, 3), floats(3).double()),
        (floats(2, 3), matrix(torch.int64)),
        (floats(2, 3), 2),
        (0.5, matrix(torch.int64)),
        (1, matrix(torch.bool)),
        (floats(2, 3).half(), 0.1),
        (1, 0),
        (1.5, 0.5),
        (True, 0.5),
    ]:
        case('where', mask, yes, no)
    case('where', mask.to(torch.uint8), floats(3), floats(3))
    case('where', mask, floats(2), floats(3))


def pad(tensor, borders, value):
    return F.pad(tensor, borders, value=value)


def cut(tensor, dim, start=None, end=None, step=None):
    return tensor[(slice(None),) * dim + (slice(start, end, step),)]


def algebra():
    for left, right in [((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 1, 2, 3), (4, 3, 2)), ((2, 3), (2, 3))]:
        case('Tensor.matmul', floats(*left), floats(*right))
    for dtype in [torch.float64, torch.float16, torch.bfloat16, torch.int64]:
        case('Tensor.matmul', matrix(dtype), matrix(dtype, 3, 2))
        case('Tensor.mm', matrix(dtype), matrix(dtype, 3, 2))
        case('Tensor.dot', matrix(dtype)[0], matrix(dtype)[1])
        case('Tensor.outer', matrix(dtype)[0], matrix(dtype)[1])
    case('Tensor.matmul', floats(2, 3), floats(3, 2).double())
    case('Tensor.mm', floats(2, 3), floats(3, 4))
    case('Tensor.bmm', floats(2, 2, 3), floats(2, 3, 2))
    case('Tensor.bmm', floats(1, 2, 3), floats(2, 3, 2))
    case('Tensor.mv', floats(2, 3), floats(3))
    case('Tensor.dot', floats(4), floats(4))
    case('Tensor.dot', floats(4), floats(3))
    case('Tensor.outer', floats(2), floats(3))
    case('Tensor.addmm', floats(4), floats(2, 3), floats(3, 4))
    case('Tensor.addmm', floats(2, 4), floats(2, 3), floats(3, 4), beta=0.5, alpha=-2)
    case('Tensor.addmm', matrix(torch.int64), matrix(torch.int64), matrix(torch.int64, 3, 3), beta=2)
    case('Tensor.addmm', matrix(torch.int64), matrix(torch.int64), matrix(torch.int64, 3, 3), beta=0.5)
    case('Tensor.trace', floats(3, 3))
    case('Tensor.trace', matrix(torch.int64))
    case('Tensor.inverse', floats(3, 3) + 4 * torch.eye(3))
    case('Tensor.inverse', torch.zeros(2, 2))
    case('Tensor.inverse', floats(2, 3))
    case('einsum', 'ij,jk->ik', floats(2, 3), floats(3, 2))
    case('einsum', 'bij,bjk', floats(2, 2, 3), floats(2, 3, 2))
    case('einsum', 'ii', floats(3, 3))
    case('einsum', '...i,i->...', floats(2, 2, 3), floats(3))
    case('einsum', 'i,j,k->ijk', floats(2), floats(3), floats(2))
    case('einsum', 'ij,jk->ik', floats(2, 3), floats(2, 2))
    case('Tensor.equal', floats(2), floats(2))
    case('Tensor.equal', torch.ones(2), torch.ones(2, dtype=torch.int64))
    case('Tensor.equal', torch.ones(2), torch.ones(1, 2))
    case('Tensor.allclose', torch.ones(2), torch.ones(2) * (1 + 1e-6))
    case('Tensor.allclose', torch.ones(2), torch.ones(2) * (1 + 1e-4))
    case('Tensor.allclose', torch.ones(2), torch.ones(2) * 1.5, rtol=0.4)
    case('Tensor.allclose', torch.tensor([math.nan]), torch.tensor([math.nan]))
    case('Tensor.allclose', torch.tensor([math.nan]), torch.tensor([math.nan]), equal_nan=True)
    case('Tensor.allclose', torch.ones(2), torch.ones(2, dtype=torch.float64))
    case('Tensor.item', torch.tensor(2.5))
    case('Tensor.item', torch.tensor([[3]]))
    case('Tensor.item', torch.ones(2))
    case('Tensor.item', torch.ones(0))


def losses():
    reductions = ['mean', 'sum', 'none']
    for function in ['mseLoss', 'l1Loss']:
        for reduction in reductions:
            case(f'functional.{function}', floats(2, 3), floats(2, 3), reduction=reduction)
            case(f'functional.{function}', floats(3, 1), floats(3), reduction=reduction)
            case(f'functional.{function}', floats(3), floats(2, 3), reduction=reduction)
        for dtype in DTYPES:
            case(f'functional.{function}', matrix(dtype), matrix(dtype))
        case(f'functional.{function}', floats(2, 3), floats(2, 3).double())
        case(f'functional.{function}', floats(2, 3), matrix(torch.int64))
        case(f'functional.{function}', floats(2, 3), floats(2))
        case(f'functional.{function}', floats(0), floats(0))
        case(f'functional.{function}', torch.tensor(2.0), torch.tensor(1.5))
    for dtype in [torch.float64, torch.float16, torch.bfloat16, torch.int64]:
        case('functional.crossEntropy', matrix(dtype, 3, 4), torch.tensor([2, 0, 3]))
        case('functional.nllLoss', matrix(dtype, 3, 4), torch.tensor([2, 0, 3]))
        case('functional.binaryCrossEntropyWithLogits', matrix(dtype), torch.rand(2, 3).to(dtype))
    weight = torch.tensor([0.5, 1, 2, 0.25])
    for reduction in reductions:
        for function, make in [('crossEntropy', floats), ('nllLoss', lambda *s: floats(*s).log_softmax(-1))]:
            case(f'functional.{function}', make(3, 4), torch.tensor([2, 0, 3]), reduction=reduction)
            weighted = dict(weight=weight, ignore_index=3, reduction=reduction)
            case(f'functional.{function}', make(3, 4), torch.tensor([2, 0, 3]), **weighted)
            case(f'functional.{function}', make(4), torch.tensor(2), reduction=reduction)
            case(f'functional.{function}', make(4), torch.tensor(2), **weighted)
            classes = torch.tensor([[0, 1, 2], [3, 3, -100]])
            case(f'functional.{function}', make(2, 4, 3), classes, reduction=reduction)
            case(f'functional.{function}', make(1, 4, 2, 1), torch.tensor([[[1], [3]]]), reduction=reduction)
        smooth = dict(label_smoothing=0.1, reduction=reduction)
        case('functional.crossEntropy', floats(3, 4), torch.tensor([2, 0, -100]), weight=weight, **smooth)
        case('functional.crossEntropy', floats(3, 4), floats(3, 4).softmax(1), weight=weight, **smooth)
        logits = 'functional.binaryCrossEntropyWithLogits'
        case(logits, floats(2, 3), torch.rand(2, 3), reduction=reduction)
        case(logits, floats(2, 3), torch.rand(2, 3), weight=torch.rand(3), reduction=reduction)
    case(logits, floats(3, 1), torch.rand(3))
    case(logits, floats(2, 3), torch.rand(3))
    case(logits, floats(2, 3), torch.rand(2, 3).double())
    case(logits, floats(2, 3), torch.ones(2, 3, dtype=torch.int64))
    for function in ['crossEntropy', 'nllLoss']:
        case(f'functional.{function}', floats(3, 4), torch.tensor([2, 0, 4]))
        case(f'functional.{function}', floats(3, 4), torch.tensor([2, 0]))
        case(f'functional.{function}', floats(3, 4), torch.tensor([2, 0, 1], dtype=torch.int32))
        case(f'functional.{function}', floats(3, 4), torch.tensor([2, 0, 1], dtype=torch.uint8))
        case(f'functional.{function}', floats(3, 4), torch.tensor([-100, -100, -100]))
        case(f'functional.{function}', floats(0, 4), torch.zeros(0, dtype=torch.int64))
        case(f'functional.{function}', floats(3, 4), torch.tensor([2, 0, 3]), weight=weight[:2])
    case('functional.crossEntropy', floats(3, 4), torch.tensor([2, 0, 3]), label_smoothing=1.5)
    for dtype in DTYPES:
        case('Tensor.softmax', matrix(dtype), 1)
        case('Tensor.logSoftmax', matrix(dtype), -2)
    case('Tensor.softmax', floats(2, 3), 2)
    case('Tensor.softmax', torch.tensor([-math.inf, 1.0]), 0)
    case('Tensor.softmax', torch.tensor([-math.inf, -math.inf]), 0)


def layers():
    case('functional.linear', floats(2, 3), floats(4, 3))
    case('functional.linear', floats(2, 3), floats(4, 3), floats(4))
    case('functional.linear', floats(3), floats(4, 3), floats(4))
    case('functional.linear', floats(2, 2, 3), floats(4, 3), floats(4))
    case('functional.linear', floats(2, 3), floats(3))
    case('functional.linear', floats(2, 3), floats(4, 2))
    case('functional.linear', floats(2, 3), floats(4, 3).double())
    for dtype in [torch.float64, torch.float16, torch.bfloat16, torch.int64]:
        case('functional.linear', matrix(dtype), matrix(dtype, 4, 3), matrix(dtype, 1, 4)[0])

    image, weight, bias = floats(1, 2, 4, 5), floats(3, 2, 2, 3), floats(3)
    convolve = 'functional.conv2d'
    case(convolve, image, weight)
    case(convolve, image, weight, bias, stride=2, padding=1)
    case(convolve, image, weight, bias, stride=[2, 1], padding=[0, 1], dilation=[1, 2])
    case(convolve, image[0], weight, bias)
    case(convolve, image, weight, bias, padding='same')
    case(convolve, image, weight, bias, padding='same', dilation=2)
    case(convolve, image, weight, bias, padding='valid')
    case(convolve, image, weight, bias, padding='same', stride=2)
    case(convolve, image, floats(4, 1, 2, 2), None, groups=2)
    case(convolve, image, floats(4, 1, 2, 2), None, groups=3)
    case(convolve, image, floats(3, 3, 2, 2))
    case(convolve, image, floats(3, 2, 5, 2))
    case(convolve, floats(4, 5), weight)
    case(convolve, image, weight, None, stride=0)
    for dtype in [torch.float64, torch.bfloat16, torch.int64]:
        case(convolve, image.to(dtype), weight.to(dtype), bias.to(dtype))

    pooled = floats(1, 2, 4, 5)
    for name, function in [('maxPool2d', F.max_pool2d), ('avgPool2d', F.avg_pool2d)]:
        pool = dict(function=function)
        call = f'functional.{name}'
        case(call, pooled, 2, **pool)
        case(call, pooled[0], 2, **pool)
        case(call, pooled, [2, 3], **pool)
        case(call, pooled, 3, stride=1, padding=1, **pool)
        case(call, pooled, 2, ceil_mode=True, **pool)
        case(call, pooled, 3, stride=[2, 1], padding=1, ceil_mode=True, **pool)
        case(call, pooled, 2, padding=2, **pool)
        case(call, pooled, 6, **pool)
        case(call, floats(4, 5), 2, **pool)
        for dtype in [torch.float64, torch.float16, torch.bfloat16, torch.int64]:
            case(call, floats(1, 4, 4).to(dtype), 2, **pool)
    case('functional.maxPool2d', pooled, 2, dilation=2, stride=1, function=F.max_pool2d)
    case('functional.maxPool2d', torch.tensor([[[1.0, math.nan], [2, 1]]]), 2, function=F.max_pool2d)
    case('functional.avgPool2d', pooled, 3, padding=1, count_include_pad=False, function=F.avg_pool2d)
    adaptive = dict(function=F.adaptive_avg_pool2d)
    case('functional.adaptiveAvgPool2d', pooled, 1, **adaptive)
    case('functional.adaptiveAvgPool2d', pooled, [3, 2], **adaptive)
    case('functional.adaptiveAvgPool2d', pooled[0], 2, **adaptive)
    case('functional.adaptiveAvgPool2d', floats(4, 5), 2, **adaptive)

    case('functional.dropout', floats(2, 3), p=0.5, training=False)
    case('functional.dropout', floats(2, 3), training=False)
    case('functional.dropout', floats(2, 3), p=0.0)
    case('functional.dropout', floats(2, 3), p=1.0)
    case('functional.dropout', floats(2, 3), p=1.5)
    case('functional.dropout', floats(2, 3), p=1.5, training=False)
    case('functional.dropout', floats(2, 3), p=-0.5)

    normalize = dict(function=F.layer_norm)
    case('functional.layerNorm', floats(2, 5), [5], **normalize)
    case('functional.layerNorm', floats(2, 3, 4), [3, 4], **normalize)
    case('functional.layerNorm', floats(2, 5), [5], weight=floats(5), **normalize)
    case('functional.layerNorm', floats(2, 5), [5], weight=floats(5), bias=floats(5), eps=0.1, **normalize)
    case('functional.layerNorm', floats(2, 5), [4], **normalize)
    case('functional.layerNorm', floats(2, 5), [5], weight=floats(4), **normalize)
    for dtype in [torch.float64, torch.float16, torch.bfloat16, torch.int64]:
        case('functional.layerNorm', matrix(dtype, 2, 5), [5], **normalize)

    call = 'functional.batchNorm'
    mean, var = floats(3), floats(3).abs() + 0.5
    inputs, scale = floats(4, 3), dict(weight=floats(3), bias=floats(3))
    running = dict(running_mean=mean, running_var=var)
    case(call, inputs, function=batch_norm, **running)
    case(call, inputs, function=batch_norm, **running, **scale, eps=0.1)
    case(call, inputs, function=batch_norm, training=True)
    case(call, inputs, function=batch_norm, training=True, **scale)
    case(call, floats(2, 3, 2, 2), function=batch_norm, training=True, **scale)
    case(call, inputs.double(), function=batch_norm, training=True)
    case(call, inputs, function=batch_norm)
    # If each channel has only one value, there is no variance.
    case(call, floats(1, 3), function=batch_norm, training=True)
    case(call, floats(1, 3, 1, 1), function=batch_norm, training=True, **scale)
    case(call, floats(1, 3, 2, 1), function=batch_norm, training=True)
    case(call, floats(1, 3), function=batch_norm, **running)
    case(call, inputs, function=batch_norm, training=True, eps=0.0)
    case(call, inputs, function=batch_norm, **running, eps=0.0)
    case(call, inputs, function=batch_norm, **running, eps=-0.1)
    case(call, inputs, function=batch_norm, running_mean=mean[:2], running_var=var)

    table, names = floats(4, 3), torch.tensor([[0, 3], [1, 1]])
    call = 'functional.embedding'
    case(call, table, names, function=look_up)
    case(call, table, names.int(), function=look_up)
    case(call, table, torch.tensor(2), function=look_up)
    case(call, table, torch.tensor([4]), function=look_up)
    case(call, table, torch.tensor([-1]), function=look_up)
    case(call, table, names.float(), function=look_up)
    case(call, table, names, padding_index=1, function=look_up)
    case(call, table, names, padding_index=0, function=look_up)
    case(call, table, names, padding_index=-1, function=look_up)
    case(call, table, names, padding_index=-3, function=look_up)
    case(call, table, names, padding_index=4, function=look_up)
    case(call, table, names, padding_index=-5, function=look_up)


def batch_norm(tensor, running_mean=None, running_var=None, **options):
    return F.batch_norm(tensor, running_mean, running_var, **options)


def look_up(table, names, padding_index=None):
    return F.embedding(names, table, padding_idx=padding_index)


def factories():
    for name in 'zeros ones'.split():
        case(name, [2, 3])
        case(name, [])
        for dtype in DTYPES:
            case(name, [2], dtype=dtype)
    case('full', [2], 1.5)
    case('full', [2], 1.5, dtype=torch.int64)
    case('full', [2], True, dtype=torch.bool)
    case('arange', 1, 2, 0.25)
    case('arange', 5, dtype=torch.float32)
    case('arange', 1, 5, 1, dtype=torch.int64)
    case('arange', 5, 1, -2, dtype=torch.float32)
    case('arange', 5, 1, 1, dtype=torch.float32)
    case('linspace', 0, 1, 5)
    case('linspace', 3, -3, 20, dtype=torch.float64)
    case('linspace', 0, 1, 1)
    case('eye', 2)
    case('eye', 2, 3, dtype=torch.int64)
    for dtype in [torch.float32, torch.bfloat16, torch.int64, torch.bool]:
        for name in 'zerosLike onesLike'.split():
            case(name, matrix(dtype))
            case(name, matrix(dtype), dtype=torch.float64)
        case('fullLike', matrix(dtype), 2)
    case('fullLike', matrix(torch.int64), 2.5)
    for shape in [[3], [20]]:
        for dtype in [torch.float32, torch.float64, torch.bfloat16]:
            case('rand', shape, dtype=dtype, seed=5)
            case('randn', shape, dtype=dtype, seed=5)
        case('randLike', torch.zeros(shape), seed=5)
        case('randnLike', torch.zeros(shape), seed=5)
        case('randint', -3, 9, shape, seed=5)
        case('randint', -3, 9, shape, dtype=torch.float32, seed=5)
    case('randint', 3, 3, [2], seed=5)
    case('randperm', 12, seed=5)
    case('randperm', 5, dtype=torch.float32, seed=5)


def main():
    arguments = fixture_arguments(__doc__)
    torch.manual_seed(0)
    for group in [pointwise, in_place, reductions, shapes, algebra, losses, layers, factories]:
        torch.manual_seed(len(group.__name__))
        group()
    print(f'{len(cases)} cases, {sum("refused" in each for each in cases)} of them refused')
    save_fixture(arguments.out / 'functions.safetensors', tensors, {'cases': cases})


if __name__ == '__main__':
    main()
