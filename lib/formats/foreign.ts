import { setImmediate as nextTurn } from 'node:timers/promises'
import { bytesPerElement, type DType } from '../base/dtype.js'
import { quoted, refuse } from '../base/files.js'
import { type StoredTensor, type TensorBytes, wholeBytesOf } from '../tensor/bytes.js'

// The suffixes that torch.nn.utils.prune gives to a masked tensor and to its mask; our own files use the same name for
// masks.
const ORIGINAL = '_orig'
const MASK = '_mask'

/** The tensors of a file, under the names of a network. */
export interface OwnNames<T> {
  /** The tensors by the network's names. */
  readonly tensors: ReadonlyMap<string, T>
  /** What preceded all of the network's names, such as `module.` of nn.DataParallel; empty if nothing did. */
  readonly prefix: string
}

/**
 * Removes the prefix that a wrapper added to a network's names: `module.` (nn.DataParallel), `_orig_mod.`
 * (torch.compile), `model.` (Lightning), or any other prefix under which all names are present.
 *
 * @param own the network's names; names that may be missing are not considered
 */
export function withoutPrefix<T>(own: readonly string[], tensors: ReadonlyMap<string, T>): OwnNames<T> {
  const names = own.filter((name) => !mayBeMissing(name))
  const has = (name: string) => tensors.has(name) || tensors.has(name + ORIGINAL)
  const [first] = names
  if (first === undefined || names.every(has)) return { tensors, prefix: '' }
  for (const found of tensors.keys()) {
    const name = found.endsWith(ORIGINAL) ? found.slice(0, -ORIGINAL.length) : found
    if (!name.endsWith(`.${first}`)) continue
    const prefix = name.slice(0, -first.length)
    if (!names.every((each) => has(prefix + each))) continue
    const renamed = [...tensors].map(([key, value]) => {
      return [key.startsWith(prefix) ? key.slice(prefix.length) : key, value] as const
    })
    return { tensors: new Map(renamed), prefix }
  }
  return { tensors, prefix: '' }
}

/**
 * Resolves pairs of `<name>_orig` and `<name>_mask`, which torch.nn.utils.prune saves for what it prunes. A weight that
 * can be masked here is returned dense, next to its `uint8` mask; anything else (a bias) is returned as their product.
 *
 * @param maskable the names of the weights that take a mask
 * @throws TorchPruneError `ERR_FILE` for a mask that contains anything but 0 and 1.
 */
export async function withMasks(
  names: readonly string[],
  maskable: ReadonlySet<string>,
  tensors: ReadonlyMap<string, StoredTensor>,
  path: string,
): Promise<ReadonlyMap<string, StoredTensor>> {
  const result = new Map(tensors)
  for (const name of names) {
    const mask = tensors.get(name + MASK)
    const original = tensors.get(name + ORIGINAL)
    if (mask === undefined) continue
    // Our own masks are already as they should be; checkFit reports tensors that belong to no layer.
    if (original === undefined && (mask.dtype === 'uint8' || !maskable.has(name))) continue
    const keep = await keepBytes(await atHand(mask), name + MASK, path)
    if (original !== undefined) {
      if (tensors.has(name))
        refuse(path, `holds both ${quoted(name)} and ${quoted(name + ORIGINAL)}`, 'leave one out')
      if (mask.shape.join() !== original.shape.join()) {
        const shapes = `[${mask.shape.join(', ')}], its tensor has [${original.shape.join(', ')}]`
        refuse(path, `mask ${quoted(name + MASK)} has shape ${shapes}`, 'write it again')
      }
      result.delete(name + ORIGINAL)
      result.set(name, maskable.has(name) ? original : product(await atHand(original), keep))
    }
    if (maskable.has(name)) result.set(name + MASK, { dtype: 'uint8', shape: mask.shape, data: keep })
    else result.delete(name + MASK)
  }
  return result
}

async function atHand(stored: StoredTensor): Promise<TensorBytes> {
  const { dtype, shape } = stored
  return { dtype, shape, data: await wholeBytesOf(stored) }
}

// The event loop gets a turn after this many elements.
const STRETCH = 2 ** 20

/** The bits of 1 in each dtype, as an unsigned number of its size; the bits of 0 are 0 in all of them. */
const ONE: Readonly<Record<DType, number | bigint>> = {
  float64: 0x3ff0000000000000n,
  float32: 0x3f800000,
  float16: 0x3c00,
  bfloat16: 0x3f80,
  int64: 1n,
  int32: 1,
  int16: 1,
  int8: 1,
  uint8: 1,
  bool: 1,
}

/** Converts a mask to bytes: 1 for what it keeps, 0 for what it prunes. */
async function keepBytes({ dtype, data }: TensorBytes, name: string, path: string): Promise<Uint8Array> {
  const size = bytesPerElement[dtype]
  const Elements = { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array, 8: BigUint64Array }[size]!
  const aligned = data.byteOffset % size === 0 ? data : data.slice()
  const elements = new Elements(aligned.buffer as ArrayBuffer, aligned.byteOffset, aligned.byteLength / size)
  const keep = new Uint8Array(elements.length)
  const one = ONE[dtype]
  for (let i = 0; i < keep.length; i++) {
    const element = elements[i]!
    if (element === one) keep[i] = 1
    else if (element !== 0 && element !== 0n)
      refuse(
        path,
        `tensor ${quoted(name)} is a mask and holds other values than 0 and 1`,
        'convert it with mask.bool()',
      )
    if (i % STRETCH === STRETCH - 1) await nextTurn()
  }
  return keep
}

function product({ dtype, shape, data }: TensorBytes, keep: Uint8Array): TensorBytes {
  const size = bytesPerElement[dtype]
  const values = data.slice()
  for (let i = 0; i < keep.length; i++) if (keep[i] === 0) values.fill(0, i * size, (i + 1) * size)
  return { dtype, shape, data: values }
}

/** Counts of batches may be missing: PyTorch has had them since 0.4, and nothing is computed from them. */
export function mayBeMissing(name: string): boolean {
  return name.endsWith('.num_batches_tracked')
}
