import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  manualSeed,
  models,
  rand,
  randn,
  setJobThreads,
  type Tensor,
  tensor,
  where,
} from '../../lib/index.js'
import { graphToJson, toBytes, withCoded, writeCoded } from '../../lib/internal.js'

// Bytes, times and memory of coded files: the paper's networks at the paper's densities, with random positions and
// values that are shared among 256 (CONV) or 32 (FC), against the entropy of those positions and values.
// Run it: tsx scripts/coded/figures.ts [alexnet-caffe|vgg-16|lenet-300-100]...

/** Kept shares of weights in percent, in the order of the layers. */
const DENSITIES: Readonly<Record<string, readonly number[]>> = {
  'lenet-300-100': [8, 9, 26],
  'alexnet-caffe': [84, 38, 35, 37, 37, 9, 9, 25],
  'vgg-16': [58, 22, 34, 36, 53, 24, 42, 32, 27, 34, 35, 29, 36, 4, 4, 23],
}
const PROFILES = ['compact', 'huffman'] as const

type Graph = Parameters<typeof writeCoded>[1]['graph']

interface Made {
  readonly values: Tensor
  readonly keep: Tensor | undefined
}

/** Values of a normal distribution in so many steps, and a random mask. */
function draw(shape: readonly number[], density: number, shared: number): Made & { readonly bits: number } {
  using keep = rand(shape).lt(density)
  using steps = randn(shape)
    .clamp(-2.99, 2.99)
    .add(3)
    .mul(shared / 6)
    .floor()
  using scaled = steps.sub(shared / 2 - 0.5).mul(2 ** -10)
  using zero = tensor(0)
  const values = where(keep, scaled, zero)
  const bits = entropyOf(new Uint8Array(toBytes(keep).data), new Float32Array(toBytes(steps).data.buffer))
  return { values, keep: keep.clone(), bits }
}

/** The bits of positions and of values, if each were independent of all others and their shares were known. */
function entropyOf(keep: Uint8Array, steps: Float32Array): number {
  const counts = new Float64Array(256)
  let kept = 0
  for (let i = 0; i < keep.length; i++) {
    if (!keep[i]) continue
    counts[steps[i]!]!++
    kept++
  }
  const part = (count: number, of: number) => (count === 0 ? 0 : -count * Math.log2(count / of))
  const values = counts.reduce((sum, count) => sum + part(count, kept), 0)
  return values + part(kept, keep.length) + part(keep.length - kept, keep.length)
}

/** What work took: seconds, seconds of the processor, and the most memory in MB beyond what was in use before. */
async function cost<T>(work: () => Promise<T>): Promise<readonly [result: T, cost: string]> {
  const memory = (key: string) =>
    Number(new RegExp(`${key}:\\s+(\\d+)`).exec(readFileSync('/proc/self/status', 'utf8'))![1]) / 1000
  // Makes the kernel forget the peak so far.
  writeFileSync('/proc/self/clear_refs', '5')
  const [before, begin, used] = [memory('VmRSS'), performance.now(), process.cpuUsage()]
  const result = await work()
  const seconds = (performance.now() - begin) / 1000
  const { user, system } = process.cpuUsage(used)
  const processor = (user + system) / 1e6
  const more = Math.round(memory('VmHWM') - before)
  return [
    result,
    `${seconds.toFixed(2)} s (${processor.toFixed(2)} s of the processor), ${more} MB more memory`,
  ]
}

async function measure(name: string, folder: string): Promise<void> {
  manualSeed(1)
  using net = models.createModel(name)
  const tensors = new Map<string, Made>()
  let entropy = 0
  let dense = 0
  const densities = [...DENSITIES[name]!]
  for (const tensorName of net.tensorNames()) {
    const { shape } = net.tensor(tensorName)
    const isConnected = tensorName.endsWith('.weight')
    const shared = shape.length > 2 ? 256 : name.startsWith('lenet') ? 64 : 32
    const made = isConnected
      ? draw(shape, densities.shift()! / 100, shared)
      : { values: rand(shape), keep: undefined }
    if ('bits' in made) entropy += made.bits / 8
    tensors.set(tensorName, made)
    dense += 4 * made.values.numel
  }
  const file = { graph: graphToJson(net) as Graph, tensors }
  for (const profile of PROFILES) {
    const path = join(folder, 'network.tpz')
    const [bytes, coding] = await cost(() => writeCoded(path, file, profile))
    const [, decoding] = await cost(() =>
      withCoded(path, async ({ tensors }) => {
        for (const { pieces } of tensors.values()) for await (const _ of pieces());
      }),
    )
    const over = (100 * bytes) / entropy - 100
    console.log(
      `${name} ${profile}: ${bytes} bytes, 1/${(dense / bytes).toFixed(1)} of ${dense} dense; that is ${over.toFixed(2)}% more`,
      `than the entropy of positions and values, ${Math.round(entropy)}\n  coding ${coding}\n  decoding ${decoding}`,
    )
  }
  for (const { values, keep } of tensors.values()) {
    values.dispose()
    keep?.dispose()
  }
}

setJobThreads(availableParallelism())
const folder = mkdtempSync(join(tmpdir(), 'torch-prune-coded-'))
try {
  const asked = process.argv.slice(2)
  for (const name of asked.length > 0 ? asked : Object.keys(DENSITIES)) await measure(name, folder)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
