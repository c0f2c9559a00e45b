/** What a pickle may contain here: plain values, containers, and the caller's results of the calls that it allows. */
export type PickleValue<Made> =
  | null
  | boolean
  | number
  | bigint
  | string
  | PickleList<Made>
  | PickleTuple<Made>
  | PickleDict<Made>
  | PickleGlobal
  | PickleOpaque
  | Made

/** A Python list. */
export interface PickleList<Made> {
  readonly kind: 'list'
  readonly items: PickleValue<Made>[]
}
/** A Python tuple. */
export interface PickleTuple<Made> {
  readonly kind: 'tuple'
  readonly items: readonly PickleValue<Made>[]
}
/** A Python dict. */
export interface PickleDict<Made> {
  readonly kind: 'dict'
  readonly entries: Map<PickleValue<Made>, PickleValue<Made>>
}
/** A Python class or function, represented only by its name: `'torch._utils._rebuild_tensor_v2'`. */
export interface PickleGlobal {
  readonly kind: 'global'
  readonly name: string
}

/** A Python object that is skipped: only the name of what would have made it is known. */
export interface PickleOpaque {
  readonly kind: 'opaque'
  readonly name: string
}

/** Whether a value is of a certain kind; it narrows the type for the compiler. */
export function isKind<Made, K extends 'list' | 'tuple' | 'dict' | 'global' | 'opaque'>(
  value: PickleValue<Made> | undefined,
  kind: K,
): value is Extract<
  PickleList<Made> | PickleTuple<Made> | PickleDict<Made> | PickleGlobal | PickleOpaque,
  { kind: K }
> {
  return typeof value === 'object' && value !== null && (value as { kind: unknown }).kind === kind
}
