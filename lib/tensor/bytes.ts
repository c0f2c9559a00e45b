import { setImmediate } from 'node:timers/promises'
import { inPieces, PIECE_BYTES } from '../base/checksum.js'
import { bytesPerElement, type DType } from '../base/dtype.js'
import { TorchPruneError } from '../base/errors.js'
import { loadAddon } from '../binding/addon.js'
import { empty } from './factories.js'
import { invokeLater } from './invoke.js'
import { Tensor } from './tensor.js'

/** A tensor's contents outside libtorch, row-major. */
export interface TensorBytes {
  readonly dtype: DType
  readonly shape: number[]
  readonly data: Uint8Array
}

/** The same, handed on piece by piece: a tensor that is too large to copy at once. */
export interface TensorPieces {
  readonly dtype: DType
  readonly shape: number[]
  readonly byteLength: number
  /** A piece is good until the next one is asked for. */
  pieces(): AsyncIterable<Uint8Array>
}

/** A tensor's contents outside libtorch: at hand, or handed on when they are asked for. */
export type StoredTensor = TensorBytes | TensorPieces

/** A copy of a tensor's elements. */
export function toBytes(tensor: Tensor): TensorBytes {
  return {
    dtype: tensor.dtype,
    shape: [...tensor.shape],
    data: new Uint8Array(loadAddon().toBytes(tensor.handle)),
  }
}

/** A tensor's elements, which are read when the pieces are: it must live, and stay as it is, until then. */
export function toPieces(tensor: Tensor): TensorPieces {
  const { dtype } = tensor
  return {
    dtype,
    shape: [...tensor.shape],
    byteLength: tensor.numel * bytesPerElement[dtype],
    pieces: () => piecesOf(tensor),
  }
}

async function* piecesOf(tensor: Tensor): AsyncGenerator<Uint8Array, void, void> {
  const native = loadAddon()
  const { contiguous, device } = native.tensorDescribe(tensor.handle)
  using moved =
    contiguous && device === 'cpu'
      ? undefined
      : Tensor.wrap(await invokeLater('to.device', tensor, 'cpu', tensor.dtype, false, true, 'contiguous'))
  const plain = moved ?? tensor
  const bytes = tensor.numel * bytesPerElement[tensor.dtype]
  const piece = new Uint8Array(Math.min(bytes, PIECE_BYTES))
  for (let at = 0; at < bytes; at += PIECE_BYTES) {
    const part = piece.subarray(0, bytes - at)
    native.tensorRead(plain.handle, at, part)
    yield part
  }
}

/** A tensor from a copy of `data`. Throws `ERR_SHAPE` when it does not hold as many elements as the shape asks. */
export function fromBytes({ dtype, shape, data }: TensorBytes, device = 'cpu'): Tensor {
  return Tensor.wrap(loadAddon().fromBytes(data, dtype, shape, device))
}

/** The same of any number of bytes, without holding the event loop; on the CPU. */
export async function fromManyBytes(stored: StoredTensor): Promise<Tensor> {
  if ('data' in stored && stored.data.byteLength <= PIECE_BYTES) return fromBytes(stored)
  const { dtype, shape } = stored
  const length = byteLengthOf(stored)
  const made: Tensor = empty(shape, { dtype })
  try {
    if (made.numel * bytesPerElement[dtype] !== length) {
      throw new TorchPruneError('ERR_SHAPE', `${length} bytes do not fit ${dtype} [${shape}]`)
    }
    let at = 0
    for await (const piece of piecesOfStored(stored)) {
      loadAddon().tensorWrite(made.handle, at, piece)
      at += piece.length
    }
    return made
  } catch (error) {
    made.dispose()
    throw error
  }
}

export function byteLengthOf(stored: StoredTensor): number {
  return 'data' in stored ? stored.data.byteLength : stored.byteLength
}

/** Its bytes in pieces, between which the event loop goes on. A piece is good until the next one is asked for. */
export function piecesOfStored(stored: StoredTensor): AsyncIterable<Uint8Array> {
  return 'data' in stored ? inTurns(stored.data) : stored.pieces()
}

async function* inTurns(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, void> {
  for (const piece of inPieces(bytes)) {
    await setImmediate()
    yield piece
  }
}

/** All its bytes at once. */
export async function wholeBytesOf(stored: StoredTensor): Promise<Uint8Array> {
  if ('data' in stored) return stored.data
  const data = new Uint8Array(stored.byteLength)
  let at = 0
  for await (const piece of stored.pieces()) {
    data.set(piece, at)
    at += piece.length
  }
  return data
}
