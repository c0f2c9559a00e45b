// What jobs over a large layer take, beside its weights and in multiples of them: one line of JSON for each.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { linear } from '../../lib/nn/layers/index.js'
import { loadWeights } from '../../lib/nn/load.js'
import { network } from '../../lib/nn/network.js'
import { applyCriterion, keptWeights } from '../../lib/prune/mask.js'
import { criteria } from '../../lib/prune/score/index.js'

const SIDE = 4096
const WEIGHTS = SIDE * SIDE * 4

function memory(which: 'VmHWM' | 'VmRSS'): number {
  const [, kilobytes] = new RegExp(`^${which}:\\s+(\\d+)`, 'm').exec(
    readFileSync('/proc/self/status', 'utf8'),
  )!
  return Number(kilobytes) * 1024
}

async function measure(job: string, work: () => Promise<unknown>): Promise<void> {
  // Large blocks go back to the system on a thread of their own.
  const settled = () => new Promise((resolve) => setTimeout(resolve, 100))
  await settled()
  writeFileSync('/proc/self/clear_refs', '5')
  const before = memory('VmRSS')
  await work()
  const highest = memory('VmHWM')
  await settled()
  const [peak, held] = [highest, memory('VmRSS')].map((bytes) => (bytes - before) / WEIGHTS)
  console.log(JSON.stringify({ job, peak, held }))
}

const folder = mkdtempSync(join(tmpdir(), 'torch-prune-memory-'))
const file = join(folder, 'network.safetensors')
try {
  const net = network([SIDE], { fc: linear(SIDE, SIDE) })
  await net.save(file)
  await measure('load', () => loadWeights(net, file))
  await measure('prune', () => applyCriterion(net, criteria.magnitude().density(0.1)))
  await measure('count', () => keptWeights(net))
} finally {
  rmSync(folder, { recursive: true })
}
