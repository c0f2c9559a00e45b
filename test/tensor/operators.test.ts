import { expect } from 'chai'

import { zeros } from '../../lib/tensor/factories.js'
import { tensor } from '../../lib/tensor/from.js'
import { type Argument, type OperatorResult, operator } from '../../lib/tensor/operator.js'
import { scope } from '../../lib/tensor/scope.js'
import type { Tensor } from '../../lib/tensor/tensor.js'
import { expectClose } from '../support/close.js'
import { device } from '../support/device.js'
import { readGolden } from '../support/golden.js'
import { refusal } from '../support/refusal.js'
import { roundingOf } from '../support/tolerance.js'
import { METHODS } from './methods.js'

type Encoded = { tensor: string } | { dtype: string } | number | boolean | null | Encoded[]

interface Case {
  id: string
  op: string
  schema: string
  args: Encoded[]
  kwargs: Record<string, Encoded>
  outputs: string[]
  cotangent?: string
  gradients?: Record<string, string>
}

type Call = (...values: Argument[]) => OperatorResult

const golden = readGolden<{ cases: Case[] }>('operators')

/** 'aten::sum.dim_IntList(Tensor self, int[1]? dim, …) -> Tensor' names self, dim, … */
function argumentNames(schema: string): string[] {
  const [, list = ''] = /\((.*)\) -> /.exec(schema) ?? []
  const plain = list.replace(/\([^)]*\)|\[[^\]]*\]/g, '').split(', ')
  return plain.filter((part) => part !== '*').map((part) => /(\w+)(=.*)?$/.exec(part)![1]!)
}

/** The arguments in the schema's order, and the tensors among them by the fixture's names. */
function prepare({ schema, args, kwargs, gradients }: Case): {
  values: Argument[]
  tensors: Map<string, Tensor>
} {
  const tensors = new Map<string, Tensor>()
  const decode = (value: Encoded, name: string): Argument => {
    if (Array.isArray(value)) return value.map((part, i) => decode(part, `${name}.${i}`)) as Argument
    if (value === null) return undefined
    if (typeof value !== 'object') return value
    if ('dtype' in value) return value.dtype
    const made = golden.tensor(value.tensor)
    if (gradients?.[name] !== undefined) made.requiresGrad_()
    tensors.set(name, made)
    return made
  }
  const names = argumentNames(schema)
  const values = args.map((value, i) => decode(value, names[i]!))
  for (const [name, value] of Object.entries(kwargs)) values[names.indexOf(name)] = decode(value, name)
  return { values: Array.from(values), tensors }
}

function check(each: Case, call: Call): void {
  scope(() => {
    const { values, tensors } = prepare(each)
    const rounding = roundingOf(each.op)
    const outputs = [call(...values)].flat() as Tensor[]
    expect(outputs).to.have.length(each.outputs.length)
    for (const [i, key] of each.outputs.entries()) expectClose(outputs[i]!, golden.tensor(key), key, rounding)
    if (each.gradients === undefined) return
    outputs[0]!.backward(golden.tensor(each.cotangent!))
    for (const [name, key] of Object.entries(each.gradients)) {
      expectClose(tensors.get(name)!.grad!, golden.tensor(key), key, 'sum')
    }
  })
}

describe('operators', () => {
  describe('by the name of libtorch, as PyTorch computes them', () => {
    for (const each of golden.fixture.cases) {
      it(each.id, () => check(each, operator(each.op)))
    }
  })

  describe('as methods and functions, as PyTorch computes them', () => {
    for (const each of golden.fixture.cases) {
      it(each.id, () => {
        const method = METHODS[each.op.replace('aten::', '')]
        expect(method, `no method for ${each.op}`).to.not.equal(undefined)
        check(each, method as Call)
      })
    }
  })

  describe('that write in place', () => {
    const make = () => tensor([1, -2, 4], { device })
    const cases: [string, (a: Tensor) => Tensor, number[]][] = [
      ['add_', (a) => a.add_(make(), { alpha: 2 }), [3, -6, 12]],
      ['sub_', (a) => a.sub_(1), [0, -3, 3]],
      ['mul_', (a) => a.mul_(make()), [1, 4, 16]],
      ['div_', (a) => a.div_(2), [0.5, -1, 2]],
      ['pow_', (a) => a.pow_(2), [1, 4, 16]],
      ['lerp_', (a) => a.lerp_(zeros([3], { device }), 0.5), [0.5, -1, 2]],
      ['addcmul_', (a) => a.addcmul_(make(), make(), { value: 0.5 }), [1.5, 0, 12]],
      ['clamp_', (a) => a.clamp_(-1, 2), [1, -1, 2]],
      ['abs_', (a) => a.abs_(), [1, 2, 4]],
      ['neg_', (a) => a.neg_(), [-1, 2, -4]],
      ['exp_', (a) => a.zero_().exp_(), [1, 1, 1]],
      ['sqrt_', (a) => a.abs_().mul_(make().abs()).sqrt_(), [1, 2, 4]],
      ['relu_', (a) => a.relu_(), [1, 0, 4]],
      ['fill_', (a) => a.fill_(7), [7, 7, 7]],
      ['zero_', (a) => a.zero_(), [0, 0, 0]],
      ['copy_', (a) => a.copy_(tensor([5n], { device })), [5, 5, 5]],
      ['maskedFill_', (a) => a.maskedFill_(a.lt(0), 9), [1, 9, 4]],
      ['scatter_', (a) => a.scatter_(0, tensor([1n], { device }), 8), [1, 8, 4]],
      [
        'indexAdd_',
        (a) => a.indexAdd_(0, tensor([0n, 0n], { device }), tensor([1, 1], { device })),
        [3, -2, 4],
      ],
      ['bernoulli_', (a) => a.bernoulli_(1), [1, 1, 1]],
      ['uniform_', (a) => a.uniform_(3, 3), [3, 3, 3]],
      ['normal_', (a) => a.normal_(2, 0), [2, 2, 2]],
    ]
    for (const [name, write, expected] of cases) {
      it(`${name} changes the tensor itself and returns it`, () => {
        scope(() => {
          const a = make()
          const view = a.reshape([3, 1])
          expect(write(a)).to.equal(a)
          expect(a.toArray()).to.deep.equal(expected)
          expect(view.flatten().toArray()).to.deep.equal(expected)
        })
      })
    }
  })

  describe('refuse, in one line with a code,', () => {
    const cases: [string, string, () => unknown][] = [
      ['shapes that do not broadcast', 'ERR_SHAPE', () => zeros([2]).add(zeros([3]))],
      ['matrices that do not fit', 'ERR_SHAPE', () => zeros([2, 3]).mm(zeros([2, 3]))],
      ['a reshape to another count', 'ERR_SHAPE', () => zeros([4]).reshape([3])],
      ['an operand that is no tensor', 'ERR_ARGUMENT', () => zeros([2]).add({} as never)],
      ['an operand that is missing', 'ERR_ARGUMENT', () => zeros([2]).mul(undefined as never)],
      ['a fraction for a dimension', 'ERR_ARGUMENT', () => zeros([2]).select(0.5, 0)],
      ['an index out of range', 'ERR_SHAPE', () => zeros([2, 3]).select(0, 5)],
      ['products of different dtypes', 'ERR_DTYPE', () => zeros([2]).dot(zeros([2]).double() as never)],
      ['an operator that does not exist', 'ERR_ARGUMENT', () => operator('aten::no_such_thing')()],
      ['too many arguments', 'ERR_ARGUMENT', () => operator('aten::neg')(zeros([1]), 1)],
      ['2^50 elements', 'ERR_MEMORY', () => zeros([2 ** 50])],
      ['2^93 elements', 'ERR_MEMORY', () => zeros([2 ** 31, 2 ** 31, 2 ** 31])],
      [
        'an expansion to 2^50 copied',
        'ERR_MEMORY',
        () =>
          zeros([1])
            .expand([2 ** 50])
            .clone()
            .add(1),
      ],
      ['a size beyond 2^53', 'ERR_ARGUMENT', () => zeros([2 ** 60])],
      ['a negative size', 'ERR_SHAPE', () => zeros([-1])],
    ]
    for (const [what, code, attempt] of cases) {
      it(what, () => {
        const { code: actual, message } = scope(() => refusal(attempt))
        expect(actual, message).to.equal(code)
      })
    }
  })
})
