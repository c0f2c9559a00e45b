import { TorchPruneError } from '../base/errors.js'
import { shown } from '../base/shown.js'
import { loadAddon } from '../binding/addon.js'
import type { OperatorArgument, TensorHandle } from '../binding/native.js'

export type Scalar = number | bigint | boolean

/** A tensor, as far as calls go. */
export abstract class Holder {
  /** @internal */
  abstract handleFor(operation: string): TensorHandle
}

/** No operator takes a longer list; a longer array would be copied for seconds before it is refused. */
const LONGEST_LIST = 2 ** 20

/** What an operator takes; `undefined` stands for its schema's default. */
export type Argument =
  | Holder
  | Scalar
  | string
  | undefined
  | readonly (Holder | number | boolean | undefined)[]

interface Operator {
  call(...values: OperatorArgument[]): unknown
  /** What lib/ calls it: `masked_fill.Scalar` is maskedFill. */
  readonly operation: string
}

const found = new Map<string, Operator>()

/**
 * Calls the operator of libtorch that is named `name.overload` in the aten namespace, with its schema's
 * arguments in order.
 *
 * @returns handles, numbers and booleans as they come: an array where the schema has several results.
 */
export function invoke(operator: string, ...values: Argument[]): unknown {
  const { call, operation } = find(operator)
  const handles = values.map((value) => toNative(value, operation))
  try {
    return call(...handles)
  } catch (error) {
    throw error instanceof TorchPruneError ? located(error, operator, operation) : error
  }
}

/** `invoke` for the operators that return one tensor. */
export function invokeTensor(operator: string, ...values: Argument[]): TensorHandle {
  return invoke(operator, ...values) as TensorHandle
}

/** `invokeTensor` as a job, for tensors that an event loop cannot wait for; what comes out is no part of a graph. */
export async function invokeLater(operator: string, ...values: Argument[]): Promise<TensorHandle> {
  const { operation } = find(operator)
  const [name = operator, overload = ''] = operator.split('.')
  const handles = values.map((value) => toNative(value, operation))
  try {
    return (await loadAddon().operatorStart(`aten::${name}`, overload, ...handles).promise) as TensorHandle
  } catch (error) {
    throw error instanceof TorchPruneError ? located(error, operator, operation) : error
  }
}

function find(operator: string): Operator {
  let known = found.get(operator)
  if (known === undefined) {
    const [name = operator, overload = ''] = operator.split('.')
    const operation = name.replace(/(?<=[a-z0-9])_([a-z])/g, (_, letter: string) => letter.toUpperCase())
    known = { call: loadAddon().operator(`aten::${name}`, overload), operation }
    found.set(operator, known)
  }
  return known
}

function toNative(value: Argument, operation: string): OperatorArgument {
  if (value instanceof Holder) return value.handleFor(operation)
  // What has another type than promised goes on as it is: the schema's check names the argument.
  if (!Array.isArray(value)) return value as OperatorArgument
  if (value.length > LONGEST_LIST) {
    throw new TorchPruneError('ERR_ARGUMENT', `${operation}: an argument is ${shown(value)}: too long a list`)
  }
  return value.map((each) => (each instanceof Holder ? each.handleFor(operation) : each))
}

/** The error with the operation's name before it, unless libtorch has put it there, and the fix after it. */
function located(error: TorchPruneError, operator: string, operation: string): TorchPruneError {
  const [name] = operator.split('.')
  const named = new RegExp(`^(${operation}|${name})(\\(\\))?:`).test(error.message)
  const where = named ? error.message : `${operation}: ${error.message}`
  if (!error.message.includes('leaf Variable that requires grad')) {
    return new TorchPruneError(error.code, where, { cause: error })
  }
  const what = `${operation}: a leaf that requires a gradient cannot be written to`
  return new TorchPruneError('ERR_ARGUMENT', `${what}: do it inside noGrad()`, { cause: error })
}
