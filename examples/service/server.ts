// An HTTP service that trains and keeps answering.
//   npx tsx examples/service/server.ts
//   curl -X POST localhost:8080/runs; curl localhost:8080/runs/1; curl -X DELETE localhost:8080/runs/1
import { createServer } from 'node:http'
import { data, models, prune, sgd, train } from 'torch-prune'

interface Run {
  state: 'training' | 'pruning' | 'done' | 'stopped' | 'failed'
  progress: unknown
  stop: AbortController
}

const mnist = await data.mnist()
const runs: Run[] = []

async function work(run: Run): Promise<void> {
  const { signal } = run.stop
  using net = models.lenet300100({ seed: runs.length })
  const optimizer = sgd({ lr: 0.1, momentum: 0.9 })
  for await (const epoch of train(net, mnist.train, { epochs: 5, optimizer, signal })) run.progress = epoch
  run.state = 'pruning'
  const rounds = prune(net, mnist, {
    criterion: prune.globalDensity(0.1),
    rounds: 3,
    retrain: { epochs: 2, optimizer: sgd({ lr: 0.01, momentum: 0.9 }) },
    signal,
  })
  for await (const round of rounds) run.progress = round
  run.state = 'done'
}

const server = createServer((request, response) => {
  const reply = (status: number, body: unknown) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`)
  }
  const [, collection, id] = new URL(request.url ?? '/', 'http://localhost').pathname.split('/')
  const run = id === undefined ? undefined : runs[Number(id) - 1]
  if (collection !== 'runs' || (id !== undefined && run === undefined))
    return reply(404, { error: 'not found' })
  if (run === undefined && request.method === 'POST') {
    const started: Run = { state: 'training', progress: null, stop: new AbortController() }
    runs.push(started)
    work(started).catch((error: unknown) => {
      started.state = started.stop.signal.aborted ? 'stopped' : 'failed'
      started.progress = String(error)
    })
    return reply(202, { run: runs.length })
  }
  if (run === undefined)
    return reply(
      200,
      runs.map(({ state }, i) => ({ run: i + 1, state })),
    )
  if (request.method === 'DELETE') run.stop.abort()
  return reply(200, { state: run.state, progress: run.progress })
})
server.listen(Number(process.env.PORT ?? 8080), () => console.log('listening on', server.address()))
