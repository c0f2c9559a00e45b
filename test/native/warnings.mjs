// What test/native/warnings.test.ts runs in a child process: it prints the warnings of libtorch that reach
// process.emitWarning, in the main thread and in a worker thread.
import { isMainThread, Worker } from 'node:worker_threads'
import { register } from 'tsx/esm/api'

register()
const { loadAddon } = await import('../../lib/binding/addon.ts')
const { operator } = await import('../../lib/tensor/operator.ts')
const { tensor } = await import('../../lib/tensor/from.ts')

const where = isMainThread ? 'main' : 'worker'
// Node itself would print them on stderr.
process.removeAllListeners('warning')
process.on('warning', ({ name, message }) => {
  console.log(`${where}: ${name}: ${message.replace(/ since .*/s, '')}`)
})

for (let i = 0; i < 2; i++) {
  const input = tensor([[1], [2], [3]], { requiresGrad: true })
  operator('aten::mse_loss')(input, tensor([1, 5, 2])).backward()
}
await loadAddon().warn('cold').promise
if (isMainThread) {
  const worker = new Worker(new URL(import.meta.url))
  await new Promise((resolve) => worker.on('exit', resolve))
  // With nothing left to do.
  loadAddon()
    .warn('at the end')
    .promise.catch(() => {})
}
