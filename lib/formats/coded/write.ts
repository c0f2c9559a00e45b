import { type FileHandle, open } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import { writeAtomically } from '../../base/atomic.js'
import { TorchPruneError } from '../../base/errors.js'
import { quoted } from '../../base/files.js'
import { loadAddon } from '../../binding/addon.js'
import type { TensorHandle } from '../../binding/native.js'
import { runJob } from '../../binding/native_job.js'
import {
  ELEMENTS_PER_BYTE,
  MAGIC,
  PROFILES,
  type Profile,
  SUM_BYTES,
  VERSION,
} from '../../coded/container.js'
import {
  type CodedDType,
  describe,
  type GraphInfo,
  sizeOf,
  type TensorInfo,
  WIDTHS,
} from '../../coded/description.js'
import { planOf } from '../../coded/plan.js'
import { HeldTensors } from '../../tensor/held.js'
import { invokeLater } from '../../tensor/invoke.js'
import { Tensor } from '../../tensor/tensor.js'
import { pack } from './pack.js'
import { writeVarint } from './varint.js'

/** A tensor to be coded, with its mask if it has one. */
export interface ToCode {
  readonly values: Tensor
  /** `bool`, true for what is kept; the rest must be +0. */
  readonly keep: Tensor | undefined
}

/**
 * Writes a coded file, tensor by tensor and either completely or not at all; returns its size in bytes. Coding is a
 * job, and the tensors must stay as they are until it is over.
 *
 * @throws ERR_ARGUMENT for values that are NaN, and for dtypes that no network has
 * @throws ERR_SEAL for pruned values that are not +0
 */
export async function writeCoded(
  path: string,
  { graph, tensors }: { readonly graph: GraphInfo; readonly tensors: ReadonlyMap<string, ToCode> },
  profile: Profile,
  signal?: AbortSignal | null,
): Promise<number> {
  const list = [...tensors].map(([name, { values, keep }]): TensorInfo => {
    const { dtype, shape } = values
    if (!Object.hasOwn(WIDTHS, dtype)) {
      const fix = `use one of ${Object.keys(WIDTHS).join(', ')}`
      throw new TorchPruneError(
        'ERR_ARGUMENT',
        `${path}: tensor ${quoted(name)} is ${dtype}, which a coded file does not hold; ${fix}`,
      )
    }
    return { name, dtype: dtype as CodedDType, shape: [...shape], masked: keep !== undefined }
  })
  const text = describe({ graph, tensors: list })
  const packed = pack(text)
  let length = 0
  await writeAtomically(path, async (temporary) => {
    const handle = await open(temporary, 'w')
    try {
      const out = new Summed(handle)
      await out.write(Uint8Array.from([...MAGIC, (VERSION << 4) | PROFILES.indexOf(profile)]))
      await out.write(writeVarint(new TextEncoder().encode(text).length))
      await out.write(writeVarint(packed.length))
      await out.write(packed)
      for (const unit of planOf(list)) {
        for (const block of await codeUnit(unit.tensors, tensors, profile, signal)) {
          await out.write(writeVarint(block.length))
          await out.write(block)
        }
      }
      const elements = list.reduce((sum, { shape }) => sum + sizeOf(shape), 0)
      const least = Math.ceil(elements / ELEMENTS_PER_BYTE) - SUM_BYTES
      if (out.length < least) await out.write(new Uint8Array(least - out.length))
      length = await out.finish()
    } finally {
      await handle.close()
    }
  })
  return length
}

async function codeUnit(
  unit: readonly TensorInfo[],
  tensors: ReadonlyMap<string, ToCode>,
  profile: Profile,
  signal: AbortSignal | null | undefined,
): Promise<readonly Uint8Array[]> {
  using held = new HeldTensors()
  const given: { name: string; values: TensorHandle; keep: TensorHandle | undefined }[] = []
  for (const { name } of unit) {
    const { values, keep } = tensors.get(name)!
    given.push({
      name,
      values: (await plain(values, held)).handle,
      keep: keep && (await plain(keep, held)).handle,
    })
  }
  return await runJob(() => loadAddon().codedEncodeStart(profile, given), signal)
}

/** The tensor as one row of bytes on the CPU. */
async function plain(tensor: Tensor, held: HeldTensors): Promise<Tensor> {
  const { contiguous, device } = loadAddon().tensorDescribe(tensor.handle)
  if (contiguous && device === 'cpu') return tensor
  return held.use(
    Tensor.wrap(await invokeLater('to.device', tensor, 'cpu', tensor.dtype, false, true, 'contiguous')),
  )
}

/** Writes bytes and keeps count of them and of their checksum. */
class Summed {
  length = 0
  #sum = 0

  constructor(readonly handle: FileHandle) {}

  async write(bytes: Uint8Array): Promise<void> {
    this.#sum = crc32(bytes, this.#sum)
    this.length += bytes.length
    await this.handle.writeFile(bytes)
  }

  /** Writes the checksum, and returns how many bytes there are in all. */
  async finish(): Promise<number> {
    const sum = new Uint8Array(SUM_BYTES)
    new DataView(sum.buffer).setUint32(0, this.#sum, true)
    await this.handle.writeFile(sum)
    return this.length + SUM_BYTES
  }
}
