import { fileURLToPath } from 'node:url'
import { lastLines, runChild } from './child.js'
import type { Part } from './part.js'

/** What ours_loader.ts prints. */
interface Rates {
  readonly images: number
  readonly reading: number
  readonly training: number
}

/** Trains AlexNet on a folder of JPEG files, decoded by all cores. */
export const loaderPart: Part = async ({ device, tiny, train, scratch, seconds, log }) => {
  const script = fileURLToPath(new URL('ours_loader.ts', import.meta.url))
  const flags = ['--device', device, '--train', train, '--folder', scratch, ...(tiny ? ['--tiny'] : [])]
  const ended = await runChild(process.execPath, ['--import=tsx/esm', script, ...flags], { seconds, log })
  if (ended.failure) {
    const failure = `${ended.failure}\n${lastLines(ended.stderr, 6)}`
    return { failures: [failure], rows: [['images per second', 'failed']], figures: {} }
  }
  const rates = JSON.parse(lastLines(ended.stdout, 1)) as Rates
  return {
    failures: [],
    rows: [
      ['images per second, read', String(rates.reading)],
      ['images per second, AlexNet trained', String(rates.training)],
    ],
    figures: rates,
  }
}
