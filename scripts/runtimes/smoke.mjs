// Trains, prunes, saves and loads a small network through the built package, to try it under each JavaScript runtime.
// This is plain JavaScript, because not every runtime reads TypeScript.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as tp from '../../dist/index.js'

const runtime = process.versions.bun
  ? `bun ${process.versions.bun}`
  : process.versions.deno
    ? `deno ${process.versions.deno}`
    : `node ${process.versions.node}`

tp.manualSeed(0)
const images = tp.randn([64, 8])
const labels = images.sum(1).gt(0).to('int64')
const dataset = tp.Dataset.from(images, labels)
const net = tp.network([8], { fc1: tp.nn.linear(8, 32), relu: tp.nn.relu(), fc2: tp.nn.linear(32, 2) })
const optimizer = tp.optim.sgd({ lr: 0.1, momentum: 0.9 })

let epochs = 0
for await (const { loss } of tp.train(net, dataset, { epochs: 3, optimizer })) {
  if (!Number.isFinite(loss)) throw new Error(`the loss is ${loss}`)
  epochs += 1
}
const { rounds } = await tp.prune(
  net,
  { train: dataset, validation: dataset },
  { criterion: tp.criteria.magnitude().density(0.25), rounds: 2, retrain: { epochs: 1, optimizer } },
)
await net.assertSealed()
const folder = await mkdtemp(join(tmpdir(), 'torch-prune-smoke-'))
try {
  const path = join(folder, 'net.safetensors')
  await net.save(path)
  const back = await tp.loadNetwork(path)
  const [a, b] = await Promise.all([tp.evaluate(net, dataset), tp.evaluate(back, dataset)])
  if (epochs !== 3 || rounds.length !== 2 || a.loss !== b.loss) throw new Error('the parts do not fit')
} finally {
  await rm(folder, { recursive: true, force: true })
}
console.log(`ok ${runtime}`)
