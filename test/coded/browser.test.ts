import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { PACKAGE } from '../../lib/install/home.js'
import { linear } from '../../lib/nn/layers/index.js'
import { network } from '../../lib/nn/network.js'
import { tensor } from '../../lib/tensor/from.js'

const folder = mkdtempSync(join(tmpdir(), 'torch-prune-coded-alone-'))

describe('torch-prune/coded', () => {
  after(() => rmSync(folder, { recursive: true, force: true }))

  it('loads no module of Node and no addon, and runs in a worker', async () => {
    using net = network([2], { fc: linear(2, 1) })
    await net.put([
      ['fc.weight', tensor([[2, -1]])],
      ['fc.bias', tensor([0.5])],
    ])
    const file = join(folder, 'network.tpz')
    await net.export(file)
    const script = join(folder, 'alone.mjs')
    writeFileSync(script, ALONE)
    const args = [script, join(PACKAGE, 'dist/coded/index.js'), file]
    const { stdout } = await promisify(execFile)(process.execPath, args)
    expect(JSON.parse(stdout)).to.deep.equal({ outputs: [1.5, -0.5], modules: [] })
  })
})

/** Reads a file in a worker whose loader notes every module that is no file of the package's own. */
const ALONE = `
import { readFileSync } from 'node:fs'
import { register } from 'node:module'
import { Worker, isMainThread, parentPort, workerData, MessageChannel } from 'node:worker_threads'
import { pathToFileURL } from 'node:url'

if (isMainThread) {
  const [, , reader, file] = process.argv
  const worker = new Worker(new URL(import.meta.url), { workerData: { reader, bytes: readFileSync(file) } })
  worker.on('message', (message) => console.log(JSON.stringify(message)))
} else {
  const { port1, port2 } = new MessageChannel()
  const hooks = \`
    let port
    export const initialize = (data) => { port = data.port }
    export const resolve = (specifier, context, next) => {
      if (!specifier.startsWith('.') && !specifier.startsWith('file:')) port.postMessage(specifier)
      return next(specifier, context)
    }\`
  register('data:text/javascript,' + encodeURIComponent(hooks), { data: { port: port2 }, transferList: [port2] })
  const modules = []
  port1.on('message', (name) => modules.push(name))
  port1.unref()
  const { readCoded } = await import(pathToFileURL(workerData.reader))
  const network = await readCoded(workerData.bytes)
  const outputs = [...network.run(Float32Array.of(1, 1, 0, 1))]
  await new Promise((resolve) => setTimeout(resolve, 100))
  parentPort.postMessage({ outputs, modules })
}
`
