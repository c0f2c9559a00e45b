import { fileURLToPath } from 'node:url'
import { lastLines, runChild } from './child.js'
import type { Part } from './part.js'

/** What ours_inference.ts prints of a layer; `sparse` is missing where the device does not compute it. */
interface Row {
  readonly layer: string
  readonly batch: number
  readonly form: string
  readonly dense: number
  readonly sparse?: number
}

/** Times layers of which two of every four weights are kept, by sparse tensor cores, against dense ones. */
export const inferencePart: Part = async ({ device, tiny, seconds, log }) => {
  const script = fileURLToPath(new URL('ours_inference.ts', import.meta.url))
  const flags = ['--device', device, ...(tiny ? ['--tiny'] : [])]
  const rows: Row[] = []
  const onLine = (line: string) => {
    if (line.startsWith('{')) rows.push(JSON.parse(line) as Row)
  }
  const ended = await runChild(process.execPath, ['--import=tsx/esm', script, ...flags], {
    ...{ seconds, log, onLine },
  })
  const missing = rows
    .filter(({ sparse }) => sparse === undefined)
    .map(({ layer, batch }) => `${layer}, batch ${batch}: no form but dense`)
  return {
    failures: ended.failure ? [`${ended.failure}\n${lastLines(ended.stderr, 6)}`] : missing,
    rows: rows.map(({ layer, batch, dense, sparse }) => [
      `2:4, ${layer}, batch ${batch}, dense / sparse`,
      sparse === undefined
        ? 'dense alone'
        : `${dense.toFixed(3)} / ${sparse.toFixed(3)} ms, ${(dense / sparse).toFixed(2)}×`,
    ]),
    figures: { layers: rows },
  }
}
