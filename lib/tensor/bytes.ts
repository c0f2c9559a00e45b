import { setImmediate } from 'node:timers/promises'
import { inPieces, PIECE_BYTES } from '../base/checksum.js'
import { bytesPerElement, type DType } from '../base/dtype.js'
import { TorchPruneError } from '../base/errors.js'
import { loadAddon } from '../binding/addon.js'
import { runJob } from '../binding/native_job.js'
import { empty } from './factories.js'
import { Tensor } from './tensor.js'

/** A tensor's contents outside libtorch, in row-major order. */
export interface TensorBytes {
  /** The element type. */
  readonly dtype: DType
  /** The size of each dimension. */
  readonly shape: number[]
  /** The elements as bytes. */
  readonly data: Uint8Array
}

/** The contents of a tensor that is too large to copy at once; they are delivered piece by piece. */
export interface TensorPieces {
  /** The element type. */
  readonly dtype: DType
  /** The size of each dimension. */
  readonly shape: number[]
  /** The number of bytes of all pieces together. */
  readonly byteLength: number
  /** Iterates over the pieces; each is valid only until the next one is requested. */
  pieces(): AsyncIterable<Uint8Array>
}

/** A tensor's contents outside libtorch, either in memory or delivered on request. */
export type StoredTensor = TensorBytes | TensorPieces

/** Copies a tensor's elements. */
export function toBytes(tensor: Tensor): TensorBytes {
  return {
    dtype: tensor.dtype,
    shape: [...tensor.shape],
    data: new Uint8Array(loadAddon().toBytes(tensor.handle)),
  }
}

/**
 * Delivers a tensor's elements piece by piece. They are read when the pieces are read: until then, the tensor must stay
 * alive and unchanged.
 */
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
      : Tensor.wrap(await runJob(() => native.tensorOnHostStart(tensor.handle)))
  const plain = moved ?? tensor
  const bytes = tensor.numel * bytesPerElement[tensor.dtype]
  const piece = new Uint8Array(Math.min(bytes, PIECE_BYTES))
  for (let at = 0; at < bytes; at += PIECE_BYTES) {
    const part = piece.subarray(0, bytes - at)
    native.tensorRead(plain.handle, at, part)
    yield part
  }
}

/** Makes a tensor from a copy of `data`. Throws `ERR_SHAPE` if its number of elements does not match the shape. */
export function fromBytes({ dtype, shape, data }: TensorBytes, device = 'cpu'): Tensor {
  return Tensor.wrap(loadAddon().fromBytes(data, dtype, shape, device))
}

/** Like `fromBytes`, for any number of bytes, without blocking the event loop; the tensor is on the CPU. */
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

/** The number of bytes of a tensor's contents. */
export function byteLengthOf(stored: StoredTensor): number {
  return 'data' in stored ? stored.data.byteLength : stored.byteLength
}

/** Its bytes in pieces; the event loop runs in between. Each piece is valid only until the next one is requested. */
export function piecesOfStored(stored: StoredTensor): AsyncIterable<Uint8Array> {
  return 'data' in stored ? inTurns(stored.data) : stored.pieces()
}

async function* inTurns(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, void> {
  for (const piece of inPieces(bytes)) {
    await setImmediate()
    yield piece
  }
}

/** All of its bytes at once. */
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
