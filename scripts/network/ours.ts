// Our side of `npm run compare` on large networks, in a process of its own, so that its memory can be measured. It
// takes the commands of scripts/reference/compare_network.py, and `cache`.
import { createHash } from 'node:crypto'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { applyCriterion, criteria, type Device, optim, predict } from '../../lib/index.js'
import {
  computeInJobs,
  type DatasetHandle,
  loadAddon,
  PREFIX_BATCH,
  runJob,
  toBytes,
} from '../../lib/internal.js'
import { peakMemory, resetPeakMemory } from './memory.js'
import { DENSITY, freshNetwork, LR, MOMENTUM, type NetworkName, readPart, WEIGHT_DECAY } from './task.js'

const { values } = parseArgs({
  options: {
    folder: { type: 'string' },
    model: { type: 'string' },
    device: { type: 'string', default: 'cpu' },
    batch: { type: 'string' },
    threads: { type: 'string' },
    /** The layers that are not trained: `conv` for all convolutions. */
    frozen: { type: 'string' },
    /** `on`: linear layers compute with their kept weights alone. */
    sparse: { type: 'string', default: 'off' },
  },
})
const { folder = '.', model, frozen } = values
const batchSize = Number(values.batch)
computeInJobs(Number(values.threads))

const native = loadAddon()
using network = freshNetwork(model as NetworkName)
await network.to(values.device as Device)
await network.setMemoryFormat('channelsLast')
await applyCriterion(network, criteria.magnitude().density(DENSITY))
if (frozen === 'conv')
  network.freeze(...network.costs.filter(({ kind }) => kind === 'conv').map(({ name }) => name))
using optimizer = optim.Optimizer.of(
  network,
  optim.sgd({ lr: LR, momentum: MOMENTUM, weightDecay: WEIGHT_DECAY }),
)
using dataset = await readPart(folder, 'batches')
let trainer = trainerOver(dataset.handle)
let next = 0

function trainerOver(samples: DatasetHandle, after = -1) {
  const settings = { batchSize, after, sparse: values.sparse as 'on' | 'off', keepLosses: true }
  return native.trainerMake(network.handle, optimizer.handle, samples, settings)
}

/** Runs the next steps in one job; after the last batch, it starts over with the first. */
async function run(steps: number) {
  const order = Array.from({ length: steps * batchSize }, (_, i) => (next + i) % dataset.length)
  next = (next + order.length) % dataset.length
  const started = performance.now()
  const { losses } = await runJob(() => native.trainerRun(trainer, { order, rates: [LR] }))
  return { seconds: (performance.now() - started) / 1000, losses: [...losses] }
}

/** Caches the outputs of the frozen layers at the front, and trains on them from now on. */
async function cache() {
  const after = native.networkFrozenPrefix(network.handle)
  const started = performance.now()
  const handle = await runJob(() =>
    native.prefixStart(network.handle, dataset.handle, { batchSize: Math.min(PREFIX_BATCH, batchSize) }),
  )
  const seconds = (performance.now() - started) / 1000
  native.trainerDispose(trainer)
  trainer = trainerOver(handle, after)
  return { seconds }
}

/** Returns the peak memory, digests of the masks by layer, and the predicted classes of the test images. */
async function finish() {
  await network.assertSealed()
  const peak = peakMemory()
  const masks = network.prunable.map((layer) => {
    using mask = network.mask(layer)
    return [layer, createHash('sha256').update(toBytes(mask!).data).digest('hex')]
  })
  using test = await readPart(folder, 'test')
  using logits = await predict(network, test, { batchSize })
  using best = logits.argmax(1)
  return { peak, masks: Object.fromEntries(masks), classes: [...best.data()].map(Number) }
}

const answer = (value: object) => process.stdout.write(`${JSON.stringify(value)}\n`)
resetPeakMemory()
answer({ ready: true })
for await (const line of createInterface({ input: process.stdin })) {
  const [command, count] = line.split(' ')
  if (command === 'quit') break
  if (command === 'run') answer(await run(Number(count)))
  else if (command === 'cache') answer(await cache())
  else if (command === 'finish') answer(await finish())
  else answer({ error: `expected "run N", "cache", "finish" or "quit" but received '${line}'` })
}
