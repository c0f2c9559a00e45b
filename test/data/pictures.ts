import { cpSync, mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import type { Augmentation } from '../../lib/data/augment.js'
import type { Dataset } from '../../lib/data/dataset.js'
import { readGolden } from '../support/golden.js'

export const PICTURES = new URL('../golden/images/all', import.meta.url).pathname
export const { fixture, tensor: golden } = readGolden<{ files: string[]; seeds: number[] }>('images')
// So that samples are bytes over 255, and can be compared with bytes.
export const PLAIN = { size: 32, resize: 40, mean: [0, 0, 0], std: [1, 1, 1] }
export const AUGMENT: Augmentation = { resizedCrop: true, flip: true }
export const everyone = (dataset: Dataset) => Array.from({ length: dataset.length }, (_, i) => i)

/** Makes a folder of one class that holds the fixture's pictures. */
export function pictures(folder: string): string {
  mkdirSync(folder)
  symlinkSync(PICTURES, join(folder, 'class'))
  return folder
}

/** Makes a folder of two classes, each with a copy of the fixture's pictures. */
export function twoClasses(folder: string): string {
  for (const part of ['train', 'val']) {
    for (const label of ['b', 'a']) cpSync(PICTURES, join(folder, part, label), { recursive: true })
  }
  return folder
}
