// A process of scripts/processes.ts: processes_member.ts FILE BATCH_SIZE STEPS. It trains and prunes, saves the network
// in FILE, and then trains for each line of its input. Rank 0 prints a line each time: samples per second.
import { createInterface } from 'node:readline'
import { applyCriterion, criteria, data, models, optim, processGroup, train } from '../lib/index.js'
import { computeInJobs } from '../lib/internal.js'

const [file = '', batchSize = 128, steps = 200] = process.argv
  .slice(2)
  .map((text, i) => (i === 0 ? text : Number(text))) as [string, number, number]

computeInJobs(1)
const group = await processGroup()
const { train: all } = await data.mnist()
const samples = all.slice(0, batchSize * steps)
const net = models.lenet5({ seed: 1 })
const options = {
  ...{ epochs: 1, batchSize, group, seed: 1 },
  optimizer: optim.sgd({
    lr: Number(process.env.LR ?? 0.02),
    momentum: 0.9,
    nesterov: true,
    weightDecay: 5e-4,
  }),
}

/** Trains once, and prints how fast it was. */
async function trainOnce(): Promise<void> {
  const { epochs } = await train(net, samples, options)
  if (!group || group.rank === 0) console.log(epochs[0]!.samplesPerSecond)
}

const { epochs } = await train(net, samples, options)
if (process.env.NOPRUNE === undefined) await applyCriterion(net, criteria.magnitude().global(0.08))
if (!group || group.rank === 0) {
  await net.save(file)
  console.log(epochs[0]!.samplesPerSecond)
}
for await (const _ of createInterface({ input: process.stdin })) await trainOnce()
