// Compiled, never run: what the types of tensors promise, and what they refuse.
import { cat, where } from '../../lib/tensor/combine.js'
import { ones, randint, zeros } from '../../lib/tensor/factories.js'
import { tensor } from '../../lib/tensor/from.js'
import { crossEntropy } from '../../lib/tensor/functional.js'
import type { Tensor } from '../../lib/tensor/tensor.js'

/** Whether two types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
declare function same<A, B>(yes: Same<A, B>): void

export function factories(): void {
  const plain = zeros([1])
  same<typeof plain, Tensor<'float32'>>(true)
  const whole = randint(0, 3, [2])
  same<typeof whole, Tensor<'int64'>>(true)
  const half = zeros([1], { dtype: 'float16' })
  same<typeof half, Tensor<'float16'>>(true)
  const flags = tensor([true])
  same<typeof flags, Tensor<'bool'>>(true)
  const numbers = tensor([[1, 2]], { requiresGrad: true })
  same<typeof numbers, Tensor<'float32'>>(true)
  const large = tensor([1n])
  same<typeof large, Tensor<'int64'>>(true)
  const doubles = tensor(new Float64Array(3))
  same<typeof doubles, Tensor<'float64'>>(true)
  // @ts-expect-error: no such dtype
  zeros([1], { dtype: 'float' })
  // @ts-expect-error: no such device
  zeros([1], { device: 'gpu' })
  // @ts-expect-error: strings are no elements
  tensor(['1'])
}

export function operators(x: Tensor<'float32'>, i: Tensor<'int64'>, unknown: Tensor): void {
  const compared = x.gt(0)
  same<typeof compared, Tensor<'bool'>>(true)
  const index = x.argmax(1)
  same<typeof index, Tensor<'int64'>>(true)
  const sum = x.add(1).mul(x).sum(0, { keepdim: true })
  same<typeof sum, Tensor<'float32'>>(true)
  const quotient = i.div(2)
  same<typeof quotient, Tensor<'float32'>>(true)
  const total = compared.sum()
  same<typeof total, Tensor<'int64'>>(true)
  const mixed = x.mul(compared)
  same<typeof mixed, Tensor>(true)
  const best = x.max(1)
  same<typeof best.indices, Tensor<'int64'>>(true)
  const cast = unknown.to('float64')
  same<typeof cast, Tensor<'float64'>>(true)
  const bits = x.half().data()
  same<typeof bits, Uint16Array<ArrayBuffer>>(true)
  const wide = i.data()
  same<typeof wide, BigInt64Array<ArrayBuffer>>(true)
  const joined = cat([x, x])
  same<typeof joined, Tensor<'float32'>>(true)
  where(compared, x, 0)
  crossEntropy(x, i)
  // A tensor of some dtype is a tensor.
  const some: Tensor = x
  some.add(unknown)
  // @ts-expect-error: and not the other way round
  const none: Tensor<'float32'> = unknown
  void none
  // @ts-expect-error: masks are bool
  x.maskedFill(x, 0)
  // @ts-expect-error: products need one dtype
  x.matmul(i)
  // @ts-expect-error: the other operand is missing
  x.add()
}

export function hooks(weight: Tensor<'float32'>): void {
  weight.registerHook((gradient) => gradient.mul(2))
  weight.registerHook((gradient) => {
    console.log(gradient.shape)
  })
  using hook = weight.registerHook(() => ones([1]))
  hook.remove()
  // @ts-expect-error: a hook is synchronous
  weight.registerHook(async (gradient) => gradient)
}
