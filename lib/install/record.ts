import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'

const schema = z.object({
  /** The version of libtorch that the addon was built for, and the only one it runs on. */
  libtorch: z.string(),
  /** Where that libtorch was, and by which rule it was found; left out of a package made for others. */
  dir: z.string().optional(),
  source: z.enum(['LIBTORCH', 'python', 'cache']).optional(),
  cuda: z.boolean(),
  /** The version of this package. */
  torchPrune: z.string(),
  /** A digest of what it was built from. */
  sources: z.string().optional(),
})

/** What a built addon says of itself, in `torch_prune.json` beside it. */
export type AddonRecord = z.infer<typeof schema>

const FILE = 'torch_prune.json'

/** The record in `folder`, or null when there is none that can be read. */
export function readRecord(folder: string): AddonRecord | null {
  try {
    return schema.parse(JSON.parse(readFileSync(join(folder, FILE), 'utf8')))
  } catch {
    return null
  }
}

export function writeRecord(folder: string, record: AddonRecord): void {
  writeFileSync(join(folder, FILE), `${JSON.stringify(record, null, 2)}\n`)
}
