import { checksum } from '../base/checksum.js'
import { bytesPerElement, type DType } from '../base/dtype.js'
import { quoted, refuse } from '../base/files.js'

/** Where a tensor is: `begin` and `end` are in bytes from the start of the file's data. */
export interface TensorEntry {
  dtype: DType
  shape: number[]
  /** The first byte of the tensor, from the start of the file's data. */
  begin: number
  /** The byte after the tensor, from the start of the file's data. */
  end: number
}

/** What a safetensors file says about itself. */
export interface SafetensorsHeader {
  /** Strings that programs store with the tensors. */
  metadata: Record<string, string>
  /** The tensors by name, in the order of their bytes. */
  tensors: Map<string, TensorEntry>
  /** The CRC-32 of each tensor's bytes, if this library wrote the file and no other program has rewritten it. */
  checksums?: Map<string, string>
}

/** The format's own limit on the size of a header, in bytes. */
export const MAX_HEADER_BYTES = 100_000_000

/**
 * The format's codes of dtypes, in the order in which its reference implementation stores them: the widest come first.
 */
export const DTYPE_CODES = {
  int64: 'I64',
  float64: 'F64',
  float32: 'F32',
  int32: 'I32',
  bfloat16: 'BF16',
  float16: 'F16',
  int16: 'I16',
  int8: 'I8',
  uint8: 'U8',
  bool: 'BOOL',
} as const satisfies Record<DType, string>

const DTYPES = new Map<unknown, DType>(
  (Object.keys(DTYPE_CODES) as DType[]).map((dtype) => [DTYPE_CODES[dtype], dtype]),
)

/** The fix that errors suggest for a damaged file. */
export const REWRITE = 'the file is damaged: fetch or write it again'

const CHECKSUMS_KEY = 'torch-prune.crc32'
/**
 * The beginning of a header with checksums. The blank in it distinguishes it from headers written by other programs,
 * which pass the metadata on, including checksums of tensors that may have changed since.
 */
const SUMMED = Buffer.from(`{ "__metadata__":{"${CHECKSUMS_KEY}":"`)
const DIGITS = 8
/**
 * If at most this many bytes of that beginning differ, the file counts as damaged; otherwise it counts as another
 * program's.
 */
const FEW = 3

/** Whether a name has a special meaning, for the format or for JavaScript's objects. */
export function isReservedName(name: string): boolean {
  return name === '__metadata__' || name === '__proto__'
}

/**
 * The number of bytes of a tensor of this shape; undefined if a size is invalid or the product is too large to
 * represent.
 */
export function tensorBytes(dtype: DType, shape: readonly unknown[]): number | undefined {
  let bytes = bytesPerElement[dtype]
  for (const size of shape) {
    if (!isSize(size)) return undefined
    bytes *= size
    if (!Number.isSafeInteger(bytes)) return undefined
  }
  return bytes
}

/**
 * Reads a header and checks all of it: no number in it is used before it has been checked against the file's own size.
 * @param dataBytes the number of bytes that actually follow the header
 * @throws ERR_FILE naming the file, the tensor and how to fix it
 */
export function parseHeader(bytes: Uint8Array, dataBytes: number, path: string): SafetensorsHeader {
  if (bytes[0] !== 0x7b)
    refuse(path, 'has a header that does not begin with "{"', 'is it a safetensors file?')
  const sums = readChecksums(bytes, path)
  const { __metadata__, ...entries } = parseJson(bytes, path)
  const tensors = Object.entries(entries).map(
    ([name, entry]) => [name, parseEntry(name, entry, path)] as const,
  )
  tensors.sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end)
  checkLayout(tensors, dataBytes, path)
  const { [CHECKSUMS_KEY]: _, ...metadata } = parseMetadata(__metadata__, path)
  const header: SafetensorsHeader = { metadata, tensors: new Map(tensors) }
  if (sums === undefined) return header
  return { ...header, checksums: new Map(tensors.map(([name], i) => [name, sums[i] ?? ''])) }
}

/**
 * Encodes the header as JSON, padded with spaces so that the data after it is aligned to 8 bytes.
 * @param sums the checksum of each tensor, if the file is to contain them
 */
export function encodeHeader(
  { metadata, tensors }: Pick<SafetensorsHeader, 'metadata' | 'tensors'>,
  sums?: readonly string[],
): Uint8Array {
  const members = [...tensors].map(([name, { dtype, shape, begin, end }]) => {
    const entry = { dtype: DTYPE_CODES[dtype], shape, data_offsets: [begin, end] }
    return `${JSON.stringify(name)}:${JSON.stringify(entry)}`
  })
  const metadataText = JSON.stringify(metadata).slice(1)
  if (sums) {
    const all = `${'0'.repeat(DIGITS)}${sums.join('')}`
    members.unshift(`${all}"${metadataText === '}' ? '' : ','}${metadataText}`)
  } else if (metadataText !== '}') members.unshift(`"__metadata__":{${metadataText}`)
  const json = Buffer.from(`${sums ? SUMMED : '{'}${members.join(',')}}`)
  const padded = new Uint8Array(Math.ceil(json.length / 8) * 8).fill(0x20)
  padded.set(json)
  if (sums) padded.set(Buffer.from(checksum(padded)), SUMMED.length)
  return padded
}

/**
 * The checksums of the tensors, in the order of their bytes, if the header contains them. The header's own checksum
 * comes first; it is computed with zeros in place of its digits.
 */
function readChecksums(header: Uint8Array, path: string): string[] | undefined {
  const differing = SUMMED.reduce((count, byte, i) => count + Number(header[i] !== byte), 0)
  if (differing > FEW) return undefined
  const start = SUMMED.length
  const own = Buffer.from(header.subarray(start, start + DIGITS)).toString('latin1')
  const zeroed = new Uint8Array(header)
  zeroed.fill(0x30, start, start + DIGITS)
  if (differing > 0 || checksum(zeroed) !== own)
    refuse(path, 'its header does not match its checksum', REWRITE)
  const digits = Buffer.from(header.subarray(start + DIGITS, header.indexOf(0x22, start))).toString('latin1')
  return digits.match(/.{8}/g) ?? []
}

function parseJson(bytes: Uint8Array, path: string): Record<string, unknown> {
  let json: string
  let value: unknown
  try {
    json = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    value = JSON.parse(json)
  } catch {
    return refuse(path, 'has a header that is not JSON', REWRITE)
  }
  const duplicate = duplicateKey(json)
  if (duplicate !== undefined) refuse(path, `names ${quoted(duplicate)} twice in its header`, REWRITE)
  return value as Record<string, unknown>
}

/**
 * Finds a key that occurs twice in an object. JSON.parse silently keeps the last of two members with the same name, so
 * `json`, which is known to be valid, is scanned again.
 */
function duplicateKey(json: string): string | undefined {
  const open: Set<string>[] = []
  for (let at = 0; at < json.length; at++) {
    const character = json[at]
    if (character === '{' || character === '[') open.push(new Set())
    else if (character === '}' || character === ']') open.pop()
    else if (character === '"') {
      const start = at
      while (json[++at] !== '"') if (json[at] === '\\') at++
      let next = at + 1
      while (isSpace(json[next])) next++
      if (json[next] !== ':') continue
      const key: string = JSON.parse(json.slice(start, at + 1))
      const keys = open.at(-1)
      if (keys?.has(key)) return key
      keys?.add(key)
    }
  }
  return undefined
}

function parseMetadata(value: unknown, path: string): Record<string, string> {
  if (value === undefined) return {}
  if (!isRecord(value)) return refuse(path, 'has a __metadata__ that is not an object', REWRITE)
  const metadata: Record<string, string> = {}
  for (const [key, text] of Object.entries(value)) {
    if (key === '__proto__') refuse(path, 'has a __metadata__ entry named "__proto__"', 'rename it')
    if (typeof text !== 'string')
      return refuse(path, `has a __metadata__ ${quoted(key)} that is not a string`, REWRITE)
    metadata[key] = text
  }
  return metadata
}

function parseEntry(name: string, entry: unknown, path: string): TensorEntry {
  const fail = (what: string, fix = REWRITE): never => refuse(path, `tensor ${quoted(name)} ${what}`, fix)
  if (isReservedName(name)) fail('has a name that is reserved', 'rename it')
  if (!isRecord(entry)) return fail('is not described by an object')

  const dtype = DTYPES.get(entry.dtype)
  if (dtype === undefined) {
    const given = typeof entry.dtype === 'string' ? quoted(entry.dtype) : 'no dtype'
    return fail(`has ${given} as its dtype`, `convert it to one of ${[...DTYPES.keys()].join(', ')}`)
  }
  const { shape, data_offsets: offsets } = entry
  if (!Array.isArray(shape) || !shape.every(isSize))
    return fail('has a shape that is not a list of whole sizes')
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isSize)) {
    return fail('has data_offsets that are not two whole numbers')
  }
  const bytes = tensorBytes(dtype, shape)
  const [begin, end] = offsets as [number, number]
  if (bytes === undefined) return fail('has a shape that is too big to exist')
  if (end - begin !== bytes)
    fail(`needs ${bytes} bytes for its shape but its data_offsets hold ${end - begin}`)
  return { dtype, shape, begin, end }
}

function checkLayout(tensors: (readonly [string, TensorEntry])[], dataBytes: number, path: string): void {
  let covered = 0
  for (const [name, { begin, end }] of tensors) {
    if (begin < covered) refuse(path, `tensor ${quoted(name)} overlaps the one before it`, REWRITE)
    if (begin > covered)
      refuse(path, `there is a hole of ${begin - covered} bytes before ${quoted(name)}`, REWRITE)
    if (end > dataBytes) {
      refuse(
        path,
        `tensor ${quoted(name)} ends ${end - dataBytes} bytes after the file, which is cut short`,
        REWRITE,
      )
    }
    covered = end
  }
  if (covered < dataBytes) refuse(path, `has ${dataBytes - covered} bytes after its last tensor`, REWRITE)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && !Object.is(value, -0)
}

function isSpace(character: string | undefined): boolean {
  return character === ' ' || character === '\n' || character === '\r' || character === '\t'
}
