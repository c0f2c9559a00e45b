"""Makes test/golden/operators.safetensors: the common tensor operators on tiny inputs, with gradients for some.

Metadata: `cases`, a list of {id, op, schema, args, kwargs, outputs, gradients?, cotangent?}.
  op         'aten::add.Tensor'
  args       its leading arguments in the schema's order; `kwargs` are those by name; arguments that are left out have
             the schema's default. A tensor is {"tensor": key}, a list of tensors is a list of those, a dtype is
             {"dtype": "int64"}
  outputs    keys of the expected tensors: one, or several for an operator that returns several
  gradients  {argument: key}: the gradients of sum(output * cotangent), where cotangent is a key
Tensors: `<id>.<argument>` (`.0`, `.1` ... for a list), `<id>.out` (`.out.0`, `.out.1` ...), `<id>.cotangent`,
`<id>.gradient.<argument>`. Truth values are BOOL.
"""

import math

import torch

from common import fixture_arguments, save_fixture


def normal(*shape):
    return torch.randn(shape)


def positive(*shape):
    return torch.rand(shape) + 0.5


def integers(high, *shape):
    return torch.randint(high, shape)


def truths(*shape):
    return torch.rand(shape) < 0.5


def make_cases():
    """Lists (id, operator, args, kwargs, wants gradients). The part of an ID after '/' distinguishes variants."""
    cases = []

    def case(operator, *args, variant='', gradient=False, **kwargs):
        cases.append((operator + (f'/{variant}' if variant else ''), operator, args, kwargs, gradient))

    # pointwise
    case('add.Tensor', normal(2, 3), normal(3), alpha=2, gradient=True)
    case('sub.Tensor', normal(2, 3), normal(2, 1))
    case('mul.Tensor', normal(2, 3), normal(2, 3), gradient=True)
    case('mul.Scalar', normal(2, 3), -1.5)
    case('div.Tensor', normal(2, 3), positive(2, 3), gradient=True)
    case('pow.Tensor_Scalar', normal(5), 3)
    case('neg', normal(5))
    case('abs', normal(5))
    case('sign', torch.tensor([-2.0, 0.0, 3.0]))
    case('exp', normal(5))
    case('log', positive(5))
    case('sqrt', positive(5))
    case('square', normal(5))
    case('reciprocal', positive(5))
    case('sigmoid', normal(5))
    case('tanh', normal(5))
    case('floor', normal(5))
    case('round', torch.tensor([-1.5, -0.5, 0.5, 1.5, 2.4]))
    case('clamp', normal(6), -0.5, 0.5)
    case('maximum', normal(4), normal(4))
    case('minimum', normal(4), normal(4))
    case('where.self', truths(2, 3), normal(2, 3), normal(2, 3))
    case('masked_fill.Scalar', normal(2, 3), truths(2, 3), 0, gradient=True)
    case('isnan', torch.tensor([1.0, math.nan, math.inf]))
    case('isfinite', torch.tensor([1.0, math.nan, math.inf]))

    # comparison and logic
    for name in ['eq', 'ne', 'lt', 'le', 'gt', 'ge']:
        case(f'{name}.Tensor', integers(3, 6).float(), integers(3, 6).float())
    case('gt.Scalar', normal(5), 0.25)
    case('logical_and', truths(6), truths(6))
    case('logical_or', truths(6), truths(6))
    case('logical_not', truths(6))

    # reductions
    case('sum', normal(2, 3))
    case('sum.dim_IntList', normal(2, 3, 4), [0, 2])
    case('sum.dim_IntList', normal(2, 3, 4), [-1], True, variant='keepdim')
    case('sum', truths(2, 3), variant='bool')
    case('mean', normal(2, 3))
    case('mean.dim', normal(2, 3, 4), [1], True, gradient=True)
    case('std', normal(2, 5), False)
    case('std.dim', normal(2, 5), [1], True, True)
    case('var', normal(2, 5), False)
    case('amax', normal(3, 4), [1])
    case('amin', normal(3, 4), [0], True)
    case('max', normal(3, 4))
    case('min', normal(3, 4))
    case('max.dim', normal(3, 4), 1)
    case('argmax', normal(3, 4), 1)
    case('argmin', normal(3, 4))
    case('prod', positive(4))
    case('all', truths(3))
    case('any', truths(3))
    case('count_nonzero', integers(2, 3, 4).float())
    case('cumsum', normal(3, 4), 1)
    case('linalg_vector_norm', normal(2, 3), 2)
    case('topk', normal(2, 6), 3)
    case('sort', normal(2, 5), 1, True)
    case('kthvalue', normal(2, 5), 2)
    case('quantile.scalar', normal(9), 0.4)

    # shape and selection
    case('reshape', normal(2, 6), [3, -1])
    case('flatten.using_ints', normal(2, 3, 2), 1)
    case('permute', normal(2, 3, 4), [2, 0, 1])
    case('transpose.int', normal(2, 3), 0, 1)
    case('t', normal(2, 3))
    case('squeeze.dim', normal(2, 1, 3), 1)
    case('unsqueeze', normal(2, 3), -1)
    case('expand', normal(1, 3), [2, 3])
    case('cat', [normal(2, 2), normal(1, 2)], gradient=True)
    case('stack', [normal(2, 2), normal(2, 2)], 1)
    case('narrow', normal(4, 3), 0, 1, 2)
    case('select.int', normal(3, 4), 1, -1)
    case('slice.Tensor', normal(6, 2), 0, 1, 6, 2)
    case('index_select', normal(4, 3), 0, torch.tensor([3, 0, 3]), gradient=True)
    case('gather', normal(3, 4), 1, integers(4, 3, 2))
    case('masked_select', normal(2, 3), truths(2, 3))
    case('flip', normal(2, 3), [1])
    case('repeat', normal(1, 2), [2, 2])
    case('nonzero', integers(2, 2, 4).float())
    case('to.dtype', torch.tensor([-1.7, 0.0, 2.9]), torch.int64)

    # linear algebra
    case('matmul', normal(2, 3), normal(3, 4), gradient=True)
    case('matmul', normal(2, 2, 3), normal(2, 3, 2), variant='batched')
    case('mm', normal(2, 3), normal(3, 2))
    case('bmm', normal(2, 2, 3), normal(2, 3, 2))
    case('addmm', normal(4), normal(2, 3), normal(3, 4), beta=0.5, alpha=2)
    case('dot', normal(5), normal(5))
    case('outer', normal(2), normal(3))

    # networks
    case('linear', normal(2, 3), normal(4, 3), normal(4), gradient=True)
    case('linear', normal(2, 3), normal(4, 3), variant='no-bias')
    case('conv2d', normal(2, 3, 5, 5), normal(4, 3, 3, 3), normal(4), [1, 1], [1, 1], gradient=True)
    case('conv2d', normal(1, 4, 6, 6), normal(6, 2, 3, 3), None, [2, 2], [1, 1], [1, 1], 2, variant='groups')
    case('conv2d', normal(1, 2, 7, 7), normal(2, 2, 3, 3), None, [1, 1], [0, 0], [2, 2], variant='dilation')
    case('max_pool2d', normal(1, 2, 4, 4), [2, 2], gradient=True)
    case('max_pool2d', normal(1, 1, 5, 5), [3, 3], [2, 2], [1, 1], variant='padding')
    case('avg_pool2d', normal(1, 2, 4, 4), [2, 2])
    case('adaptive_avg_pool2d', normal(2, 2, 4, 4), [1, 1])
    case('relu', normal(2, 4), gradient=True)
    case('leaky_relu', normal(5), 0.1)
    case('gelu', normal(5))
    case('silu', normal(5))
    case('softmax.int', normal(2, 4), 1)
    case('log_softmax.int', normal(2, 4), -1, gradient=True)
    case('nll_loss', normal(3, 4), torch.tensor([0, 3, 1]))
    case('cross_entropy_loss', normal(3, 4), torch.tensor([2, 0, 3]), gradient=True)
    smoothing = [None, 1, -100, 0.1]
    case('cross_entropy_loss', normal(3, 4), torch.tensor([2, 0, 3]), *smoothing, variant='label-smoothing')
    case('mse_loss', normal(2, 3), normal(2, 3))
    case('binary_cross_entropy_with_logits', normal(4), torch.tensor([0.0, 1.0, 1.0, 0.0]))
    case('layer_norm', normal(2, 5), [5], normal(5), normal(5), gradient=True)
    statistics = [normal(3), normal(3), normal(3), positive(3)]
    case('batch_norm', normal(2, 3, 2, 2), *statistics, False, 0.1, 1e-5, True, variant='eval')
    case('one_hot', torch.tensor([0, 2, 1]), 3)
    case('embedding', normal(4, 3), torch.tensor([[0, 3], [1, 1]]))
    case('pad', normal(1, 2, 2), [1, 0, 0, 1])
    return cases


def encode(value, key, tensors):
    """Converts an argument to JSON, and adds its tensors to `tensors`."""
    if torch.is_tensor(value):
        tensors[key] = value
        return {'tensor': key}
    if isinstance(value, torch.dtype):
        return {'dtype': str(value).removeprefix('torch.')}
    if isinstance(value, list):
        return [encode(each, f'{key}.{index}', tensors) for index, each in enumerate(value)]
    return value


def require_gradients(value):
    """Copies an argument so that every floating-point tensor in it is a leaf that accumulates gradients."""
    if isinstance(value, list):
        return [require_gradients(each) for each in value]
    return value.requires_grad_() if torch.is_tensor(value) and value.is_floating_point() else value


def leaves(key, value):
    """Returns (key, tensor) for every tensor in an argument that accumulates gradients."""
    if isinstance(value, list):
        return [leaf for index, each in enumerate(value) for leaf in leaves(f'{key}.{index}', each)]
    return [(key, value)] if torch.is_tensor(value) and value.requires_grad else []


def record(case_id, operator, args, kwargs, wants_gradients, tensors):
    """Runs one case. Returns its description, and adds its tensors to `tensors`."""
    name, _, overload = operator.partition('.')
    function = getattr(getattr(torch.ops.aten, name), overload or 'default')
    names = [argument.name for argument in function._schema.arguments]
    if wants_gradients:
        args = [require_gradients(value) for value in args]
    result = function(*args, **kwargs)
    several = not torch.is_tensor(result)
    outputs = (
        {f'{case_id}.out.{i}': each for i, each in enumerate(result)}
        if several
        else {f'{case_id}.out': result}
    )
    description = {
        'id': case_id,
        'op': f'aten::{operator}',
        'schema': str(function._schema),
        'args': [encode(value, f'{case_id}.{key}', tensors) for key, value in zip(names, args, strict=False)],
        'kwargs': kwargs,
        'outputs': list(outputs),
    }
    tensors.update(outputs)
    if wants_gradients:
        description['cotangent'] = f'{case_id}.cotangent'
        tensors[description['cotangent']] = cotangent = torch.randn_like(result)
        (result * cotangent).sum().backward()
        inputs = [leaf for key, value in zip(names, args, strict=False) for leaf in leaves(key, value)]
        description['gradients'] = {key: f'{case_id}.gradient.{key}' for key, _ in inputs}
        tensors.update({f'{case_id}.gradient.{key}': leaf.grad for key, leaf in inputs})
    return description


def main():
    arguments = fixture_arguments(__doc__)
    torch.manual_seed(0)
    tensors = {}
    cases = [record(*case, tensors) for case in make_cases()]
    assert len({case['id'] for case in cases}) == len(cases), 'two cases have the same id'
    save_fixture(arguments.out / 'operators.safetensors', tensors, {'cases': cases})


if __name__ == '__main__':
    main()
