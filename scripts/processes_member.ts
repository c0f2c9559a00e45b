// A process of scripts/processes.ts: processes_member.ts FOLDER BATCH_SIZE STEPS ACCUMULATE LR SHARES_MEMORY. It
// trains, saves the network, prunes and saves it again, and then trains for each line of its input. Rank 0 prints a line
// each time: samples per second.
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { applyCriterion, criteria, data, models, optim, processGroup, train } from '../lib/index.js'
import { computeInJobs } from '../lib/internal.js'

const [folder = '', ...numbers] = process.argv.slice(2)
const [batchSize = 128, steps = 200, accumulate = 1, lr = 0.02, shares = 1] = numbers.map(Number)

computeInJobs(1)
const group = await processGroup({ sharedMemory: shares === 1 })
const first = group === undefined || group.rank === 0
const { train: all } = await data.mnist()
const samples = all.slice(0, batchSize * steps)
const net = models.lenet5({ seed: 1 })

/** Trains once, and returns how fast it was. */
async function trainOnce(): Promise<number> {
  const { epochs } = await train(net, samples, {
    ...{ epochs: 1, batchSize: batchSize / accumulate, accumulate, group, seed: 1 },
    optimizer: optim.sgd({ lr, momentum: 0.9, nesterov: true, weightDecay: 5e-4 }),
  })
  return epochs[0]!.samplesPerSecond
}

const rate = await trainOnce()
if (first) await net.save(join(folder, 'dense.safetensors'))
await applyCriterion(net, criteria.magnitude().global(0.08))
if (first) {
  await net.save(join(folder, 'pruned.safetensors'))
  console.log(rate)
}
for await (const _ of createInterface({ input: process.stdin })) {
  const again = await trainOnce()
  if (first) console.log(again)
}
