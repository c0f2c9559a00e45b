// What test/native/exit.test.ts runs in a child process, and what that runs in worker threads: one scenario by
// name. A worker thread cannot take tsx from the command line on every Node, so it is registered here.
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { register } from 'tsx/esm/api'

register()
const { Dataset } = await import('../../lib/data/dataset.ts')
const { imageClasses } = await import('../../lib/data/images.ts')
const { conv2d, linear, relu } = await import('../../lib/nn/layers/index.ts')
const { network } = await import('../../lib/nn/network.ts')
const { sgd } = await import('../../lib/optim/spec.ts')
const { ones, randn, zeros } = await import('../../lib/tensor/factories.ts')
const { train } = await import('../../lib/train/train.ts')
const { Trainer } = await import('../../lib/train/trainer.ts')

/** Masked networks, as many as a scenario has jobs. */
const networks = []
for (let i = 0; i < 5; i++) {
  const net = network([8], { fc1: linear(8, 16), relu: relu(), fc2: linear(16, 2) })
  await net.setMask('fc1', randn([16, 8]).gt(0))
  networks.push(net)
}

/** A job of `epochs` epochs of 64 steps each. */
function job(epochs, onProgress) {
  const net = networks.pop()
  const data = Dataset.from(randn([256, 8]), zeros([256]).long())
  return train(net, data, { epochs, optimizer: sgd({ lr: 0.01, momentum: 0.9 }), batchSize: 4, onProgress })
}

/** A trainer of an epoch of 25,000 steps. */
function trainer(onProgress) {
  const data = Dataset.from(randn([100_000, 8]), zeros([100_000]).long())
  const options = { epochs: 1, optimizer: sgd({ lr: 0.01, momentum: 0.9 }), batchSize: 4, onProgress }
  return Trainer.of(networks.pop(), data, options)
}

/** Runs sessions without end, several calls at a time, beside a training. */
async function answering(onAnswer) {
  const big = network([512], { fc1: linear(512, 512), relu: relu(), fc2: linear(512, 2) })
  const sessions = [await big.compile({ threads: 2 }), await big.compile({ batch: 4, forms: ['sparse'] })]
  job(long)
    .result()
    .catch(() => {})
  for (;;) {
    await Promise.all(
      sessions.flatMap((each) => [1, 2, 3].map(() => each.runBatch(new Float32Array(4 * 512)))),
    )
    onAnswer()
  }
}

/** Reads pictures again and again, most of which the addon's threads ask sharp for on this thread. */
async function reading(onProgress) {
  const golden = new URL('../golden/images', import.meta.url).pathname
  const { dataset } = await imageClasses(golden, { size: 32, resize: 40 })
  for (;;) {
    await dataset.check({ batchSize: 2, onProgress })
    onProgress()
  }
}

/** A dataset whose batches are made on this thread, without end. */
function endless() {
  const made = { images: randn([4, 8]), labels: zeros([4]).long() }
  return Dataset.fromBatches(
    function* () {
      for (;;) yield made
    },
    { sampleShape: [8] },
  )
}

/** Trains on batches that never end. */
function trainingOnBatches(onProgress) {
  const options = { epochs: 1, optimizer: sgd({ lr: 0.01 }), onProgress }
  return train(networks.pop(), endless(), options)
}

function worker(scenario, onMessage = () => {}) {
  const thread = new Worker(new URL(import.meta.url), { workerData: scenario })
  thread.on('message', (message) => onMessage(message, thread))
  return new Promise((resolve, reject) => thread.on('error', reject).on('exit', resolve))
}

const long = 1e6
const scenarios = {
  async trains() {
    const { epochs } = await job(3)
    say(`trained ${epochs.length} epochs`)
  },
  'trains unawaited': () => void job(3).result(),
  'follows a job and leaves it': async () => {
    for await (const { epoch } of job(long)) if (epoch === 2) break
    say('left')
  },
  'exits while a job runs': () => void job(long, () => process.exit(7)).result(),
  async 'exits while a trainer runs'() {
    globalThis.held = await trainer(() => process.exit(7))
    await globalThis.held.run()
  },
  async 'exits while jobs wait'() {
    for (let i = 0; i < 5; i++) job(long).result()
    await null
    process.exit(7)
  },
  'fails while a job runs': () => {
    job(long, () => setImmediate(() => nothing.at.all)).result()
  },
  'fails in onProgress': () => void job(long, () => nothing.at.all).result(),
  'fails in a hook': () => {
    const weight = ones([2], { requiresGrad: true })
    weight.registerHook(() => nothing.at.all)
    weight.sum().backward()
  },
  'holds tensors, hooks and trainers': async () => {
    globalThis.held = [ones([1000], { requiresGrad: true }), job(1), await trainer()]
    globalThis.held[0].registerHook((grad) => grad.mul(globalThis.held[0].detach()))
    globalThis.held[0].sum().backward()
    await globalThis.held[1]
    await globalThis.held[2].run(10)
    say('held')
  },
  'holds datasets of batches': async () => {
    globalThis.held = Array.from({ length: 200 }, endless)
    const training = trainingOnBatches(() => training.cancel())
    await training.result().catch(() => say('held'))
  },
  'exits while batches are made': () => void trainingOnBatches(() => process.exit(7)).result(),
  'says when it trains on batches': () => void trainingOnBatches(() => say('training')).result(),
  async 'holds sessions'() {
    const net = networks.pop()
    globalThis.held = [await net.compile(), await net.compile({ batch: 3 })]
    net.dispose()
    await globalThis.held[1].runBatch(new Float32Array(24))
    void globalThis.held[1].runBatch(new Float32Array(24))
    say('held')
  },
  'exits while sessions run': () => void answering(() => process.exit(7)),
  async 'asks sessions for more at its exit'() {
    // So large that it still runs when the process has ended.
    const layers = { one: conv2d(3, 128, 3, { padding: 1 }), two: conv2d(128, 128, 3, { padding: 1 }) }
    const big = network([3, 64, 64], layers)
    const session = await big.compile({ batch: 4, threads: 2, concurrency: 4, forms: ['packed'] })
    const samples = new Float32Array(4 * 3 * 64 * 64)
    const ask = () => void session.runBatch(samples).catch(() => {})
    process.on('exit', () => {
      for (let call = 0; call < 8; call++) ask()
    })
    ask()
    ask()
    setTimeout(() => process.exit(7), 1)
  },
  'exits while a network is compiled'() {
    void networks.pop().compile()
    setImmediate(() => process.exit(7))
  },
  'says when sessions run': () => void answering(() => say('answering')),
  'exits while images are decoded': () => void reading(() => process.exit(7)),
  'says when it reads': () => void reading(() => say('reading')),
  'says when it trains': () => void job(long, () => say('training')).result(),

  async 'workers in turn'() {
    for (let i = 0; i < 6; i++) say(`exit ${await worker('trains', say)}`)
  },
  async 'workers at once'() {
    const codes = await Promise.all([1, 2, 3].map(() => worker('trains')))
    await scenarios.trains()
    say(`exits ${codes}`)
  },
  async 'workers that are terminated'() {
    for (let i = 0; i < 4; i++) {
      say(`exit ${await worker('says when it trains', (_, thread) => thread.terminate())}`)
    }
    await scenarios.trains()
  },
  async 'workers that are terminated while they decode'() {
    for (let i = 0; i < 4; i++) {
      say(`exit ${await worker('says when it reads', (_, thread) => thread.terminate())}`)
    }
    await scenarios.trains()
  },
  async 'workers that are terminated while batches are made'() {
    for (let i = 0; i < 4; i++) {
      say(`exit ${await worker('says when it trains on batches', (_, thread) => thread.terminate())}`)
    }
    say(`exit ${await worker('holds datasets of batches')}`)
    await scenarios.trains()
  },
  async 'workers that are terminated while sessions run'() {
    for (let i = 0; i < 3; i++) {
      say(`exit ${await worker('says when sessions run', (_, thread) => thread.terminate())}`)
    }
    say(`exit ${await worker('holds sessions')}`)
    await scenarios.trains()
  },
  async 'workers that exit and fail'() {
    say(`exit ${await worker('exits while a job runs')}`)
    for (const scenario of ['fails in a hook', 'fails in onProgress', 'fails while a job runs']) {
      say(await worker(scenario).catch((error) => error.name))
    }
    await scenarios['holds tensors, hooks and trainers']()
  },
}

function say(text) {
  if (isMainThread) console.log(text)
  else parentPort.postMessage(text)
}

await scenarios[isMainThread ? process.argv[2] : workerData]()
