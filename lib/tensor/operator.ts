import { text } from '../base/kind.js'
import { type Argument, invoke } from './invoke.js'
import { Tensor } from './tensor.js'

export type { Argument } from './invoke.js'

/** The result of an operator: a tensor, a plain value, or several of them. */
export type OperatorResult = Tensor | number | boolean | undefined | OperatorResult[]

/**
 * Calls any operator of libtorch, including those without a method here: `operator('aten::erfinv')(x)`,
 * `operator('aten::add.Tensor')(a, b, 2)`. It takes the arguments in the order of its schema, and `undefined` stands
 * for a default. Dtypes and devices are given as strings.
 *
 * This is libtorch's own operator, without what PyTorch's Python functions do before it (`functional` does that):
 * `aten::mse_loss` has a wrong gradient for shapes that broadcast, and `aten::embedding` treats a negative padding
 * index as none.
 *
 * @throws TorchPruneError `ERR_ARGUMENT` if libtorch has no such operator, or the arguments do not fit.
 */
export function operator(name: string): (...values: Argument[]) => OperatorResult {
  const own = text.read(name, 'operator: name').replace(/^aten::/, '')
  return (...values) => wrapAll(invoke(own, ...values))
}

function wrapAll(result: unknown): OperatorResult {
  if (Array.isArray(result)) return result.map(wrapAll)
  return typeof result === 'object' ? Tensor.wrap(result as never) : (result as number | boolean | undefined)
}
