import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { append } from '../base/lists.js'

import { inputError, refuse } from '../io/files.js'

/** Names that hold images, by their ends: torchvision's list, and AVIF and GIF, which sharp decodes. */
const ENDS = new Set(['jpg', 'jpeg', 'png', 'ppm', 'bmp', 'pgm', 'tif', 'tiff', 'webp', 'avif', 'gif'])

export interface ClassFolders {
  /** In the order of their labels. */
  readonly classes: readonly string[]
  /** By class, then by path. */
  readonly files: readonly { readonly path: string; readonly label: number }[]
}

/**
 * The images below a folder that has a folder for each class, in the order of torchvision's `ImageFolder`: classes
 * sorted by name, files by path, at any depth. Names that begin with a dot, and files of other kinds, are passed over.
 *
 * @param classes the classes that there must be, in place of those that are found
 * @throws TorchPruneError `ERR_FILE` when there are no classes, or one without images.
 */
export async function listClassFolders(dir: string, classes?: readonly string[]): Promise<ClassFolders> {
  const found = (await entriesOf(dir)).filter((entry) => entry.folder).map((entry) => entry.name)
  if (found.length === 0) refuse(dir, 'has no folders of classes', 'it should hold <class>/<image> files')
  const strangers = classes === undefined ? [] : found.filter((name) => !classes.includes(name))
  if (strangers.length > 0) {
    refuse(
      dir,
      `has the class ${strangers[0]}, which is not among those trained on`,
      'take both from one set',
    )
  }
  const names = classes ?? found
  const files = []
  for (const [label, name] of names.entries()) {
    // A class that only the training part has may be missing here.
    const paths = found.includes(name) ? await imagesBelow(join(dir, name)) : []
    if (paths.length === 0 && classes === undefined) {
      refuse(join(dir, name), 'holds no images', 'remove the folder, or put images there')
    }
    for (const path of paths) files.push({ path, label })
  }
  if (files.length === 0) refuse(dir, 'holds no images', 'it should hold <class>/<image> files')
  return { classes: names, files }
}

async function imagesBelow(folder: string): Promise<string[]> {
  const paths: string[] = []
  for (const { name, folder: isFolder } of await entriesOf(folder)) {
    const path = join(folder, name)
    if (isFolder) append(paths, await imagesBelow(path))
    else if (ENDS.has(name.slice(name.lastIndexOf('.') + 1).toLowerCase())) paths.push(path)
  }
  return paths
}

/** What a folder holds, sorted by name as Python sorts. Links are followed. */
async function entriesOf(folder: string): Promise<{ name: string; folder: boolean }[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
    throw inputError(folder, cause)
  })
  const seen = entries.filter((entry) => !entry.name.startsWith('.'))
  const list = await Promise.all(
    seen.map(async (entry) => {
      const isFolder = entry.isSymbolicLink()
        ? await stat(join(folder, entry.name)).then(
            (stats) => stats.isDirectory(),
            () => false,
          )
        : entry.isDirectory()
      return { name: entry.name, folder: isFolder }
    }),
  )
  return list.sort((a, b) => (a.name < b.name ? -1 : 1))
}
