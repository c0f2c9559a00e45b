// Run by lifetime.test.ts: forgets tensors in one turn of the event loop, or not, and shows what is warned of.
import { setImmediate } from 'node:timers/promises'

import { zeros } from '../../lib/tensor/factories.js'
import { scope } from '../../lib/tensor/scope.js'

const warnings: string[] = []
process.on('warning', ({ name, message }) => warnings.push(`${name}: ${message}`))

const tiny = () => zeros([1])
for (let i = 0; i < 3000; i++) tiny()
await setImmediate()
for (let i = 0; i < 3000; i++) tiny()
await setImmediate()
for (let i = 0; i < 5000; i++) {
  using one = tiny()
  scope(() => one.add(1).add(1))
}
await setImmediate()
const before = warnings.length
for (let turn = 0; turn < 2; turn++) {
  for (let i = 0; i < 5000; i++) tiny()
  await setImmediate()
}
console.log(JSON.stringify({ before, warnings }))
