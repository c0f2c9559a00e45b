import { availableParallelism } from 'node:os'
import {
  applyCriterion,
  criteria,
  models,
  type Network,
  network,
  nn,
  type Session,
  setJobThreads,
} from '../../lib/index.js'
import { measureLatency } from '../../lib/internal.js'
import type { Measurement, Part } from './result.js'
import { spread } from './statistics.js'

/** The densities of the paper (tables 4 and 5), layer by layer. */
const PAPER = {
  alexnet: [84, 38, 35, 37, 37, 9, 9, 25],
  'vgg-16': [58, 22, 34, 36, 53, 24, 42, 32, 27, 34, 35, 29, 36, 4, 4, 23],
} as const
/** Whole networks against onnxruntime, at the paper's densities or at one for all layers. */
const WHOLE = [
  ['alexnet', PAPER.alexnet, 1.7],
  ['vgg-16', PAPER['vgg-16'], 1.5],
  ['resnet-18', 10, 1.3],
] as const
const REPEATS = 3
/** For how long each engine runs a whole network, each time. */
const SECONDS = 3
const TURNS = 6
const TURN_MS = 100

/** Compares compiled networks, pruned at the paper's densities, with dense ones, CSR and onnxruntime. */
export const benchInference: Part = async (_options, say) => {
  const threads = Math.min(2, availableParallelism())
  setJobThreads(threads)
  const measurements: Measurement[] = []
  for (const [model, inputs, least] of [
    ['alexnet', 9216, 5.5],
    ['vgg-16', 25_088, 9],
  ] as const) {
    say(`FC layers of ${model}, compiled for 1, 8 and 64 samples, threads: ${threads}`)
    measurements.push(...(await fullyConnected(model, inputs, threads, least)))
  }
  for (const [model, densities, least] of WHOLE) {
    say(`${model}, whole, one sample, against onnxruntime, threads: ${threads}`)
    measurements.push(...(await whole(model, densities, threads, least)))
  }
  return measurements
}

async function pruned(made: Network, percent: readonly number[] | number): Promise<Network> {
  const layers: readonly string[] = made.prunable
  const densities = layers.map((_, i) => (typeof percent === 'number' ? percent : percent[i]!) / 100)
  const byLayer = Object.fromEntries(layers.map((layer, i) => [layer, densities[i]!]))
  await applyCriterion(made, criteria.magnitude().density(byLayer))
  return made
}

async function fullyConnected(
  model: keyof typeof PAPER,
  inputs: number,
  threads: number,
  least: number,
): Promise<Measurement[]> {
  const layers = { a: nn.linear(inputs, 4096), b: nn.linear(4096, 4096), c: nn.linear(4096, 1000) }
  using net = await pruned(network([inputs], layers) as unknown as Network, PAPER[model].slice(-3))
  const measurements: Measurement[] = []
  for (const batch of [1, 8, 64]) {
    const ratios = { dense: [] as number[], csr: [] as number[] }
    const times: number[] = []
    using dense = await net.compile({ batch, threads, forms: ['dense'] })
    using csr = await net.compile({ batch, threads, forms: ['csr'] })
    using compiled = await net.compile({ batch, threads })
    for (let i = 0; i < REPEATS; i++) {
      const p50 = await inTurns({ dense, csr, compiled }, new Float32Array(batch * inputs).fill(0.5))
      times.push(p50.compiled)
      ratios.dense.push(p50.dense / p50.compiled)
      ratios.csr.push(p50.csr / p50.compiled)
    }
    const note = `${spread(times).median.toFixed(2)} ms`
    const title = `FC layers of ${model}, ${batch} sample${batch === 1 ? '' : 's'}`
    for (const [rival, values] of Object.entries(ratios)) {
      const target = batch > 1 ? 1.5 : rival === 'dense' ? least : 1.8
      const ratio = spread(values)
      const figure = { unit: '×', value: ratio.median, spread: ratio, note, bound: 'least', target } as const
      measurements.push({ what: `${rival} / compiled, ${title}`, ...figure })
    }
  }
  return measurements
}

/** The median milliseconds of a batch in each session, whose turns are long enough for it to find its weights in caches. */
async function inTurns<Name extends string>(
  sessions: Record<Name, Session>,
  samples: Float32Array,
): Promise<Record<Name, number>> {
  const names = Object.keys(sessions) as Name[]
  const times = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>
  for (let turn = 0; turn < TURNS; turn++) {
    for (const name of turn % 2 === 0 ? names : names.toReversed()) {
      const { [name]: session } = sessions
      await session.runBatch(samples)
      for (let spent = 0; spent < TURN_MS; ) {
        const begin = performance.now()
        await session.runBatch(samples)
        const took = performance.now() - begin
        times[name].push(took)
        spent += took
      }
    }
  }
  return Object.fromEntries(names.map((name) => [name, spread(times[name]).median])) as Record<Name, number>
}

async function whole(
  model: 'alexnet' | 'vgg-16' | 'resnet-18',
  densities: readonly number[] | number,
  threads: number,
  target: number,
): Promise<Measurement[]> {
  using net = await pruned(models.createModel(model) as Network, densities)
  const ratios: number[] = []
  let note = ''
  for (let i = 0; i < REPEATS; i++) {
    const { engines, missing } = await measureLatency(net, { batch: 1, threads, seconds: SECONDS })
    if (missing.onnxruntime !== undefined) throw new Error(missing.onnxruntime)
    const [compiled, dense, rival] = [engines.compiled!.p50, engines.dense!.p50, engines.onnxruntime!.p50]
    ratios.push(rival / compiled)
    note = `${rival.toFixed(1)} ms / ${compiled.toFixed(1)} ms; dense ${dense.toFixed(1)} ms`
  }
  const ratio = spread(ratios)
  const what = `onnxruntime / compiled, ${model}, 1 sample`
  return [{ what, unit: '×', value: ratio.median, spread: ratio, note, bound: 'least', target }]
}
