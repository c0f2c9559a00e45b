import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'

const schema = z.object({
  /** The version of libtorch that the addon was built for, which is the only one that it runs on. */
  libtorch: z.string(),
  /** Where that libtorch was, and how it was found; left out of packages made for other machines. */
  dir: z.string().optional(),
  source: z.enum(['LIBTORCH', 'python', 'cache']).optional(),
  cuda: z.boolean(),
  /** The version of this package. */
  torchPrune: z.string(),
  /** A digest of the files that it was built from. */
  sources: z.string().optional(),
})

/** What a built addon states about itself, in `torch_prune.json` next to it. */
export type AddonRecord = z.infer<typeof schema>

const FILE = 'torch_prune.json'

/** The record in `folder`; null if there is no readable one. */
export function readRecord(folder: string): AddonRecord | null {
  try {
    return schema.parse(JSON.parse(readFileSync(join(folder, FILE), 'utf8')))
  } catch {
    return null
  }
}

/** Writes the record of the addon in `folder`. */
export function writeRecord(folder: string, record: AddonRecord): void {
  writeFileSync(join(folder, FILE), `${JSON.stringify(record, null, 2)}\n`)
}
