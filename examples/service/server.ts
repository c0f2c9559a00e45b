// An HTTP service that trains and keeps answering.
//   npx tsx examples/service/server.ts [FOLDER OF MNIST]
//   curl -X POST localhost:8080/runs; curl localhost:8080/runs/1; curl -X DELETE localhost:8080/runs/1
import { createServer } from 'node:http'
import { criteria, data, models, optim, prune, train } from 'torch-prune'

interface Run {
  state: 'training' | 'pruning' | 'done' | 'stopped' | 'failed'
  progress: unknown
  stop: AbortController
}

const mnist = await data.mnist(process.argv[2])
const runs: Run[] = []

async function work(run: Run): Promise<void> {
  const { signal } = run.stop
  using net = models.lenet300100({ seed: runs.length })
  const optimizer = optim.sgd({ lr: 0.1, momentum: 0.9 })
  for await (const epoch of train(net, mnist.train, { epochs: 5, optimizer, signal })) run.progress = epoch
  run.state = 'pruning'
  const rounds = prune(net, mnist, {
    criterion: criteria.magnitude().global(0.1),
    rounds: 3,
    retrain: { epochs: 2, optimizer: optim.sgd({ lr: 0.01, momentum: 0.9 }) },
    signal,
  })
  for await (const round of rounds) run.progress = round
  run.state = 'done'
}

function start(): number {
  const run: Run = { state: 'training', progress: null, stop: new AbortController() }
  const number = runs.push(run)
  work(run).catch((error: unknown) => {
    run.state = run.stop.signal.aborted ? 'stopped' : 'failed'
    run.progress = String(error)
  })
  return number
}

/** The status and the body of an answer. Nothing that a client sends may throw here. */
function answer(method: string, path: string): readonly [status: number, body: unknown] {
  if (!URL.canParse(path, 'http://localhost')) return [400, { error: 'bad request' }]
  const { pathname } = new URL(path, 'http://localhost')
  const [, id] = /^\/runs(?:\/(\d+))?$/.exec(pathname) ?? [undefined, '0']
  if (id === undefined) {
    if (method === 'POST') return [202, { run: start() }]
    if (method === 'GET') return [200, runs.map(({ state }, i) => ({ run: i + 1, state }))]
    return [405, { error: 'use GET or POST' }]
  }
  const run = runs[Number(id) - 1]
  if (run === undefined) return [404, { error: 'not found' }]
  if (method === 'DELETE') run.stop.abort()
  else if (method !== 'GET') return [405, { error: 'use GET or DELETE' }]
  return [200, { state: run.state, progress: run.progress }]
}

const server = createServer((request, response) => {
  request.resume() // no request needs a body: whatever comes is let go
  const [status, body] = answer(request.method ?? '', request.url ?? '')
  response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`)
})
server.listen(Number(process.env.PORT ?? 8080), () => console.log('listening on', server.address()))
