import { type FileHandle, open } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import { TorchPruneError } from '../../base/errors.js'
import { inputError, piecesOfFile, readFully, sizeOfFile } from '../../base/files.js'
import { onOneLine } from '../../base/text.js'
import { loadAddon } from '../../binding/addon.js'
import type { NativeDecoded } from '../../binding/native.js'
import { runJob } from '../../binding/native_job.js'
import {
  checkPadding,
  type Profile,
  readDescription,
  readStart,
  readVarint,
  START_BYTES,
  SUM_BYTES,
} from '../../coded/container.js'
import { damaged } from '../../coded/damage.js'
import { type Description, sizeOf, type TensorInfo, WIDTHS } from '../../coded/description.js'
import { blocksOf, planOf, type Unit } from '../../coded/plan.js'
import { type TensorPieces, toPieces } from '../../tensor/bytes.js'
import { Tensor } from '../../tensor/tensor.js'

/** The name of a mask beside its tensor. */
const MASK = '_mask'
/** The key under which files of tensors hold a network's layers. */
const GRAPH_KEY = 'torch-prune.graph'
/** A number at the beginning of a block, at its longest. */
const LENGTH_BYTES = 8

/** A coded file that is open, and what it says of its tensors. */
interface OpenCoded {
  readonly path: string
  readonly handle: FileHandle
  readonly size: number
  readonly profile: Profile
  readonly description: Description
  /** Where its blocks begin. */
  readonly at: number
}

/** What a coded file says about itself: the layers as metadata, and its tensors, among them its masks. */
export async function readCodedHeader(path: string): Promise<{
  metadata: Record<string, string>
  tensors: Map<string, { dtype: TensorInfo['dtype']; shape: number[] }>
}> {
  return withOpen(path, async ({ description }) => {
    const tensors = new Map<string, { dtype: TensorInfo['dtype']; shape: number[] }>()
    for (const { name, dtype, shape, masked } of description.tensors) {
      tensors.set(name, { dtype, shape: [...shape] })
      if (masked) tensors.set(name + MASK, { dtype: 'uint8', shape: [...shape] })
    }
    return { metadata: metadataOf(description), tensors }
  })
}

/**
 * Calls `use` with a coded file, which is open until `use` is done. Tensors are decoded when their pieces are requested,
 * together with their neighbors in a unit, of which one at a time is in memory.
 *
 * @throws ERR_FILE for a damaged file, naming the byte
 */
export function withCoded<T>(
  path: string,
  use: (file: {
    readonly metadata: Readonly<Record<string, string>>
    readonly tensors: ReadonlyMap<string, TensorPieces>
    readonly sharesByValue: true
  }) => Promise<T>,
): Promise<T> {
  return withOpen(path, async (file) => {
    using units = await Units.find(file)
    const tensors = new Map<string, TensorPieces>()
    for (const info of file.description.tensors) {
      const { name, dtype, shape, masked } = info
      const elements = sizeOf(shape)
      const pieces = (part: 'values' | 'keep') => () => units.pieces(info, part)
      const byteLength = elements * WIDTHS[dtype]
      tensors.set(name, { dtype, shape: [...shape], byteLength, pieces: pieces('values') })
      if (!masked) continue
      const mask = {
        dtype: 'uint8' as const,
        shape: [...shape],
        byteLength: elements,
        pieces: pieces('keep'),
      }
      tensors.set(name + MASK, mask)
    }
    return use({ metadata: metadataOf(file.description), tensors, sharesByValue: true })
  })
}

/** What a coded file is made of. */
export interface CodedSizes {
  readonly profile: Profile
  /** How many bytes of its blocks each tensor takes with its mask, fractions included. */
  readonly bytes: ReadonlyMap<string, number>
}

/** Decodes a coded file to see what each of its tensors takes. */
export function readCodedSizes(path: string): Promise<CodedSizes> {
  return withOpen(path, async (file) => {
    using units = await Units.find(file)
    return { profile: file.profile, bytes: await units.bytes() }
  })
}

function metadataOf({ graph }: Description): Record<string, string> {
  return { format: 'pt', [GRAPH_KEY]: JSON.stringify(graph) }
}

async function withOpen<T>(path: string, use: (file: OpenCoded) => Promise<T>): Promise<T> {
  const size = await sizeOfFile(path)
  let handle: FileHandle | undefined
  try {
    handle = await open(path, 'r')
    const first = await readAt(handle, 0, Math.min(START_BYTES, size), path)
    const start = readStart(first, size)
    await checkSum(handle, size, path)
    const at = start.at + start.packedLength
    const bytes = await readAt(handle, 0, at, path)
    const description = readDescription(bytes, start, size)
    return await use({ path, handle, size, profile: start.profile, description, at })
  } catch (cause) {
    throw named(path, inputError(path, cause))
  } finally {
    await handle?.close()
  }
}

/** Puts the path before errors about a coded file, which do not know it. */
function named(path: string, error: TorchPruneError): TorchPruneError {
  const shown = onOneLine(path)
  if (error.code !== 'ERR_FILE' || error.message.startsWith(shown)) return error
  return new TorchPruneError('ERR_FILE', `${shown}: ${error.message}`, { cause: error })
}

async function readAt(handle: FileHandle, at: number, length: number, path: string): Promise<Uint8Array> {
  const bytes = new Uint8Array(length)
  await readFully(handle, bytes, at, path)
  return bytes
}

async function checkSum(handle: FileHandle, size: number, path: string): Promise<void> {
  let sum = 0
  for await (const piece of piecesOfFile(handle, 0, size - SUM_BYTES, path)) sum = crc32(piece, sum)
  const stored = await readAt(handle, size - SUM_BYTES, SUM_BYTES, path)
  if (new DataView(stored.buffer).getUint32(0, true) !== sum)
    damaged('a checksum that does not match', size - SUM_BYTES)
}

/** Where the bytes of a block are. */
interface BlockPlace {
  readonly start: number
  readonly length: number
}

/** The units of a file, of which the last one that was needed is decoded. */
class Units {
  readonly #file: OpenCoded
  readonly #units: readonly (readonly [Unit, readonly BlockPlace[]])[]
  #current: Unit | undefined
  #decoded: readonly {
    readonly values: Tensor
    readonly keep: Tensor | undefined
    readonly bits: number
  }[] = []

  private constructor(file: OpenCoded, units: readonly (readonly [Unit, readonly BlockPlace[]])[]) {
    this.#file = file
    this.#units = units
  }

  /** Finds all blocks; nothing but zeros may be left after them. */
  static async find(file: OpenCoded): Promise<Units> {
    const { handle, size, path } = file
    const end = size - SUM_BYTES
    let { at } = file
    const units: [Unit, BlockPlace[]][] = []
    for (const unit of planOf(file.description.tensors)) {
      const places: BlockPlace[] = []
      for (let i = blocksOf(unit); i > 0; i--) {
        const bytes = await readAt(handle, at, Math.min(LENGTH_BYTES, end - at), path)
        const [length, after] = readVarint(bytes, 0, bytes.length, at)
        const start = at + after
        if (length > end - start) damaged('a block that ends after it', at)
        places.push({ start, length })
        at = start + length
      }
      units.push([unit, places])
    }
    checkPadding(await readAt(handle, at, end - at, path), 0, end - at, at)
    return new Units(file, units)
  }

  /** The bytes of a tensor or of its mask. */
  async *pieces(info: TensorInfo, part: 'values' | 'keep'): AsyncGenerator<Uint8Array, void, void> {
    const found = this.#units.find(([unit]) => unit.tensors.includes(info))!
    if (this.#current !== found[0]) await this.#decode(...found)
    yield* toPieces(this.#decoded[found[0].tensors.indexOf(info)]![part]!).pieces()
  }

  /** How many bytes each tensor takes. */
  async bytes(): Promise<Map<string, number>> {
    const bytes = new Map<string, number>()
    for (const [unit, places] of this.#units) {
      await this.#decode(unit, places)
      for (const [i, { name }] of unit.tensors.entries()) bytes.set(name, this.#decoded[i]!.bits / 8)
    }
    return bytes
  }

  async #decode(unit: Unit, places: readonly BlockPlace[]): Promise<void> {
    this[Symbol.dispose]()
    const { handle, path, profile } = this.#file
    const blocks: { bytes: Uint8Array; start: number }[] = []
    for (const { start, length } of places)
      blocks.push({ bytes: await readAt(handle, start, length, path), start })
    const shapes = unit.tensors.map(({ dtype, shape, masked }) => ({ dtype, shape, masked }))
    const decoded: readonly NativeDecoded[] = await runJob(() =>
      loadAddon().codedDecodeStart(profile, shapes, blocks),
    ).catch((error: unknown) => {
      // The addon names what is wrong and the byte.
      if (!(error instanceof TorchPruneError) || error.code !== 'ERR_FILE') throw error
      const message = `the coded file has ${error.message}; fetch or write it again`
      throw new TorchPruneError('ERR_FILE', message, { cause: error })
    })
    this.#decoded = decoded.map(({ values, keep, bits }) => ({
      values: Tensor.wrap(values),
      keep: keep && Tensor.wrap(keep),
      bits,
    }))
    this.#current = unit
  }

  [Symbol.dispose](): void {
    for (const { values, keep } of this.#decoded) {
      values.dispose()
      keep?.dispose()
    }
    this.#decoded = []
    this.#current = undefined
  }
}
