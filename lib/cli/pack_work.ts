import { packImages } from '../data/packed.js'
import { formatCount } from '../report/format.js'
import { ownFile } from '../runs/own_folder.js'
import { Interrupted } from './failure.js'
import { printJson } from './output.js'
import { reporterFor } from './progress.js'
import { shown } from './work.js'

export interface PackCommandOptions {
  readonly out: string
  readonly resize?: number
  readonly validation?: number
  readonly threads?: number
  readonly quiet?: boolean
  readonly json?: boolean
}

const SHOWN = 10

/** Packs a folder of images, and lists the images that were left out. */
export async function pack(dir: string, options: PackCommandOptions, signal: AbortSignal): Promise<void> {
  const { out, resize, validation, threads } = options
  using reporter = reporterFor(options)
  let started = false
  const onProgress = ({ done, total }: { done: number; total: number }) => {
    if (!started) reporter.start('pack', total, 'images')
    started = true
    reporter.update(done)
  }
  await using _ = await ownFile(out)
  try {
    const result = await packImages(dir, out, { resize, validation, threads, signal, onProgress })
    if (started) reporter.stop()
    if (options.json) return printJson({ kind: 'pack', file: out, ...result })
    for (const { reason } of result.skipped.slice(0, SHOWN)) reporter.line(`left out: ${reason}`)
    if (result.skipped.length > SHOWN) reporter.line(`and ${result.skipped.length - SHOWN} more`)
    const size = (result.bytes / 2 ** 20).toFixed(1)
    const left = result.skipped.length > 0 ? `, ${result.skipped.length} left out` : ''
    reporter.line(
      `${formatCount(result.images)} images of ${formatCount(result.classes)} classes${left}: ${size} MiB in ${shown(out)}`,
    )
  } catch (error) {
    if (!signal.aborted || error !== signal.reason) throw error
    throw new Interrupted(`interrupted: ${shown(out)} was not written`)
  }
}
