import { availableParallelism } from 'node:os'
import {
  applyCriterion,
  criteria,
  Dataset,
  type Network,
  network,
  nn,
  quantize,
  setJobThreads,
  zeros,
} from '../../lib/index.js'
import type { Measurement, Part } from './result.js'
import { spread } from './statistics.js'

const REPEATS = 3

/** A layer by itself. */
interface Case {
  readonly title: string
  readonly make: () => Network
  /** Kept weights, in percent. */
  readonly density: number
  readonly batches: readonly number[]
}

/** The 3×3 convolutions of VGG-16 that have many inputs: channels in and out, the side of their images, and table 5. */
const VGG = [
  [64, 64, 224, 22],
  [64, 128, 112, 34],
  [128, 128, 112, 36],
  [128, 256, 56, 53],
  [256, 256, 56, 24],
  [256, 256, 56, 42],
  [256, 512, 28, 32],
  [512, 512, 28, 27],
  [512, 512, 28, 34],
  [512, 512, 14, 35],
  [512, 512, 14, 29],
  [512, 512, 14, 36],
] as const

const linear = (inputs: number, outputs: number, density: number): Case => ({
  title: `linear ${inputs}→${outputs} at ${density}%`,
  make: () => network([inputs], { layer: nn.linear(inputs, outputs) }) as unknown as Network,
  density,
  batches: [1, 8, 64],
})

const convolution = (from: number, to: number, side: number, density: number): Case => ({
  title: `3×3 ${from}→${to}, ${side}×${side}, at ${density}%`,
  make: () =>
    network([from, side, side], { layer: nn.conv2d(from, to, 3, { padding: 1 }) }) as unknown as Network,
  density,
  batches: [1],
})

const LINEAR = [linear(9216, 4096, 9), linear(4096, 4096, 9), linear(25_088, 4096, 4)]

/** Times the loops over kept weights by themselves, a layer at a time, against libtorch's dense and CSR ones. */
export const benchKernels: Part = async (_options, say) => {
  const threads = Math.min(2, availableParallelism())
  setJobThreads(threads)
  say(`layers by themselves, positions at random, threads: ${threads}`)
  const measurements: Measurement[] = []
  for (const each of LINEAR) {
    measurements.push(...(await timed(each, threads)).measurements)
    measurements.push(await fromCodebook(each, threads))
  }
  for (const [what, target, densityOf] of [
    ['at 10%', 3, () => 10],
    ["at the paper's densities", 1.3, (own: number) => own],
  ] as const) {
    const sums = Array.from({ length: REPEATS }, () => ({ dense: 0, sparse: 0 }))
    for (const [from, to, side, own] of VGG) {
      const { measurements: all, runs } = await timed(convolution(from, to, side, densityOf(own)), threads)
      measurements.push(...all)
      for (const [i, { dense, sparse }] of runs.entries()) {
        sums[i]!.dense += dense
        // Where zeros bring nothing, a session runs the layer dense.
        sums[i]!.sparse += Math.min(dense, sparse)
      }
    }
    const ratio = spread(sums.map(({ dense, sparse }) => dense / sparse))
    const figure = { unit: '×', value: ratio.median, spread: ratio, bound: 'least', target } as const
    measurements.push({ what: `dense / chosen, 3×3 of VGG-16 ${what}, together`, ...figure })
  }
  return measurements
}

/** One sample, and weights that share 32 values, as those of fully connected layers in Deep Compression. */
async function fromCodebook({ title, make, density }: Case, threads: number): Promise<Measurement> {
  using net = make()
  await applyCriterion(net, criteria.magnitude().density(density / 100))
  using images = zeros([2, ...net.inputShape])
  using labels = zeros([2], { dtype: 'int64' })
  const data = Dataset.from(images, labels)
  await quantize(net, { train: data, validation: data }, { bits: 5 })
  const ratios: number[] = []
  let note = ''
  for (let i = 0; i < REPEATS; i++) {
    using session = await net.compile({ threads, forms: ['sparse', 'shared'] })
    const { sparse, shared } = session.layers[0]!.milliseconds
    ratios.push(sparse! / shared!)
    note = `${sparse!.toFixed(2)} ms / ${shared!.toFixed(2)} ms`
  }
  const ratio = spread(ratios)
  return {
    what: `ours / from a codebook, ${title}, batch 1`,
    unit: '×',
    value: ratio.median,
    spread: ratio,
    note,
  }
}

interface Times {
  readonly dense: number
  readonly sparse: number
  /** Of fully connected layers alone. */
  readonly csr?: number
}

async function timed({ title, make, density, batches }: Case, threads: number) {
  using net = make()
  await applyCriterion(net, criteria.magnitude().density(density / 100))
  const measurements: Measurement[] = []
  const runs: Times[] = []
  for (const batch of batches) {
    const own: Times[] = []
    for (let i = 0; i < REPEATS; i++) {
      using session = await net.compile({ batch, threads })
      const { dense, csr, sparse } = session.layers[0]!.milliseconds
      own.push({ dense: dense!, sparse: sparse!, ...(csr !== undefined && { csr }) })
    }
    const median = (form: keyof Times) => {
      const times = own.flatMap((each) => each[form] ?? [])
      return times.length === 0 ? '–' : spread(times).median.toFixed(2)
    }
    const ratio = spread(own.map(({ dense, sparse }) => dense / sparse))
    const note = `dense ${median('dense')}, CSR ${median('csr')}, ours ${median('sparse')} ms`
    const what = `dense / ours, ${title}, batch ${batch}`
    measurements.push({ what, unit: '×', value: ratio.median, spread: ratio, note })
    runs.push(...own)
  }
  return { measurements, runs }
}
