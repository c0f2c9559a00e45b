import type { FileHandle } from 'node:fs/promises'
import { type Entry, fromRandomAccessReaderPromise, RandomAccessReader } from 'yauzl'
import { allocate, quoted, readFully, refuse } from '../base/files.js'

/** A file in an archive: where its bytes lie in the archive. */
export interface ArchiveEntry {
  readonly start: number
  readonly size: number
  /** What stands between the archive's bytes and the file's, if anything. */
  readonly coded?: 'encrypted' | 'compressed'
}

const DAMAGED = 'it is damaged or cut short: fetch or write it again'

/** A zip archive whose files are stored, not compressed, as torch.save writes it: read in place, without copies. */
export class Archive {
  private constructor(
    readonly path: string,
    readonly handle: FileHandle,
    readonly bytes: number,
    readonly entries: ReadonlyMap<string, ArchiveEntry>,
  ) {}

  /** @throws ERR_FILE when the file is no whole zip archive of that kind. */
  static async open(handle: FileHandle, bytes: number, path: string): Promise<Archive> {
    const entries = new Map<string, ArchiveEntry>()
    try {
      const options = { lazyEntries: true, autoClose: false }
      const zip = await fromRandomAccessReaderPromise(new Reader(handle, bytes, path), bytes, options)
      for await (const entry of zip.eachEntry()) {
        const { fileName } = entry
        if (entries.has(fileName)) refuse(path, `holds ${quoted(fileName)} twice`, DAMAGED)
        const { fileDataStart } = await zip.readLocalFileHeaderPromise(entry, { minimal: true })
        const { compressedSize: size } = entry
        if (fileDataStart + size > bytes) refuse(path, `is too short for ${quoted(fileName)} in it`, DAMAGED)
        entries.set(fileName, { start: fileDataStart, size, ...codingOf(entry) })
      }
    } catch (cause) {
      if (!isArchiveError(cause)) throw cause
      return refuse(path, `is not a whole zip archive (${quoted(cause.message)})`, DAMAGED)
    }
    return new Archive(path, handle, bytes, entries)
  }

  /** A file of the archive that can be read in place, or undefined where there is none. */
  find(name: string): ArchiveEntry | undefined {
    const entry = this.entries.get(name)
    if (entry?.coded) {
      refuse(
        this.path,
        `holds ${quoted(name)} ${entry.coded}, which torch.save does not do`,
        'save it again with torch.save',
      )
    }
    return entry
  }

  async read({ start, size }: ArchiveEntry): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = allocate(size, this.path)
    await readFully(this.handle, bytes, start, this.path)
    return bytes
  }
}

function codingOf(entry: Entry): Pick<ArchiveEntry, 'coded'> {
  if (entry.isEncrypted()) return { coded: 'encrypted' }
  return entry.compressionMethod === 0 ? {} : { coded: 'compressed' }
}

/** Reads for yauzl, whose own reader throws past every handler when an archive points further than files can be. */
class Reader extends RandomAccessReader {
  constructor(
    readonly handle: FileHandle,
    readonly bytes: number,
    readonly path: string,
  ) {
    super()
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null) => void,
  ): void {
    // The callback must not run in the promise: what it throws would be a rejection that nobody handles.
    const done = (error: Error | null) => process.nextTick(callback, error)
    if (position < 0 || position + length > this.bytes) done(new Error('it points outside the file'))
    else
      readFully(this.handle, buffer.subarray(offset, offset + length), position, this.path).then(
        () => done(null),
        done,
      )
  }
}

/** yauzl throws plain errors; those of the system carry a code, and ours a class. */
function isArchiveError(cause: unknown): cause is Error {
  return cause instanceof Error && !('code' in cause)
}
