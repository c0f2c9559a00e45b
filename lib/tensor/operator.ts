import { text } from '../base/kind.js'
import { type Argument, invoke } from './invoke.js'
import { Tensor } from './tensor.js'

export type { Argument } from './invoke.js'

/** What an operator gives: a tensor, a plain value, or several of them. */
export type OperatorResult = Tensor | number | boolean | undefined | OperatorResult[]

/**
 * Any operator of libtorch, also those without a method here: `operator('aten::erfinv')(x)`,
 * `operator('aten::add.Tensor')(a, b, 2)`. It takes the arguments of its schema in order; `undefined` stands
 * for a default. Dtypes and devices are named by strings.
 *
 * This is libtorch's own operator, without what PyTorch's Python functions do before it (`functional` does
 * that): `aten::mse_loss` of shapes that broadcast has a wrong gradient, `aten::embedding` takes a negative
 * padding index for none.
 *
 * @throws TorchPruneError `ERR_ARGUMENT` where libtorch has no such operator, or arguments do not fit.
 */
export function operator(name: string): (...values: Argument[]) => OperatorResult {
  const own = text.read(name, 'operator: name').replace(/^aten::/, '')
  return (...values) => wrapAll(invoke(own, ...values))
}

function wrapAll(result: unknown): OperatorResult {
  if (Array.isArray(result)) return result.map(wrapAll)
  return typeof result === 'object' ? Tensor.wrap(result as never) : (result as number | boolean | undefined)
}
