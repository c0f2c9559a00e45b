import { TorchPruneError } from '../base/errors.js'
import { shown } from '../base/shown.js'
import { loadAddon } from '../binding/addon.js'
import type { OperatorArgument, TensorHandle } from '../binding/native.js'

/** A plain value as an argument of an operator. */
export type Scalar = number | bigint | boolean

/** A tensor, as far as calls are concerned. */
export abstract class Holder {
  /** @internal */
  abstract handleFor(operation: string): TensorHandle
}

/**
 * No operator takes a longer list; without this limit, copying a longer array would take seconds before it is rejected.
 */
const LONGEST_LIST = 2 ** 20

/** An argument of an operator; `undefined` stands for the default in its schema. */
export type Argument =
  | Holder
  | Scalar
  | string
  | undefined
  | readonly (Holder | number | boolean | undefined)[]

interface Operator {
  call(...values: OperatorArgument[]): unknown
  /** The name that lib/ uses for it: `masked_fill.Scalar` is maskedFill. */
  readonly operation: string
}

const found = new Map<string, Operator>()

/**
 * Calls the libtorch operator `name.overload` of the aten namespace, with the arguments in the order of its schema.
 *
 * @returns handles, numbers and booleans as they are; an array if the schema has several results.
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

/** Works like `invoke`, for operators that return one tensor. */
export function invokeTensor(operator: string, ...values: Argument[]): TensorHandle {
  return invoke(operator, ...values) as TensorHandle
}

/**
 * Works like `invokeTensor`, but as a job, for tensors that are too large for the event loop to wait for. The result is
 * not part of a graph.
 */
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
  // A value of an unexpected type is passed on as it is: the schema's check names the argument.
  if (!Array.isArray(value)) return value as OperatorArgument
  if (value.length > LONGEST_LIST) {
    throw new TorchPruneError(
      'ERR_ARGUMENT',
      `${operation}: an argument is ${shown(value)}, which is too long`,
    )
  }
  return value.map((each) => (each instanceof Holder ? each.handleFor(operation) : each))
}

/** Adds the operation's name at the front of the error, unless libtorch has done so, and how to fix it at the end. */
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
