// Times our masked training steps: ours.ts [case…] [--device cuda] [--train JSON] [--tiny]. Prints a line of JSON for
// each case, or `{"case": …, "error": …}`.
import { parseArgs } from 'node:util'
import {
  applyCriterion,
  criteria,
  cuda,
  Dataset,
  type Device,
  models,
  optim,
  train,
} from '../../lib/index.js'
import { fromBytes } from '../../lib/internal.js'
import { CASES, type Case, caseNames } from './cases.js'

const EPOCHS = 5
const TINY_STEPS = 2

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    device: { type: 'string', default: 'cuda' },
    /** Further options of `train()`, as JSON. */
    train: { type: 'string', default: '{}' },
    /** Lets cuDNN choose its algorithms by trying them. */
    benchmark: { type: 'boolean', default: false },
    tiny: { type: 'boolean', default: false },
  },
})

/** Trains for a few epochs. The first one includes what happens once, such as choosing algorithms. */
async function time({ model, sample, batch, steps, classes, autocast }: Case): Promise<object> {
  const device = values.device as Device
  const count = values.tiny ? TINY_STEPS : steps
  using network = models.createModel(model, { seed: 0, device })
  await applyCriterion(network, criteria.magnitude().density(0.1))
  using dataset = noise(batch * count, sample, classes)
  const epochs = train(network, dataset, {
    epochs: EPOCHS,
    batchSize: batch,
    optimizer: optim.sgd({ lr: 1e-3, momentum: 0.9, weightDecay: 5e-4 }),
    autocast,
    ...(sample[0] === 3 && { memoryFormat: 'channelsLast' }),
    ...JSON.parse(values.train),
  })
  const times: number[] = []
  let started = performance.now()
  for await (const _ of epochs) {
    times.push(performance.now() - started)
    started = performance.now()
  }
  await network.assertSealed()
  const [first, ...later] = times.map((time) => time / count)
  return {
    ours_ms: round(median(later)),
    ours_first_epoch_s: round((first! * count) / 1000),
    epochs_ms: later.map(round),
  }
}

/** Images of noise in memory, as a loader would have them: bytes that are normalized on the device. */
function noise(count: number, sample: Case['sample'], classes: number): Dataset {
  const random = bytes()
  const block = Uint8Array.from({ length: 2 ** 20 }, random)
  const data = new Uint8Array(count * sample[0] * sample[1] * sample[2])
  for (let at = 0; at < data.length; at += block.length)
    data.set(block.subarray(0, Math.min(block.length, data.length - at)), at)
  const labels = BigInt64Array.from({ length: count }, () => BigInt((random() * 256 + random()) % classes))
  using images = fromBytes({ dtype: 'uint8', shape: [count, ...sample], data })
  using targets = fromBytes({ dtype: 'int64', shape: [count], data: new Uint8Array(labels.buffer) })
  const channels = (value: number) => Array.from({ length: sample[0] }, () => value)
  return Dataset.from(images, targets, { mean: channels(0.5), std: channels(0.25) })
}

/** Generates bytes that are the same everywhere (xorshift32). */
function bytes(): () => number {
  let state = 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state & 255
  }
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1]!
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000
}

if (values.benchmark) cuda.configure({ benchmark: true })
for (const name of positionals.length > 0 ? positionals : caseNames) {
  try {
    const found = CASES[name]
    if (found === undefined) throw new Error(`expected one of ${caseNames.join(', ')}`)
    console.log(JSON.stringify({ case: name, ...(await time(found)) }))
  } catch (error) {
    console.log(JSON.stringify({ case: name, ours_error: String((error as Error).message).slice(0, 300) }))
  }
}
