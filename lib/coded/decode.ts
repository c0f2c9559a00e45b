import { CompactBlock, type CompactHead } from './compact.js'
import { checkPadding, type Profile, readDescription, readStart, readVarint, SUM_BYTES } from './container.js'
import { crc32 } from './crc32.js'
import { damaged } from './damage.js'
import { type GraphInfo, sizeOf, type TensorInfo, WIDTHS } from './description.js'
import { HuffmanBlock, type HuffmanHead } from './huffman.js'
import { DenseTaker, SparseTaker } from './matrix.js'
import { blocksOf, planOf, rowsOf, type Unit } from './plan.js'
import { type CodedArray, CodedTensor } from './tensor.js'

/** What a coded file holds. */
export interface CodedFile {
  readonly profile: Profile
  readonly graph: GraphInfo
  readonly tensors: ReadonlyMap<string, CodedTensor>
}

type Block = CompactBlock | HuffmanBlock
type Head = CompactHead & HuffmanHead

/**
 * Decodes a file that is in memory.
 *
 * @param mostElements the most elements that its tensors may have together
 */
export function decodeFile(bytes: Uint8Array, mostElements?: number): CodedFile {
  const start = readStart(bytes, bytes.length)
  const end = bytes.length - SUM_BYTES
  const sum = new DataView(bytes.buffer, bytes.byteOffset + end, SUM_BYTES).getUint32(0, true)
  if (sum !== crc32(bytes.subarray(0, end))) damaged('a checksum that does not match', end)
  const { graph, tensors } = readDescription(bytes, start, bytes.length, mostElements)
  const units = planOf(tensors)
  const places: [begin: number, end: number][] = []
  let at = start.at + start.packedLength
  for (let left = units.reduce((sum, unit) => sum + blocksOf(unit), 0); left > 0; left--) {
    const [length, begin] = readVarint(bytes, at, end)
    if (length > end - begin) damaged('a block that ends after it', at)
    at = begin + length
    places.push([begin, at])
  }
  checkPadding(bytes, at, end)
  const Block = start.profile === 'huffman' ? HuffmanBlock : CompactBlock
  const next = places.values()
  const nextBlock = () => new Block(bytes, ...next.next().value!)
  const decoded = new Map<string, CodedTensor>()
  for (const unit of units) {
    for (const tensor of decodeUnit(unit, nextBlock)) decoded.set(tensor.name, tensor)
  }
  return { profile: start.profile, graph, tensors: decoded }
}

function decodeUnit({ tensors, stripes }: Unit, nextBlock: () => Block): CodedTensor[] {
  let block = nextBlock()
  const made = tensors.map((info) => {
    if (info.dtype !== 'float32') return new CodedTensor(info, { dense: readElements(block, info) })
    const { rows, columns } = rowsOf(info)
    const head = block.head(rows, columns) as Head
    const taker = head.sparse ? new SparseTaker(rows) : new DenseTaker(rows * columns)
    for (const [first, count] of stripes ?? [[0, rows]]) {
      if (stripes !== undefined) {
        block.finish()
        block = nextBlock()
      }
      block.rows(head, columns, first!, count!, taker)
    }
    return new CodedTensor(
      info,
      taker instanceof SparseTaker ? { sparse: taker.done() } : { dense: taker.values },
    )
  })
  block.finish()
  return made
}

const ELEMENTS = {
  int64: BigInt64Array,
  int32: Int32Array,
  int16: Int16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  bool: Uint8Array,
} as const

function readElements(block: Block, { dtype, shape }: TensorInfo): CodedArray {
  const { buffer } = block.bytes(sizeOf(shape), WIDTHS[dtype])
  return new ELEMENTS[dtype as keyof typeof ELEMENTS](buffer)
}
