import type { FileHandle } from 'node:fs/promises'
import { type Entry, fromRandomAccessReaderPromise, RandomAccessReader } from 'yauzl'
import { allocate, quoted, readFully, refuse } from '../base/files.js'

/** A file in an archive, and where its bytes are in the archive. */
export interface ArchiveEntry {
  readonly start: number
  readonly size: number
  /** How the archive's bytes differ from the file's; undefined if they are the same. */
  readonly coded?: 'encrypted' | 'compressed'
}

const DAMAGED = 'it is damaged or cut short: fetch or write it again'

/**
 * A zip archive whose files are stored without compression, as torch.save writes it. Files are read in place, without
 * copies.
 */
export class Archive {
  private constructor(
    /** The path of the archive, for errors. */
    readonly path: string,
    readonly handle: FileHandle,
    readonly bytes: number,
    readonly entries: ReadonlyMap<string, ArchiveEntry>,
  ) {}

  /** @throws ERR_FILE when the file is not a complete zip archive of that kind. */
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

  /**
   * Finds a file of the archive that can be read in place; undefined if there is none. Throws `ERR_FILE` if it is
   * compressed or encrypted.
   */
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

  /** Reads the bytes of a file of the archive. */
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

/**
 * Reads for yauzl. yauzl's own reader throws outside of every handler when an archive's offsets are larger than files
 * can be.
 */
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
    // The callback must not run inside the promise, because an error that it throws would become an unhandled
    // rejection.
    const done = (error: Error | null) => process.nextTick(callback, error)
    if (position < 0 || position + length > this.bytes) done(new Error('it points outside the file'))
    else
      readFully(this.handle, buffer.subarray(offset, offset + length), position, this.path).then(
        () => done(null),
        done,
      )
  }
}

/** Tells yauzl's errors from others: they are plain errors, whereas system errors have a code and ours have a class. */
function isArchiveError(cause: unknown): cause is Error {
  return cause instanceof Error && !('code' in cause)
}
