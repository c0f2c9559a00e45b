import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { random } from '../cli/tiny.js'
import { withSum } from './files.js'
import { mutated, readBoth } from './hostile.js'
import { NETWORKS } from './networks.js'

// Damages coded files behind checksums that fit, and reads them with both readers: how often, and from which seed.
const RUNS = Number(process.argv[2] ?? 1000)
const SEED = Number(process.argv[3] ?? 1)

const folder = mkdtempSync(join(tmpdir(), 'torch-prune-coded-fuzz-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
const path = join(folder, 'file.tpz')

const wholes: Buffer[] = []
for (const make of Object.values(NETWORKS)) {
  using net = await make()
  for (const profile of ['compact', 'huffman'] as const) {
    await net.export(path, { profile })
    wholes.push(readFileSync(path).subarray(0, -4))
  }
}
let refused = 0
let slowest = 0
for (let run = 0; run < RUNS; run++) {
  const next = random(SEED + run * 7919)
  const bytes = withSum(mutated(wholes[run % wholes.length]!, next))
  const begin = performance.now()
  try {
    if (typeof (await readBoth(bytes, path)) === 'string') refused++
  } catch (error) {
    console.error(`seed ${SEED}, run ${run}:`, error)
    process.exit(1)
  }
  slowest = Math.max(slowest, performance.now() - begin)
}
console.log(`${RUNS} files, ${refused} refused, the slowest took ${Math.round(slowest)} ms`)
