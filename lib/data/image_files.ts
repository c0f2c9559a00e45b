import type { Dirent } from 'node:fs'
import { opendir, stat } from 'node:fs/promises'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { inputError, refuse } from '../base/files.js'
import { onOneLine } from '../base/text.js'
import { loadAddon } from '../binding/addon.js'
import type { FilesHandle } from '../binding/native.js'

/** The extensions of image files: those of torchvision's list that are decoded here, and AVIF and GIF. */
const ENDS = new Set(['jpg', 'jpeg', 'png', 'tif', 'tiff', 'webp', 'avif', 'gif'])

// The event loop gets a turn after this many entries.
const STRETCH = 2048

/** A path as the system has it: a string or, if its bytes are not UTF-8, the bytes. */
export type FilePath = string | Buffer

/** An image file and the label of its class. */
export interface ImageFile {
  /** The path of the file. */
  readonly path: FilePath
  /** The index of its class. */
  readonly label: number
}

/** The classes of a folder and their image files. */
export interface ClassFolders {
  /** The names of the classes, in the order of their labels. */
  readonly classes: readonly string[]
  /** The files, sorted by class, then by path. */
  readonly files: readonly ImageFile[]
}

/**
 * Lists the images in a folder that contains a folder for each class, in the order of torchvision's `ImageFolder`:
 * classes sorted by name, their folders by path, the files of each by name. Names are compared by code points. Names
 * that begin with a dot and files of other kinds are skipped, and so are links to a folder that contains them.
 *
 * @param classes the expected classes, in place of those that are found
 * @throws TorchPruneError `ERR_FILE` when there are no classes, or one without images.
 */
export async function listClassFolders(dir: string, classes?: readonly string[]): Promise<ClassFolders> {
  const { folders: found } = await entriesOf(Buffer.from(dir))
  if (found.length === 0) refuse(dir, 'has no folders of classes', 'it should hold <class>/<image> files')
  const paths = new Map(found.map((name) => [shown(name), name]))
  const strangers = classes === undefined ? [] : [...paths.keys()].filter((name) => !classes.includes(name))
  if (strangers.length > 0) {
    refuse(
      dir,
      `has the class ${strangers[0]}, which is not among those trained on`,
      'take both from one set',
    )
  }
  const names = classes ?? [...paths.keys()]
  const files: ImageFile[] = []
  for (const [label, name] of names.entries()) {
    const own = paths.get(name)
    // A class that only the training part has may be missing here.
    const images = own === undefined ? [] : await imagesBelow(joined(Buffer.from(dir), own))
    if (images.length === 0 && classes === undefined) {
      const ends = [...ENDS].join(', ')
      refuse(`${dir}/${name}`, `holds no images (${ends})`, 'remove the folder, or put images there')
    }
    for (const part of stretchesOf(images)) {
      for (const path of part) files.push({ path, label })
      if (part.length === STRETCH) await nextTurn()
    }
  }
  if (files.length === 0) refuse(dir, 'holds no images', 'it should hold <class>/<image> files')
  return { classes: names, files }
}

/** Converts a list of files for the addon. */
export async function nativeFiles(files: readonly ImageFile[]): Promise<FilesHandle> {
  const native = loadAddon()
  const list = native.filesMake()
  for (const part of stretchesOf(files)) {
    native.filesAdd(
      list,
      pathBytes(part),
      Int32Array.from(part, ({ label }) => label),
    )
    await nextTurn()
  }
  return list
}

/** The paths of files as bytes, each followed by a zero byte. */
export function pathBytes(files: readonly ImageFile[]): Uint8Array {
  const texts = files.map(({ path }) => (typeof path === 'string' ? `${path}\0` : undefined))
  // If all paths are text, they are encoded at once: a buffer for each takes ten times as long.
  if (!texts.includes(undefined)) return Buffer.from(texts.join(''))
  return Buffer.concat(files.flatMap(({ path }) => [bytesOf(path), ZERO]))
}

/** Splits a list into parts, between which the event loop can run. */
export function* stretchesOf<T>(list: readonly T[]): Generator<T[]> {
  for (let at = 0; at < list.length; at += STRETCH) yield list.slice(at, at + STRETCH)
}

/** Formats a path for people. */
export function shown(path: FilePath): string {
  return typeof path === 'string' ? path : onOneLine(path.toString())
}

const ZERO = Buffer.from([0])
const SLASH = Buffer.from('/')

function bytesOf(path: FilePath): Buffer {
  return typeof path === 'string' ? Buffer.from(path) : path
}

function joined(folder: Buffer, name: FilePath): Buffer {
  return Buffer.concat([folder, ...(folder.at(-1) === SLASH[0] ? [] : [SLASH]), bytesOf(name)])
}

/** Returns a string if the bytes are UTF-8, because strings take less memory and sort faster. */
function pathOf(bytes: Buffer): FilePath {
  const text = bytes.toString()
  return bytes.equals(Buffer.from(text)) ? text : bytes
}

async function imagesBelow(top: Buffer): Promise<FilePath[]> {
  const folders: { readonly folder: FilePath; readonly path: Buffer; readonly files: FilePath[] }[] = []
  const visit = async (path: Buffer, above: ReadonlySet<string>) => {
    const { dev, ino } = await stat(path, { bigint: true }).catch((cause: unknown) => {
      throw inputError(path.toString(), cause)
    })
    const identity = `${dev}:${ino}`
    if (above.has(identity)) return
    const { folders: inner, files } = await entriesOf(path)
    folders.push({ folder: pathOf(path), path, files })
    for (const name of inner) await visit(joined(path, name), new Set([...above, identity]))
  }
  await visit(top, new Set())
  const paths: FilePath[] = []
  for (const { path, files } of await sorted(folders, ({ folder }) => folder)) {
    const folder = pathOf(path)
    for (const part of stretchesOf(files)) {
      for (const name of part) {
        const plain = typeof folder === 'string' && typeof name === 'string'
        paths.push(plain ? `${folder}/${name}` : joined(path, name))
      }
      if (part.length === STRETCH) await nextTurn()
    }
  }
  return paths
}

/** The folders and the images in a folder, sorted as Python sorts them. Links are followed. */
async function entriesOf(folder: Buffer): Promise<{ folders: FilePath[]; files: FilePath[] }> {
  const folders: FilePath[] = []
  const files: FilePath[] = []
  const links: FilePath[] = []
  const note = (name: FilePath, isFolder: boolean) => {
    const text = shown(name)
    if (isFolder) folders.push(name)
    else if (ENDS.has(text.slice(text.lastIndexOf('.') + 1).toLowerCase())) files.push(name)
  }
  try {
    // Node's types describe only names that are text.
    const entries = await opendir(folder, { encoding: 'buffer' as BufferEncoding, bufferSize: 1024 })
    for await (const entry of entries as AsyncIterable<unknown> as AsyncIterable<Dirent<Buffer>>) {
      if (entry.name[0] === 0x2e) continue
      const name = pathOf(entry.name)
      if (entry.isSymbolicLink()) links.push(name)
      else note(name, entry.isDirectory())
    }
  } catch (cause) {
    throw inputError(folder.toString(), cause)
  }
  for (const name of links) {
    const isFolder = await stat(joined(folder, name)).then(
      (stats) => stats.isDirectory(),
      () => false,
    )
    note(name, isFolder)
  }
  const self = (name: FilePath) => name
  return { folders: await sorted(folders, self), files: await sorted(files, self) }
}

/**
 * Compares by code points, as Python compares text. JavaScript compares UTF-16, which differs beyond U+D7FF, while
 * UTF-8 does not.
 */
function compare(a: FilePath, b: FilePath): number {
  if (isPlain(a) && isPlain(b)) return comparePlain(a, b)
  return Buffer.compare(bytesOf(a), bytesOf(b))
}

function comparePlain(a: FilePath, b: FilePath): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function isPlain(path: FilePath): boolean {
  return typeof path === 'string' && !BEYOND.test(path)
}

const BEYOND = /[\ud800-\uffff]/

/** Sorts in runs that are too short for the event loop to notice, and merges them. */
async function sorted<T>(list: readonly T[], key: (item: T) => FilePath): Promise<T[]> {
  let plain = true
  for (const part of stretchesOf(list)) {
    plain &&= part.every((item) => isPlain(key(item)))
    if (list.length > STRETCH) await nextTurn()
  }
  const compareKeys = plain ? comparePlain : compare
  const order = (a: T, b: T) => compareKeys(key(a), key(b))
  let runs: T[][] = []
  for (const part of stretchesOf(list)) {
    runs.push(part.sort(order))
    if (list.length > STRETCH) await nextTurn()
  }
  while (runs.length > 1) {
    const merged: T[][] = []
    for (let i = 0; i < runs.length; i += 2) merged.push(await merge(runs[i]!, runs[i + 1] ?? [], order))
    runs = merged
  }
  return runs[0] ?? []
}

async function merge<T>(a: readonly T[], b: readonly T[], order: (a: T, b: T) => number): Promise<T[]> {
  const result: T[] = []
  for (let i = 0, j = 0; i < a.length || j < b.length; ) {
    const first = j === b.length || (i < a.length && order(a[i]!, b[j]!) <= 0)
    result.push(first ? a[i++]! : b[j++]!)
    if (result.length % STRETCH === 0) await nextTurn()
  }
  return result
}
