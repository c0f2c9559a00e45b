import type { DType } from '../base/dtype.js'
import { quoted, refuse } from '../base/files.js'
import { product } from '../base/lists.js'
import { tensorBytes } from './header.js'
import { type PickleHost, unpickle } from './pickle.js'
import { isKind, type PickleValue } from './pickle_values.js'

/** A block of memory that tensors share. */
export interface TorchStorage {
  readonly kind: 'storage'
  readonly dtype: DType
  /** The name under which the file stores its data. */
  readonly key: string
  /** The number of elements. */
  readonly count: number
}

/** A view of a storage; its offset and strides are in elements. */
export interface TorchTensor {
  readonly kind: 'tensor'
  readonly storage: TorchStorage
  readonly offset: number
  readonly shape: number[]
  readonly strides: number[]
}

type Value = PickleValue<TorchStorage | TorchTensor>

const STORAGES: Readonly<Record<string, DType>> = {
  'torch.DoubleStorage': 'float64',
  'torch.FloatStorage': 'float32',
  'torch.HalfStorage': 'float16',
  'torch.BFloat16Storage': 'bfloat16',
  'torch.LongStorage': 'int64',
  'torch.IntStorage': 'int32',
  'torch.ShortStorage': 'int16',
  'torch.CharStorage': 'int8',
  'torch.ByteStorage': 'uint8',
  'torch.BoolStorage': 'bool',
}

/** The keys under which training scripts store the state dict in a checkpoint. */
const WRAPPERS = [
  'state_dict',
  'model_state_dict',
  'model',
  'net',
  'network',
  'params',
  'state_dict_ema',
  'model_ema',
  'ema_state_dict',
  'params_ema',
  'ema',
]

const SAVE_AGAIN = 'save it alone: torch.save(model.state_dict(), file)'

/**
 * Reads the tensors of a state dict, by name, from the pickle that torch.save writes next to their data. The state dict
 * may also be inside a checkpoint, as `state_dict`, `model_state_dict`, `model`, `net` or the like; if there are
 * averaged weights (`model_ema`) next to the trained ones, the trained ones are read.
 *
 * @throws TorchPruneError `ERR_FILE` naming what is not a tensor, or what else the pickle asks for.
 */
export function readStateDict(pickle: Uint8Array, path: string): Map<string, TorchTensor> {
  return tensorsOf(unpickle(pickle, stateDictHost(path), path), path)
}

/** The tensors of an unpickled state dict or checkpoint. Throws `ERR_FILE` for anything else. */
export function tensorsOf(root: Value, path: string): Map<string, TorchTensor> {
  if (!isKind(root, 'dict')) {
    return refuse(path, `holds ${described(root)}, not a state dict`, SAVE_AGAIN)
  }
  let dict = root
  if (![...root.entries.values()].some(isTensor)) {
    const inner = WRAPPERS.map((key) => root.entries.get(key)).find((value) => isKind(value, 'dict'))
    if (isKind(inner, 'dict')) dict = inner
  }
  const tensors = new Map<string, TorchTensor>()
  for (const [name, value] of dict.entries) {
    if (typeof name !== 'string')
      return refuse(path, `has a state dict with ${described(name)} for a name`, SAVE_AGAIN)
    if (!isTensor(value))
      return refuse(path, `has ${described(value)} under ${quoted(name)}, not a tensor`, SAVE_AGAIN)
    tensors.set(name, value)
  }
  return tensors
}

/**
 * What people store next to the weights, such as a metric or the arguments of a script. It is skipped, and an error in
 * place of a tensor.
 */
const PASSED_OVER = new Set([
  '_codecs.encode',
  'argparse.Namespace',
  'collections.Counter',
  'collections.defaultdict',
  'datetime.datetime',
  'numpy.core.multiarray._reconstruct',
  'numpy.core.multiarray.scalar',
  'numpy._core.multiarray._reconstruct',
  'numpy._core.multiarray.scalar',
  'numpy.dtype',
  'numpy.ndarray',
  'pathlib.PosixPath',
  'pathlib.WindowsPath',
  'torch.Size',
  'torch.device',
])

/**
 * Defines what the pickle of a state dict may refer to.
 *
 * @param storages collects all storages that it names, including those of tensors outside the state dict
 */
export function stateDictHost(
  path: string,
  storages = new Map<string, TorchStorage>(),
): PickleHost<TorchStorage | TorchTensor> {
  return {
    allows: (name) => Object.hasOwn(STORAGES, name) || Object.hasOwn(CALLS, name) || PASSED_OVER.has(name),
    call: (name, args) => {
      if (PASSED_OVER.has(name)) return { kind: 'opaque', name }
      return Object.hasOwn(CALLS, name) ? CALLS[name]!(args, path) : undefined
    },
    persistent: (id) => {
      const found = storage(id)
      if (found) storages.set(found.key, found)
      return found
    },
  }
}

const CALLS: Readonly<Record<string, (args: readonly Value[], path: string) => Value | undefined>> = {
  'collections.OrderedDict': (args) => (args.length === 0 ? { kind: 'dict', entries: new Map() } : undefined),
  // PyTorch used this before version 0.4.
  'torch._utils._rebuild_tensor': rebuiltTensor,
  'torch._utils._rebuild_tensor_v2': rebuiltTensor,
  'torch._utils._rebuild_parameter': ([data]) => (isTensor(data) ? data : undefined),
}

function rebuiltTensor(
  [held, offset, sizes, strides]: readonly Value[],
  path: string,
): TorchTensor | undefined {
  if (!isStorage(held) || !isSize(offset) || !isKind(sizes, 'tuple') || !isKind(strides, 'tuple'))
    return undefined
  const [shape, steps] = [sizes.items, strides.items]
  if (!shape.every(isSize) || !steps.every(isSize) || steps.length !== shape.length) return undefined
  const tensor: TorchTensor = {
    kind: 'tensor',
    storage: held,
    offset,
    shape: [...shape],
    strides: [...steps],
  }
  checkView(tensor, path)
  return tensor
}

/** Reads the identifier of a storage: `('storage', torch.FloatStorage, '0', 'cpu', 9216)`. */
function storage(id: Value): TorchStorage | undefined {
  if (!isKind(id, 'tuple')) return undefined
  const [what, type, key, , count] = id.items
  if (what !== 'storage' || typeof key !== 'string' || !isSize(count) || !isKind(type, 'global'))
    return undefined
  if (!Object.hasOwn(STORAGES, type.name)) return undefined
  return { kind: 'storage', dtype: STORAGES[type.name]!, key, count }
}

/** Rejects a tensor that reaches past its storage, or repeats elements so that it is larger than its storage. */
function checkView({ storage, offset, shape, strides }: TorchTensor, path: string): void {
  const bytes = tensorBytes(storage.dtype, shape)
  const elements = product(shape)
  const last = shape.reduce((sum, size, i) => sum + (size - 1) * strides[i]!, offset)
  const about = `has a tensor of shape [${shape.slice(0, 8).join(', ')}${shape.length > 8 ? ', …' : ''}]`
  if (bytes === undefined) refuse(path, `${about}, too big to exist`, 'it is damaged: fetch it again')
  if (elements > 0 && last >= storage.count) {
    refuse(
      path,
      `${about} that reaches past its storage of ${storage.count} elements`,
      'it is damaged: fetch it again',
    )
  }
  if (elements > storage.count) {
    refuse(path, `${about} that repeats its elements`, 'save a copy: tensor.contiguous()')
  }
}

function described(value: Value): string {
  if (typeof value === 'bigint' || typeof value === 'number') return 'a number'
  if (typeof value === 'string') return 'a string'
  if (typeof value === 'boolean') return 'a truth value'
  if (value === null) return 'None'
  if (value.kind === 'opaque') return `an object of ${value.name}`
  return value.kind === 'global' ? value.name : `a ${value.kind}`
}

function isTensor(value: Value | undefined): value is TorchTensor {
  return typeof value === 'object' && value !== null && value.kind === 'tensor'
}

function isStorage(value: Value | undefined): value is TorchStorage {
  return typeof value === 'object' && value !== null && value.kind === 'storage'
}

function isSize(value: Value | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
