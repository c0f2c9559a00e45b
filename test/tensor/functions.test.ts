import { expect } from 'chai'

import { versions } from '../../lib/binding/versions.js'
import * as api from '../../lib/tensor/index.js'
import { scope } from '../../lib/tensor/scope.js'
import { Tensor } from '../../lib/tensor/tensor.js'
import { expectClose } from '../support/close.js'
import { readGolden } from '../support/golden.js'
import { refusal } from '../support/refusal.js'
import { roundingOf } from '../support/tolerance.js'

/** As scripts/reference/golden_functions.py writes it. */
type Encoded = number | boolean | string | null | Encoded[]

interface Case {
  readonly call: string
  readonly args: Encoded[]
  readonly options?: Record<string, Encoded>
  readonly seed?: number
  readonly leaf?: boolean
  readonly outputs?: Encoded[]
  readonly refused?: string
  readonly gradients?: Record<string, string>
}

// On the CPU even where tests have a GPU: its random numbers are others, and an index out of range ends its context.
const golden = readGolden<{ cases: Case[] }>('functions', 'cpu')
const { cases } = golden.fixture
const calls = [...new Set(cases.map(({ call }) => call))]

type Callable = (...values: unknown[]) => unknown
const functions = { ...api, functional: undefined, Tensor: undefined } as unknown as Record<string, Callable>
const layers = api.functional as unknown as Record<string, Callable>
const methods = Tensor.prototype as unknown as Record<string, Callable>

function decode(value: Encoded): unknown {
  if (Array.isArray(value)) return value.map(decode)
  if (value === null) return undefined
  if (typeof value !== 'string') return value
  if (value.startsWith('#')) return golden.tensor(value.slice(1))
  return value.startsWith('=') && Number(value.slice(1)) !== 0 ? Number(value.slice(1)) : value
}

/**
 * Whether libtorch is older than the one that made the fixture. 2.11 draws other random numbers in bfloat16, and refuses
 * gradients of a mean squared error between two dtypes.
 */
const OLDER = versionOf(versions().libtorch) < versionOf('2.13')

/** 2013 of `'2.13.0+cpu'`. */
function versionOf(text: string): number {
  const [major, minor] = text.split('.').map(Number)
  return major! * 1000 + minor!
}

/** Whether `error` is an older libtorch's refusal of the gradients of a mean squared error between two dtypes. */
function refusesMixed({ call, args }: Case, error: unknown): boolean {
  if (!OLDER || call !== 'functional.mseLoss') return false
  const dtypes = scope(() => args.map((value) => (decode(value) as Tensor).dtype))
  return new Set(dtypes).size > 1 && /^Found dtype \w+ but expected \w+/.test((error as Error).message)
}

/** Expects any random numbers of a uniform or a normal distribution. */
function expectDrawn(output: Tensor, expected: Tensor, call: string): void {
  expect(output.shape).to.deep.equal(expected.shape)
  expect(output.dtype).to.equal(expected.dtype)
  const [least, most] = call === 'rand' ? [0, 1] : [-6, 6]
  expect(output.amin().item()).to.be.at.least(least)
  expect(output.amax().item()).to.be.at.most(most)
}

/** The call itself, on tensors that gather gradients; what it gives, in a row. */
function perform({ call, options, seed, leaf }: Case, inputs: unknown[]): unknown[] {
  const [owner, name] = call.includes('.') ? (call.split('.') as [string, string]) : ['', call]
  const rest = options === undefined ? inputs : [...inputs, decodeAll(options)]
  if (seed !== undefined) api.manualSeed(seed)
  if (owner !== 'Tensor') return flat((owner === '' ? functions : layers)[name]!(...rest))
  const [own, ...others] = rest as [Tensor]
  const receiver = name.endsWith('_') && !leaf ? own.clone() : own
  return flat(methods[name]!.apply(receiver, others))
}

function decodeAll(options: Record<string, Encoded>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(options).map(([key, value]) => [key, decode(value)]))
}

function flat(result: unknown): unknown[] {
  if (Array.isArray(result)) return result.flatMap(flat)
  return result instanceof Tensor || typeof result !== 'object' ? [result] : Object.values(result!)
}

function differentiable(inputs: unknown): void {
  for (const each of [inputs].flat(2)) {
    if (each instanceof Tensor && /float/.test(each.dtype)) each.requiresGrad_()
  }
}

/** The tensors among the arguments, by the reference's positions. */
function positioned(inputs: readonly unknown[]): [position: string, input: Tensor][] {
  return inputs
    .flatMap((input, i) =>
      Array.isArray(input)
        ? input.map((part, j): [string, unknown] => [`${i}.${j}`, part])
        : [[String(i), input] as [string, unknown]],
    )
    .filter((pair): pair is [string, Tensor] => pair[1] instanceof Tensor)
}

/** What the reference weighs each output with before it takes gradients. */
function weighted(output: Tensor): Tensor {
  const weights = Array.from({ length: output.numel }, (_, i) => ((i % 7) + 1) / 4)
  return output.mul(api.tensor(weights).reshape(output.shape).to(output.dtype)).sum()
}

function check(each: Case): void {
  const inputs = each.args.map(decode)
  differentiable(inputs)
  if (each.refused !== undefined) {
    refusal(() => perform(each, inputs))
    return
  }
  const rounding = roundingOf(each.call.replace(/^.*\./, ''))
  const outputs = perform(each, inputs)
  expect(outputs).to.have.length(each.outputs!.length)
  for (const [i, output] of outputs.entries()) {
    const expected = decode(each.outputs![i]!)
    const drawn = OLDER && each.options?.dtype === 'bfloat16' && /^randn?$/.test(each.call)
    if (drawn) expectDrawn(output as Tensor, expected as Tensor, each.call)
    else if (expected instanceof Tensor)
      expectClose((output as Tensor).detach(), expected, `output ${i}`, rounding)
    else expect(output).to.equal(expected)
  }
  const recorded = outputs.filter(
    (output): output is Tensor => output instanceof Tensor && output.requiresGrad,
  )
  expect(recorded.length > 0, 'it has gradients').to.equal(each.gradients !== undefined)
  if (recorded.length === 0) return
  recorded
    .map(weighted)
    .reduce((sum, next) => sum.add(next))
    .backward()
  for (const [position, input] of positioned(inputs)) {
    const key = each.gradients![position]
    const what = `the gradient of argument ${position}`
    if (key === undefined) expect(input.grad, what).to.equal(undefined)
    else expectClose(input.grad!, decode(key) as Tensor, what, rounding === 'convolution' ? rounding : 'sum')
  }
}

describe('functions and methods give what those of Python give, or refuse as they do:', () => {
  for (const call of calls) {
    it(call, () => {
      for (const each of cases.filter((other) => other.call === call)) {
        try {
          scope(() => check(each))
        } catch (error) {
          if (refusesMixed(each, error)) continue
          const { args, options } = each
          const shown = scope(() => args.map((value) => String(decode(value))).join(', '))
          ;(error as Error).message =
            `${call}(${shown}, ${JSON.stringify(options)}): ${(error as Error).message}`
          throw error
        }
      }
    })
  }

  it('all but those that have no twin there, or are tested by themselves', () => {
    const names = (prototype: object): string[] => {
      const parent = Object.getPrototypeOf(prototype) as object | null
      return parent === null ? [] : [...Object.getOwnPropertyNames(prototype), ...names(parent)]
    }
    const isCall = (owner: object, name: string) =>
      typeof Object.getOwnPropertyDescriptor(owner, name)?.value === 'function'
    const own = [...new Set(names(methods))].filter((name) => {
      let owner: object | null = methods
      while (owner !== null && !Object.hasOwn(owner, name))
        owner = Object.getPrototypeOf(owner) as object | null
      return owner !== null && owner !== Object.prototype && isCall(owner, name)
    })
    const exported = [
      ...own.map((name) => `Tensor.${name}`),
      ...Object.keys(layers).map((name) => `functional.${name}`),
      ...Object.keys(functions).filter((name) => isCall(functions, name)),
    ]
    const inherited = 'constructor apply applyInPlace applyMany query wrap handleFor dispose'
    const bytes = 'data toArray toString cpu cuda'
    const gradients = 'backward registerHook requiresGrad_'
    const elsewhere = [
      // The signs of its vectors are the processor's.
      ...`${inherited} ${bytes} ${gradients} svd`.split(' ').map((name) => `Tensor.${name}`),
      ...'empty emptyLike tensor operator manualSeed getRngState setRngState'.split(' '),
      ...'scope keep noGrad enableGrad synchronize'.split(' '),
    ]
    const missing = exported.filter((name) => !calls.includes(name))
    expect(missing.sort()).to.deep.equal(elsewhere.sort())
  })
})
