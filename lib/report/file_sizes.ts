import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { exists, sizeOfFile } from '../base/files.js'
import { CODED_FILE, MODEL_FILE, QUANTIZED_FILE, REFERENCE_FILE } from '../runs/files.js'
import type { State } from './palette.js'

/** Files over this many bytes are not compressed to see what is left: it would take longer than the rest of a report. */
const MOST_TO_COMPRESS = 300e6

/** A file of a network in a run's folder. */
export interface NetworkFile {
  readonly file: string
  readonly state: State
  readonly bytes: number
  /** The bytes that gzip leaves of it; undefined if it is too large to try. */
  readonly gzipBytes: number | undefined
}

/** Measures the files of networks in a run's folder. `quantized` tells the state of the coded file. */
export async function networkFiles(dir: string, quantized: boolean): Promise<NetworkFile[]> {
  const files: readonly (readonly [string, State])[] = [
    [REFERENCE_FILE, 'dense'],
    [MODEL_FILE, 'retrained'],
    [QUANTIZED_FILE, 'quantized'],
    [CODED_FILE, quantized ? 'quantized' : 'retrained'],
  ]
  const found: NetworkFile[] = []
  for (const [file, state] of files) {
    const path = join(dir, file)
    if (!(await exists(path))) continue
    const bytes = await sizeOfFile(path)
    found.push({ file, state, bytes, gzipBytes: bytes > MOST_TO_COMPRESS ? undefined : await gzipped(path) })
  }
  return found
}

async function gzipped(path: string): Promise<number> {
  let bytes = 0
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), createGzip(), async (chunks) => {
    for await (const chunk of chunks) bytes += (chunk as Buffer).length
  })
  return bytes
}
